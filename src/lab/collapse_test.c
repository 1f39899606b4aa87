/* What is taken together, and what keeps its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "lab/collapse.h"

enum { PACKETS = 30 };

/* Thirty segments of ten bytes, a millisecond apart. */
static struct story *sample(void)
{
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    struct story *story;
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        struct segment segment = {.flags = TCP_ACK | TCP_PSH,
                                  .seq = 100 + 10 * i,
                                  .payload_bytes = 10,
                                  .window = 1000};
        struct event *event = story_add_packet(story, i, PLACE_CLIENT, i + 1, &segment);
        assert_non_null(event);
        event->packet.received_ns = i + 1;
    }
    return story;
}

static bool keeps_nothing(const void *owner, uint64_t packet)
{
    (void)owner, (void)packet;
    return false;
}

static bool keeps_one(const void *owner, uint64_t packet)
{
    return packet == *(const uint64_t *)owner;
}

static struct story *collapsed(struct story *story, const struct collapse_keep *keep)
{
    struct story *copy;
    assert_int_equal(collapse_story(story, keep, &copy), 0);
    return copy;
}

static size_t count_runs(const struct story *story)
{
    size_t runs = 0;
    for (size_t i = 0; i < story->event_count; i++)
        runs += story->events[i].kind == EVENT_RUN;
    return runs;
}

static void a_run_keeps_its_ends_and_counts_what_is_between(void **state)
{
    (void)state;
    struct story *story = sample();
    struct story *copy = collapsed(story, &(struct collapse_keep){keeps_nothing, NULL});
    assert_int_equal(copy->event_count, 5);
    const struct event_run *run = &copy->events[2].run;
    assert_int_equal(copy->events[2].kind, EVENT_RUN);
    assert_int_equal(run->first, 3);
    assert_int_equal(run->last, PACKETS - 2);
    assert_int_equal(run->packets[PLACE_CLIENT], PACKETS - 4);
    assert_int_equal(run->bytes[PLACE_CLIENT], 10 * (PACKETS - 4));
    assert_int_equal(run->packets[PLACE_SERVER], 0);
    assert_int_equal(copy->events[4].packet.number, PACKETS);
    assert_int_equal(story->event_count, PACKETS);
    story_free(&copy);
    story_free(&story);
}

static void what_is_out_of_the_ordinary_keeps_its_row(void **state)
{
    (void)state;
    struct story *story = sample();
    static const uint64_t evidence = 15;
    struct story *copy = collapsed(story, &(struct collapse_keep){keeps_one, &evidence});
    assert_int_equal(count_runs(copy), 2);
    assert_non_null(story_find_packet(copy, evidence));
    story_free(&copy);

    struct collapse_keep keep = {keeps_nothing, NULL};
    story->events[14].packet.window = 0;
    copy = collapsed(story, &keep);
    assert_int_equal(count_runs(copy), 2);
    story_free(&copy);

    story->events[14].packet.window = 1000;
    story->events[14].packet.fate = FATE_LOST;
    copy = collapsed(story, &keep);
    assert_non_null(story_find_packet(copy, 15));
    story_free(&copy);
    story_free(&story);
}

static void a_few_packets_are_no_run(void **state)
{
    (void)state;
    struct story *story = sample();
    story->event_count = 9;
    struct story *copy = collapsed(story, &(struct collapse_keep){keeps_nothing, NULL});
    assert_int_equal(copy->event_count, 9);
    assert_int_equal(count_runs(copy), 0);
    story_free(&copy);
    story_free(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_keeps_its_ends_and_counts_what_is_between),
        cmocka_unit_test(what_is_out_of_the_ordinary_keeps_its_row),
        cmocka_unit_test(a_few_packets_are_no_run),
    };
    return cmocka_run_group_tests_name("collapse", tests, NULL, NULL);
}
