/* Printed ladders, against pictures kept in test/golden/draw, and what must hold of all
 * of them. */
#include "draw/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/visible.h"
#include "draw/golden.h"
#include "draw/sample.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

/* A translator of a few messages; the rest stays English. */
static const char *say_in_chinese(const char *message)
{
    static const char *const messages[][2] = {
        {"{count} bytes", "{count} 字节"},
        {"{duration} of silence", "静默 {duration}"},
        {"time", "时间"},
        {"ms", "毫秒"},
        {"calls", "调用"},
        {"state", "状态"},
        {"the wire", "线路"},
        {"client", "客户端"},
        {"server", "服务端"},
        {"; ", "；"},
        {"opened three-way in {ms} ms, inside connect()",
         "三次握手在 connect() 之内完成，用时 {ms} 毫秒"},
        {"closed by the server in three segments", "服务端先关闭，三个报文段完成挥手"},
        {"the server waits 60 s in TIME_WAIT", "服务端在 TIME_WAIT 等待 60 秒"},
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (!strcmp(message, messages[i][0]))
            return messages[i][1];
    return message;
}

static const struct words english = {"en", say_as_is};
static const struct words chinese = {"zh-CN", say_in_chinese};

static const char *const names[] = {"hello", "refused", "lost",
                                    "three", "capture", "crossing"};
enum { NAMES = sizeof names / sizeof *names };

/* A sample's stories, with their ladder. */
struct drawing {
    struct story *stories[3];
    size_t count;
    struct ladder *ladder;
};

static struct drawing draw(const char *name, const struct words *words)
{
    struct drawing drawing = {0};
    drawing.count = sample_named(name, drawing.stories);
    assert_int_equal(ladder_new((const struct story *const *)drawing.stories,
                                drawing.count, words, &drawing.ladder),
                     0);
    return drawing;
}

static void drawing_done(struct drawing *drawing)
{
    ladder_free(&drawing->ladder);
    for (size_t i = 0; i < drawing->count; i++)
        story_free(&drawing->stories[i]);
}

static void print(const struct drawing *drawing, struct text_options options,
                  struct buffer *text)
{
    buffer_init(text, 0);
    text_options_fit(&options, drawing->ladder);
    text_header(drawing->ladder, &options, text);
    text_rows(drawing->ladder, &options, 0, drawing->ladder->row_count, text);
    text_footer(drawing->ladder, &options, text);
    assert_int_equal(text->failed, 0);
}

static void check(const char *name, struct text_options options, const char *golden)
{
    struct drawing drawing = draw(name, options.words);
    struct buffer text;
    print(&drawing, options, &text);
    assert_true(golden_matches(golden, buffer_text(&text)));
    buffer_done(&text);
    drawing_done(&drawing);
}

/* --- pictures --- */

static void eighty_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        char golden[64];
        snprintf(golden, sizeof golden, "%s-80.txt", names[i]);
        check(names[i], (struct text_options){.width = 80, .words = &english}, golden);
    }
}

static void ascii(void **state)
{
    (void)state;
    struct text_options options = {.width = 80, .ascii = true, .words = &english};
    check("hello", options, "hello-ascii.txt");
    check("lost", options, "lost-ascii.txt");
    check("three", options, "three-ascii.txt");
}

static void another_language(void **state)
{
    (void)state;
    check("hello", (struct text_options){.width = 80, .words = &chinese}, "hello-zh.txt");
}

static void a_wide_terminal(void **state)
{
    (void)state;
    check("hello", (struct text_options){.width = 140, .words = &english},
          "hello-140.txt");
    check("refused", (struct text_options){.width = 140, .words = &english},
          "refused-140.txt");
}

static void colour(void **state)
{
    (void)state;
    check("lost", (struct text_options){.width = 80, .colour = true, .words = &english},
          "lost-colour.txt");
}

/* --- what must hold of all --- */

static void each_line(const char *text, void (*look)(const char *, size_t, int),
                      int number)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        look(text, length, number);
        text += length + (text[length] == '\n');
    }
}

static void fits(const char *line, size_t length, int width)
{
    int columns = visible_width(line, length);
    if (columns > width)
        print_error("%d columns: %.*s\n", columns, (int)length, line);
    assert_true(columns <= width);
    assert_true(length == 0 || line[length - 1] != ' ');
}

static void no_line_is_wider_than_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct drawing drawing = draw(names[i], &chinese);
        for (int width = TEXT_WIDTH_MIN; width <= TEXT_WIDTH_MAX; width++) {
            struct buffer text;
            print(&drawing, (struct text_options){.width = width, .words = &chinese},
                  &text);
            each_line(buffer_text(&text), fits, width);
            buffer_done(&text);
        }
        drawing_done(&drawing);
    }
}

static void a_width_out_of_range_is_taken_for_the_nearest(void **state)
{
    (void)state;
    struct drawing drawing = draw("hello", &english);
    struct buffer small, least;
    print(&drawing, (struct text_options){.width = -1, .words = &english}, &small);
    print(&drawing, (struct text_options){.width = 80, .words = &english}, &least);
    assert_string_equal(buffer_text(&small), buffer_text(&least));
    buffer_done(&small);
    print(&drawing, (struct text_options){.width = 100000, .words = &english}, &small);
    each_line(buffer_text(&small), fits, TEXT_WIDTH_MAX);
    buffer_done(&small);
    buffer_done(&least);
    drawing_done(&drawing);
}

static void is_ascii(const char *line, size_t length, int unused)
{
    (void)unused;
    for (size_t i = 0; i < length; i++)
        assert_in_range(line[i], 0x20, 0x7e);
}

static void ascii_is_ascii_throughout(void **state)
{
    (void)state;
    struct text_options options = {.width = 100, .ascii = true, .words = &english};
    for (size_t i = 0; i < NAMES; i++) {
        struct drawing drawing = draw(names[i], &english);
        struct buffer text;
        print(&drawing, options, &text);
        each_line(buffer_text(&text), is_ascii, 0);
        buffer_done(&text);
        drawing_done(&drawing);
    }
}

/* Without its escape sequences a coloured picture is the plain one: colour is never
 * alone. */
static void colour_adds_nothing_but_colour(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct drawing drawing = draw(names[i], &english);
        struct buffer plain, coloured, stripped;
        struct text_options options = {.width = 80, .words = &english};
        print(&drawing, options, &plain);
        options.colour = true;
        print(&drawing, options, &coloured);
        buffer_init(&stripped, 0);
        for (const char *at = buffer_text(&coloured); *at; at++)
            if (*at == '\033')
                at += strcspn(at, "m");
            else
                buffer_append_char(&stripped, *at);
        assert_string_equal(buffer_text(&stripped), buffer_text(&plain));
        assert_non_null(strstr(buffer_text(&coloured), "\033[0m"));
        buffer_done(&plain);
        buffer_done(&coloured);
        buffer_done(&stripped);
        drawing_done(&drawing);
    }
}

/* --- printing as it happens --- */

/* The story as it was known at `now_ns`. */
static struct story known_at(const struct story *story, int64_t now_ns)
{
    struct story known = *story;
    known.events = calloc(story->event_count, sizeof *known.events);
    assert_non_null(known.events);
    known.event_count = 0;
    for (size_t i = 0; i < story->event_count && story->events[i].t_ns <= now_ns; i++) {
        struct event *event = &known.events[known.event_count++];
        *event = story->events[i];
        if (event->kind == EVENT_PACKET && event->packet.received_ns > now_ns)
            event->packet.received_ns = UNSEEN_NS;
    }
    return known;
}

/* Prints the rows that are settled at `now_ns` and were not printed before. */
static void print_settled(const struct drawing *drawing, int64_t now_ns, size_t *printed,
                          struct buffer *text)
{
    struct text_options options = {.width = 80, .words = &english};
    struct story known[3];
    const struct story *borrowed[3];
    struct ladder *ladder = NULL;
    for (size_t i = 0; i < drawing->count; i++) {
        known[i] = known_at(drawing->stories[i], now_ns);
        borrowed[i] = &known[i];
    }
    assert_int_equal(ladder_new(borrowed, drawing->count, &english, &ladder), 0);
    if (ladder->row_count > *printed + 1) {
        text_rows(ladder, &options, *printed, ladder->row_count - 1, text);
        *printed = ladder->row_count - 1;
    }
    ladder_free(&ladder);
    for (size_t i = 0; i < drawing->count; i++)
        free(known[i].events);
}

static void printed_live_or_at_the_end_it_is_the_same(void **state)
{
    static const char *const seen[] = {"hello", "refused", "lost", "three", "crossing"};
    (void)state;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        struct drawing drawing = draw(seen[i], &english);
        struct text_options options = {.width = 80, .words = &english};
        struct buffer live, whole;
        size_t printed = 0, rows = drawing.ladder->row_count;
        buffer_init(&live, 0);
        buffer_init(&whole, 0);
        for (size_t k = 0; k < rows; k++)
            print_settled(&drawing, drawing.ladder->rows[k].t_ns, &printed, &live);
        text_rows(drawing.ladder, &options, printed, rows, &live);
        text_rows(drawing.ladder, &options, 0, rows, &whole);
        assert_true(printed > rows / 2);
        assert_string_equal(buffer_text(&live), buffer_text(&whole));
        buffer_done(&live);
        buffer_done(&whole);
        drawing_done(&drawing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eighty_columns),
        cmocka_unit_test(ascii),
        cmocka_unit_test(another_language),
        cmocka_unit_test(a_wide_terminal),
        cmocka_unit_test(colour),
        cmocka_unit_test(no_line_is_wider_than_asked_for),
        cmocka_unit_test(a_width_out_of_range_is_taken_for_the_nearest),
        cmocka_unit_test(ascii_is_ascii_throughout),
        cmocka_unit_test(colour_adds_nothing_but_colour),
        cmocka_unit_test(printed_live_or_at_the_end_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
