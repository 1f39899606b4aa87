#include "draw/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "capture/decode.h"
#include "draw/sample.h"

static const char *say_nothing_else(const char *message)
{
    return message;
}

/* Far longer than any language is likely to need. */
static const char *say_at_length(const char *message)
{
    return strcmp(message, "lost") == 0 ? "lost, lost, lost and never seen again 丢失"
                                        : message;
}

static const struct words plain = {"en", say_nothing_else}, wordy = {"xx", say_at_length};

static const char *const names[] = {"hello", "refused", "lost",
                                    "three", "capture", "crossing"};
enum { NAMES = sizeof names / sizeof *names };

struct picture {
    struct story *stories[3];
    struct ladder *ladder;
    struct layout *layout;
};

static struct picture draw(const char *name, const struct words *words)
{
    struct picture picture = {0};
    size_t count = sample_named(name, picture.stories);
    assert_int_equal(ladder_new((const struct story *const *)picture.stories, count,
                                words, &picture.ladder),
                     0);
    assert_int_equal(layout_new(picture.ladder, words, &picture.layout), 0);
    return picture;
}

static void wipe(struct picture *picture)
{
    layout_free(&picture->layout);
    ladder_free(&picture->ladder);
    for (int i = 0; i < 3; i++)
        story_free(&picture->stories[i]);
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

static void no_text_overlaps_another_or_leaves_the_frame(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct picture plainly = draw(names[i], &plain), wordily = draw(names[i], &wordy);
        assert_legible(plainly.layout);
        assert_legible(wordily.layout);
        wipe(&plainly);
        wipe(&wordily);
    }
}

static void arrows_end_exactly_on_the_lifelines(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        struct picture picture = draw(names[i], &plain);
        const struct layout *layout = picture.layout;
        for (size_t k = 0; k < layout->arrow_count; k++) {
            const struct layout_arrow *arrow = &layout->arrows[k];
            const struct ladder_packet *packet = &picture.ladder->packets[k];
            enum place from = packet->packet.from;
            if (arrow->from == ARROW_HOST) {
                assert_true(arrow->x1 == layout->host[from].edge);
                assert_true(arrow->y1 == layout->row_y[packet->sent_row]);
            }
            if (arrow->to == ARROW_HOST)
                assert_true(arrow->x2 == layout->host[!from].edge);
            if (arrow->to == ARROW_HOST && !packet->level)
                assert_true(arrow->y2 == layout->row_y[packet->received_row]);
            assert_true(arrow->y2 >= arrow->y1);
        }
        wipe(&picture);
    }
}

static const struct layout_arrow *find_arrow(const struct picture *picture,
                                             enum fate fate)
{
    for (size_t i = 0; i < picture->ladder->packet_count; i++)
        if (picture->ladder->packets[i].packet.fate == fate)
            return &picture->layout->arrows[i];
    fail_msg("the sample holds no such packet");
    return NULL;
}

static void assert_mid_wire(const struct layout *layout, double x)
{
    assert_true(x > layout->host[PLACE_CLIENT].edge + 50);
    assert_true(x < layout->host[PLACE_SERVER].edge - 50);
}

static void lost_injected_and_copied_packets_have_an_end_on_the_wire(void **state)
{
    (void)state;
    struct picture picture = draw("lost", &plain);
    const struct layout_arrow *lost = find_arrow(&picture, FATE_LOST);
    assert_int_equal(lost->to, ARROW_LOST);
    assert_mid_wire(picture.layout, lost->x2);
    const struct layout_arrow *injected = find_arrow(&picture, FATE_INJECTED);
    assert_int_equal(injected->from, ARROW_INJECTED);
    assert_mid_wire(picture.layout, injected->x1);

    /* A copy leaves its original's arrow: the same line up to there. */
    const struct layout_arrow *copy = find_arrow(&picture, FATE_DUPLICATED);
    assert_int_equal(copy->from, ARROW_COPY);
    assert_mid_wire(picture.layout, copy->x1);
    const struct layout_arrow *original = copy;
    for (size_t i = 0; i < picture.layout->arrow_count; i++)
        if (&picture.layout->arrows[i] != copy &&
            picture.ladder->packets[i].packet.number ==
                picture.ladder->packets[copy->packet].packet.number)
            original = &picture.layout->arrows[i];
    assert_ptr_not_equal(original, copy);
    double slope = (original->y2 - original->y1) / (original->x2 - original->x1);
    assert_true(fabs(original->y1 + slope * (copy->x1 - original->x1) - copy->y1) < 0.01);
    wipe(&picture);
}

static void what_was_seen_from_one_place_lies_level(void **state)
{
    (void)state;
    struct picture picture = draw("capture", &plain);
    for (size_t i = 0; i < picture.layout->arrow_count; i++) {
        const struct layout_arrow *arrow = &picture.layout->arrows[i];
        assert_true(arrow->y1 == arrow->y2);
        assert_int_equal(arrow->to, ARROW_HOST);
    }
    assert_int_equal(picture.layout->host[PLACE_CLIENT].calls.bars, 0);
    wipe(&picture);
}

static void a_packet_not_yet_arrived_ends_on_the_wire(void **state)
{
    (void)state;
    struct story *story;
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    struct event_call connect = {.name = "connect", .call = 1};
    struct segment syn = {.source = client, .destination = server, .flags = TCP_SYN};
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    assert_non_null(story_add_call(story, 0, PLACE_CLIENT, &connect));
    struct event *event = story_add_packet(story, 5000, PLACE_CLIENT, 1, &syn);
    assert_non_null(event);
    event->packet.received_ns = UNSEEN_NS;
    struct picture picture = {.stories = {story}};
    assert_int_equal(ladder_new((const struct story *const *)picture.stories, 1, &plain,
                                &picture.ladder),
                     0);
    assert_int_equal(layout_new(picture.ladder, &plain, &picture.layout), 0);
    assert_int_equal(picture.layout->arrows[0].to, ARROW_IN_FLIGHT);
    assert_mid_wire(picture.layout, picture.layout->arrows[0].x2);
    assert_true(picture.layout->calls[0].open_end);
    assert_legible(picture.layout);
    wipe(&picture);
}

/* Everybody sends at once, and everything crosses everything in the middle of the
 * wire. */
static void many_crossing_packets_stay_legible(void **state)
{
    (void)state;
    enum { EACH = 8 };
    struct story *story;
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    for (int i = 0; i < 2 * EACH; i++) {
        enum place from = i % 2 ? PLACE_SERVER : PLACE_CLIENT;
        struct segment segment = {.source = from == PLACE_CLIENT ? client : server,
                                  .destination = from == PLACE_CLIENT ? server : client,
                                  .flags = TCP_SYN,
                                  .seq = 1000};
        struct event *event =
            story_add_packet(story, i * 2000000, from, (uint64_t)i + 1, &segment);
        assert_non_null(event);
        event->packet.received_ns = i * 2000000 + 50000000;
    }
    struct picture picture = {.stories = {story}};
    assert_int_equal(ladder_new((const struct story *const *)picture.stories, 1, &plain,
                                &picture.ladder),
                     0);
    assert_int_equal(layout_new(picture.ladder, &plain, &picture.layout), 0);
    assert_legible(picture.layout);
    wipe(&picture);
}

static void bars_run_from_row_to_row(void **state)
{
    (void)state;
    struct picture picture = draw("hello", &plain);
    const struct layout *layout = picture.layout;
    for (size_t i = 0; i < layout->state_count; i++) {
        const struct ladder_state *lasts = &picture.ladder->states[i];
        assert_true(layout->states[i].y1 == layout->row_y[lasts->from_row]);
        assert_true(layout->states[i].y2 == (lasts->to_row == LADDER_NONE
                                                 ? layout->bottom
                                                 : layout->row_y[lasts->to_row]));
    }
    for (size_t i = 0; i < layout->call_count; i++)
        assert_true(layout->calls[i].y2 > layout->calls[i].y1);
    wipe(&picture);
}

static void calls_that_overlap_stand_side_by_side(void **state)
{
    (void)state;
    struct picture picture = draw("three", &plain);
    const struct layout *layout = picture.layout;
    assert_int_equal(layout->host[PLACE_CLIENT].calls.bars, 3);
    for (size_t i = 0; i < layout->call_count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct layout_call *a = &layout->calls[i], *b = &layout->calls[k];
            bool together = a->y1 < b->y2 && b->y1 < a->y2;
            assert_false(together && fabs(a->x - b->x) < LAYOUT_BAR);
        }
    wipe(&picture);
}

static void rows_are_even_but_for_a_silence(void **state)
{
    (void)state;
    struct picture picture = draw("hello", &plain);
    const struct layout *layout = picture.layout;
    assert_int_equal(layout->break_count, 1);
    for (size_t i = 1; i < picture.ladder->row_count; i++) {
        double step = layout->row_y[i] - layout->row_y[i - 1];
        if (picture.ladder->rows[i].silence_ns > 0)
            assert_true(step > layout->row_height + 30);
        else
            assert_true(step == layout->row_height);
    }
    wipe(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_text_overlaps_another_or_leaves_the_frame),
        cmocka_unit_test(arrows_end_exactly_on_the_lifelines),
        cmocka_unit_test(lost_injected_and_copied_packets_have_an_end_on_the_wire),
        cmocka_unit_test(what_was_seen_from_one_place_lies_level),
        cmocka_unit_test(a_packet_not_yet_arrived_ends_on_the_wire),
        cmocka_unit_test(many_crossing_packets_stay_legible),
        cmocka_unit_test(bars_run_from_row_to_row),
        cmocka_unit_test(calls_that_overlap_stand_side_by_side),
        cmocka_unit_test(rows_are_even_but_for_a_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
