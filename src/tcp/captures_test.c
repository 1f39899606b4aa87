/* The project's own captures, each cut anywhere: what is left is read, decoded and tracked
 * to its end. The bytes end at an unmapped page: a read past them stops the test. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "capture/decoder.h"
#include "capture/file.h"
#include "capture/source.h"
#include "tcp/tracker.h"

enum { CAPTURE_MAX = 1 << 16 };

static const char *folder; /* from the command line */

struct bytes {
    size_t length;
    uint8_t bytes[CAPTURE_MAX];
};

/* What came of a capture. */
struct outcome {
    uint64_t packets, segments, tracked, connections;
    int code;
};

static void count_story(void *owner, const struct story *story)
{
    struct outcome *outcome = owner;
    outcome->connections++;
    outcome->tracked +=
        story->verdict.packets + story->verdict.anomalies[ANOMALY_CAPTURED_TWICE].count;
    assert_true(strlen(story->verdict.zeek_state) > 0);
    assert_true(story->verdict.start_ns <= story->verdict.end_ns);
    for (size_t i = 1; i < story->event_count; i++)
        assert_true(story->events[i - 1].t_ns <= story->events[i].t_ns);
}

static bool keep(void *owner, uint32_t id)
{
    (void)owner, (void)id;
    return true;
}

static void take(struct tracker *tracker, const struct packet *packet,
                 enum decode_result result, const struct decoded *decoded,
                 struct outcome *outcome)
{
    if (result == DECODE_TCP) {
        outcome->segments++;
        assert_int_equal(
            tracker_segment(tracker, packet->number, packet->t_ns, &decoded->segment), 0);
    } else if (result == DECODE_ICMP) {
        tracker_icmp(tracker, packet->number, packet->t_ns, &decoded->icmp);
    }
}

static void read_packets(struct capture *capture, struct tracker *tracker,
                         struct outcome *outcome)
{
    struct decoder *decoder = decoder_new();
    struct decoded decoded;
    struct packet packet;
    struct error err = {0};

    assert_non_null(decoder);
    while ((outcome->code = capture_next(capture, &packet, &err)) == 1) {
        assert_int_equal(packet.number, ++outcome->packets);
        take(tracker, &packet, decoder_packet(decoder, &packet, &decoded), &decoded,
             outcome);
        while (decoded.more)
            take(tracker, &packet, decoder_more(decoder, &decoded), &decoded, outcome);
    }
    assert_true(outcome->code == 0 || strlen(err.sentence) > 0);
    decoder_free(&decoder);
}

static struct outcome read_bytes(const uint8_t *bytes, size_t length)
{
    struct outcome outcome = {0};
    struct tracker_options options = {
        .keeps = keep, .on_story = count_story, .owner = &outcome};
    struct tracker *tracker;
    struct source *source;
    struct capture *capture;
    struct error err = {0};

    assert_int_equal(source_memory(bytes, length, &source, &err), 0);
    outcome.code = capture_open_source(source, "cut", &capture, &err);
    if (outcome.code)
        return outcome;
    assert_int_equal(tracker_new(&options, &tracker), 0);
    read_packets(capture, tracker, &outcome);
    tracker_finish(tracker);
    tracker_free(&tracker);
    capture_close(&capture);
    assert_int_equal(outcome.tracked, outcome.segments);
    return outcome;
}

static void cut_anywhere(const char *name, const struct bytes *whole, uint8_t *edge)
{
    uint64_t packets = 0;
    for (size_t length = 0; length <= whole->length; length++) {
        memcpy(edge - length, whole->bytes, length);
        struct outcome outcome = read_bytes(edge - length, length);
        if (outcome.packets < packets)
            fail_msg("%s has fewer packets when cut later, at %zu", name, length);
        packets = outcome.packets;
        if (length == whole->length && (outcome.code != 0 || outcome.connections == 0))
            fail_msg("%s is not read whole", name);
    }
}

static bool read_file(const char *name, struct bytes *ret_bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    ret_bytes->length = fread(ret_bytes->bytes, 1, sizeof ret_bytes->bytes, file);
    bool whole = feof(file);
    fclose(file);
    return whole;
}

static void every_capture_is_cut_anywhere(void **state)
{
    (void)state;
    static struct bytes bytes;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), captures = 0;
    uint8_t *room = mmap(NULL, CAPTURE_MAX + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(room != MAP_FAILED);
    assert_int_equal(mprotect(room + CAPTURE_MAX, page, PROT_NONE), 0);

    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        if (!read_file(entry->d_name, &bytes))
            fail_msg("%s cannot be read, or is too large", entry->d_name);
        cut_anywhere(entry->d_name, &bytes, room + CAPTURE_MAX);
        captures++;
    }
    closedir(directory);
    munmap(room, CAPTURE_MAX + page);
    assert_true(captures >= 30);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_capture_is_cut_anywhere),
    };
    if (argc != 2)
        return 2;
    folder = argv[1];
    return cmocka_run_group_tests_name("captures", tests, NULL, NULL);
}
