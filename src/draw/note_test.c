/* Notes: on the row of what they are about, legible beside the picture, numbered in wide
 * terminals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "draw/golden.h"
#include "draw/layout.h"
#include "draw/note.h"
#include "draw/sample.h"
#include "draw/svg.h"
#include "draw/text.h"

static const char *say_plainly(const char *message)
{
    return message;
}

static const struct words plain = {"en", say_plainly};

struct picture {
    struct story *stories[3];
    size_t count;
    struct ladder *ladder;
};

static struct picture draw(const struct note_wish *wishes, size_t count)
{
    struct picture picture = {0};
    picture.count = sample_named("hello", picture.stories);
    assert_true(picture.count > 0);
    assert_int_equal(ladder_new((const struct story *const *)picture.stories,
                                picture.count, &plain, &picture.ladder),
                     0);
    assert_int_equal(ladder_put_notes(picture.ladder, wishes, count), 0);
    return picture;
}

static void wipe(struct picture *picture)
{
    ladder_free(&picture->ladder);
    for (size_t i = 0; i < picture->count; i++)
        story_free(&picture->stories[i]);
}

static const struct note_wish syn_ack = {
    .about = NOTE_PACKET, .packet = 2, .number = 1, .text = "two things in one segment"};

static void a_note_is_on_the_row_of_its_event(void **state)
{
    (void)state;
    const struct note_wish wishes[] = {
        syn_ack,
        {.about = NOTE_STATE,
         .place = PLACE_CLIENT,
         .state = STATE_ESTABLISHED,
         .number = 2},
        {.about = NOTE_PACKET, .packet = 999, .number = 3},
        {.about = NOTE_STATE, .place = PLACE_CLIENT, .state = STATE_CLOSING, .number = 4},
    };
    struct picture picture = draw(wishes, 4);
    const struct ladder *ladder = picture.ladder;
    assert_int_equal(ladder->note_count, 2);
    const struct ladder_row *row = &ladder->rows[ladder->notes[0].row];
    assert_true(row->packet_sent);
    assert_int_equal(ladder->packets[row->packet].packet.number, 2);
    row = &ladder->rows[ladder->notes[1].row];
    assert_int_equal(ladder->states[row->side[PLACE_CLIENT].state].state,
                     STATE_ESTABLISHED);
    wipe(&picture);
}

static void assert_legible(const struct layout *layout)
{
    for (size_t i = 0; i < layout->text_count; i++) {
        struct box box = layout_text_box(&layout->texts[i]);
        if (!box_inside(&box, 0, 0, layout->width, layout->height))
            fail_msg("\"%s\" leaves the frame", layout->texts[i].text);
        for (size_t k = 0; k < i; k++) {
            struct box other = layout_text_box(&layout->texts[k]);
            if (box_overlap(&box, &other))
                fail_msg("\"%s\" and \"%s\" overlap", layout->texts[i].text,
                         layout->texts[k].text);
        }
    }
}

/* A text for every row, and each longer than its row is high. */
static void texts_of_neighbouring_rows_do_not_meet(void **state)
{
    (void)state;
    struct note_wish wishes[12];
    for (int i = 0; i < 12; i++)
        wishes[i] = (struct note_wish){
            .about = NOTE_PACKET,
            .packet = (uint64_t)i / 2 + 1,
            .number = i + 1,
            .text =
                "a note that is rather long and goes on over several lines, 中文也有"};
    struct picture picture = draw(wishes, 12);
    struct layout *layout;
    assert_int_equal(layout_new(picture.ladder, &plain, &layout), 0);
    assert_legible(layout);
    for (size_t i = 0; i < layout->note_count; i++) {
        assert_true(layout->notes[i].y == layout->row_y[picture.ladder->notes[i].row]);
        assert_true(layout->notes[i].x > layout->rows_right);
        assert_true(layout->notes[i].lines > 1);
    }
    layout_free(&layout);
    wipe(&picture);
}

static void a_number_leads_to_its_list_and_back(void **state)
{
    (void)state;
    struct picture picture = draw(&syn_ack, 1);
    struct svg_options options = {
        .title = "t", .description = "d", .id = "x", .note_links = "p1-e"};
    struct buffer out;
    buffer_init(&out, 0);
    assert_int_equal(svg_ladder(&out, picture.ladder, &plain, &options), 0);
    assert_non_null(strstr(buffer_text(&out), "<a href=\"#p1-e1\">"));
    assert_non_null(strstr(buffer_text(&out), "id=\"p1-e1-row\""));
    assert_non_null(strstr(buffer_text(&out), ">two things in one"));
    assert_true(golden_matches("noted.svg", buffer_text(&out)));
    buffer_done(&out);
    wipe(&picture);
}

static void wide_terminals_show_the_numbers(void **state)
{
    (void)state;
    struct picture picture = draw(&syn_ack, 1);
    for (int width = 80; width <= 140; width += 60) {
        struct text_options options = {.width = width, .words = &plain};
        struct buffer out;
        buffer_init(&out, 0);
        text_rows(picture.ladder, &options, 0, picture.ladder->row_count, &out);
        assert_int_equal(strstr(buffer_text(&out), "◂1") != NULL, width > 80);
        if (width > 80)
            assert_true(golden_matches("noted-140.txt", buffer_text(&out)));
        buffer_done(&out);
    }
    wipe(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_is_on_the_row_of_its_event),
        cmocka_unit_test(texts_of_neighbouring_rows_do_not_meet),
        cmocka_unit_test(a_number_leads_to_its_list_and_back),
        cmocka_unit_test(wide_terminals_show_the_numbers),
    };
    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
