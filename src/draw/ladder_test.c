/* Rows are moments: what belongs together stands together, and what was printed never
 * changes. */
#include "draw/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it. */
#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "draw/golden.h"
#include "draw/sample.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static struct ladder *ladder_of(const struct story *const *stories, size_t count)
{
    struct ladder *ladder = NULL;
    assert_int_equal(ladder_new(stories, count, &english, &ladder), 0);
    return ladder;
}

/* --- a ladder in words, one row a line --- */

static void write_side(const struct ladder *ladder, const struct ladder_side *side,
                       struct buffer *text)
{
    if (side->call != LADDER_NONE)
        buffer_append_format(text, " %s%s%s", ladder->calls[side->call].name,
                             side->call_enters ? "(" : "", side->call_returns ? ")" : "");
    if (side->state != LADDER_NONE)
        buffer_append_format(text, " %s", state_word(ladder->states[side->state].state));
}

static void write_row(const struct ladder *ladder, const struct ladder_row *row,
                      struct buffer *text)
{
    if (row->silence_ns)
        buffer_append_format(text, "silence %.3f ms\n",
                             (double)row->silence_ns / NS_PER_MS);
    buffer_append_format(text, "%d %.3f |", row->story + 1,
                         (double)(row->t_ns - ladder->start_ns) / NS_PER_MS);
    write_side(ladder, &row->side[PLACE_CLIENT], text);
    buffer_append_text(text, " |");
    if (row->packet != LADDER_NONE) {
        const struct ladder_packet *packet = &ladder->packets[row->packet];
        buffer_append_format(text, " %s %s%s", packet->label,
                             row->packet_sent ? "sent" : "received",
                             packet->level ? ", level" : "");
    }
    buffer_append_text(text, " |");
    write_side(ladder, &row->side[PLACE_SERVER], text);
    buffer_append_char(text, '\n');
}

static void write_rows(const struct ladder *ladder, size_t count, struct buffer *text)
{
    for (size_t i = 0; i < count; i++)
        write_row(ladder, &ladder->rows[i], text);
}

static void check_sample(const char *name)
{
    struct story *stories[3];
    size_t count = sample_named(name, stories);
    struct ladder *ladder = ladder_of((const struct story *const *)stories, count);
    struct buffer text;
    char golden[64];
    buffer_init(&text, 0);
    write_rows(ladder, ladder->row_count, &text);
    snprintf(golden, sizeof golden, "%s.rows", name);
    assert_true(golden_matches(golden, buffer_text(&text)));
    buffer_done(&text);
    ladder_free(&ladder);
    for (size_t i = 0; i < count; i++)
        story_free(&stories[i]);
}

static void each_sample_has_its_rows(void **state)
{
    (void)state;
    check_sample("hello");
    check_sample("refused");
    check_sample("lost");
    check_sample("three");
    check_sample("capture");
    check_sample("crossing");
}

/* --- the stable prefix --- */

/* What was known of a story at `now_ns`: later events are not there, and packets under
 * way have not arrived. */
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

static void check_prefix_at(struct story *const *stories, size_t count, int64_t now_ns,
                            const struct ladder *whole)
{
    struct story known[3];
    const struct story *borrowed[3];
    for (size_t i = 0; i < count; i++) {
        known[i] = known_at(stories[i], now_ns);
        borrowed[i] = &known[i];
    }
    struct ladder *ladder = ladder_of(borrowed, count);
    size_t settled = ladder->row_count ? ladder->row_count - 1 : 0;
    struct buffer before, after;
    buffer_init(&before, 0);
    buffer_init(&after, 0);
    write_rows(ladder, settled, &before);
    assert_true(whole->row_count >= settled);
    write_rows(whole, settled, &after);
    assert_string_equal(buffer_text(&before), buffer_text(&after));
    buffer_done(&before);
    buffer_done(&after);
    ladder_free(&ladder);
    for (size_t i = 0; i < count; i++)
        free(known[i].events);
}

static void settled_rows_stay_while_stories_grow(void **state)
{
    static const char *const names[] = {"hello", "refused", "lost",
                                        "three", "capture", "crossing"};
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct story *stories[3];
        size_t count = sample_named(names[n], stories);
        struct ladder *whole = ladder_of((const struct story *const *)stories, count);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < stories[i]->event_count; k++) {
                const struct event *event = &stories[i]->events[k];
                check_prefix_at(stories, count, event->t_ns, whole);
                if (event->kind == EVENT_PACKET && event->packet.received_ns != UNSEEN_NS)
                    check_prefix_at(stories, count, event->packet.received_ns, whole);
            }
        ladder_free(&whole);
        for (size_t i = 0; i < count; i++)
            story_free(&stories[i]);
    }
}

/* --- rules one by one --- */

static struct story *empty_story(void)
{
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    struct story *story = NULL;
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    return story;
}

static void call_at(struct story *story, int64_t us, const char *name, uint32_t number,
                    bool returns)
{
    struct event_call call = {.name = name, .call = number, .returns = returns};
    assert_non_null(story_add_call(story, us * NS_PER_US, PLACE_CLIENT, &call));
}

static void expect_rows(const struct story *story, const char *expected)
{
    struct ladder *ladder = ladder_of(&story, 1);
    struct buffer text;
    buffer_init(&text, 0);
    write_rows(ladder, ladder->row_count, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_done(&text);
    ladder_free(&ladder);
}

static void a_call_with_nothing_between_is_one_row(void **state)
{
    (void)state;
    struct story *story = empty_story();
    call_at(story, 0, "recv", 1, false);
    call_at(story, 999, "recv", 1, true);
    expect_rows(story, "1 0.000 | recv() | |\n");
    story_free(&story);
}

static void a_call_that_takes_longer_shows_its_length(void **state)
{
    (void)state;
    struct story *story = empty_story();
    call_at(story, 0, "recv", 1, false);
    call_at(story, 1001, "recv", 1, true);
    expect_rows(story, "1 0.000 | recv( | |\n"
                       "1 1.001 | recv) | |\n");
    story_free(&story);
}

static void a_silence_breaks_the_rows(void **state)
{
    (void)state;
    struct story *story = empty_story();
    call_at(story, 0, "wait", 1, false);
    call_at(story, 300000, "wait", 1, true);
    call_at(story, 600001, "wait", 2, false);
    expect_rows(story, "1 0.000 | wait( | |\n"
                       "1 300.000 | wait) | |\n"
                       "silence 300.001 ms\n"
                       "1 600.001 | wait( | |\n");
    story_free(&story);
}

static void a_state_seen_again_is_nothing_new(void **state)
{
    (void)state;
    struct story *story = empty_story();
    story_add_state(story, 0, PLACE_SERVER, STATE_LISTEN, STANDING_OBSERVED);
    story_add_state(story, 5000000, PLACE_SERVER, STATE_LISTEN, STANDING_OBSERVED);
    expect_rows(story, "1 0.000 | | | LISTEN\n");
    story_free(&story);
}

static void a_return_without_its_entry_stands_alone(void **state)
{
    (void)state;
    struct story *story = empty_story();
    call_at(story, 0, "accept", 1, true);
    const struct story *borrowed = story;
    struct ladder *ladder = ladder_of(&borrowed, 1);
    assert_int_equal(ladder->call_count, 1);
    assert_int_equal(ladder->calls[0].enter_row, LADDER_NONE);
    assert_int_equal(ladder->calls[0].return_row, 0);
    ladder_free(&ladder);
    story_free(&story);
}

/* A capture's clock may be coarser than the wire is fast. */
static void an_arrival_at_the_moment_of_sending_comes_after_it(void **state)
{
    (void)state;
    struct story *story = sample_refused();
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_PACKET)
            story->events[i].packet.received_ns = story->events[i].packet.sent_ns;
    const struct story *borrowed = story;
    struct ladder *ladder = ladder_of(&borrowed, 1);
    for (size_t i = 0; i < ladder->packet_count; i++)
        assert_true(ladder->packets[i].received_row > ladder->packets[i].sent_row);
    ladder_free(&ladder);
    story_free(&story);
}

static void a_copy_leaves_where_its_original_did(void **state)
{
    (void)state;
    struct story *story = sample_lost();
    const struct story *borrowed = story;
    struct ladder *ladder = ladder_of(&borrowed, 1);
    int copies = 0;
    for (size_t i = 0; i < ladder->packet_count; i++) {
        const struct ladder_packet *copy = &ladder->packets[i];
        if (!copy->copy)
            continue;
        copies++;
        assert_int_equal(copy->sent_row, ladder->packets[2].sent_row);
        assert_true(copy->received_row > ladder->packets[2].received_row);
        assert_string_equal(copy->label, "SYN ACK seq=k ack=j+1 (copy)");
        assert_string_equal(copy->name, "SYN ACK (copy)");
    }
    assert_int_equal(copies, 1);
    ladder_free(&ladder);
    story_free(&story);
}

static void an_empty_story_has_no_rows(void **state)
{
    (void)state;
    struct story *story = empty_story();
    expect_rows(story, "");
    story_free(&story);
}

static void none_and_ten_stories_are_too_few_and_too_many(void **state)
{
    (void)state;
    struct story *story = empty_story();
    const struct story *ten[10];
    struct ladder *ladder = NULL;
    for (int i = 0; i < 10; i++)
        ten[i] = story;
    assert_int_equal(ladder_new(ten, 0, &english, &ladder), ERROR_ARGUMENT);
    assert_int_equal(ladder_new(ten, 10, &english, &ladder), ERROR_ARGUMENT);
    assert_null(ladder);
    ladder_free(&ladder);
    story_free(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_has_its_rows),
        cmocka_unit_test(settled_rows_stay_while_stories_grow),
        cmocka_unit_test(a_call_with_nothing_between_is_one_row),
        cmocka_unit_test(a_call_that_takes_longer_shows_its_length),
        cmocka_unit_test(a_silence_breaks_the_rows),
        cmocka_unit_test(a_state_seen_again_is_nothing_new),
        cmocka_unit_test(a_return_without_its_entry_stands_alone),
        cmocka_unit_test(an_arrival_at_the_moment_of_sending_comes_after_it),
        cmocka_unit_test(a_copy_leaves_where_its_original_did),
        cmocka_unit_test(an_empty_story_has_no_rows),
        cmocka_unit_test(none_and_ten_stories_are_too_few_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
