#include "cli/scope_input.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/filled.h"
#include "capture/decoder.h"
#include "capture/file.h"
#include "capture/filter.h"
#include "capture/sniffer.h"
#include "cli/language.h"
#include "cli/privileges.h"
#include "cli/sandbox.h"
#include "cli/scope_progress.h"
#include "tcp/tracker.h"

/* How often stop and progress are looked at, in packets. */
enum { LOOK_EVERY = 1 << 14 };

/* Packets that are looked at together. */
enum { BATCH = 32 };

struct batch {
    struct packet packets[BATCH];
    struct decoded decoded[BATCH];
    struct tracker_segment segments[BATCH]; /* those of them, not yet tracked */
    size_t waiting;
};

struct reading {
    const struct scope *scope;
    struct tracker *tracker;
    struct decoder *decoder;
    struct filter *filter;
    wo_event *stop;
    struct scope_counts *counts;
    struct scope_progress_line progress;
    struct batch batch;
};

/* --- packets --- */

static int track_waiting(struct reading *reading)
{
    struct batch *batch = &reading->batch;
    size_t count = batch->waiting;
    batch->waiting = 0;
    return tracker_segments(reading->tracker, batch->segments, count);
}

/* Its payload may be no part of the packet: put together from fragments, it is good until
 * the next packet is decoded. */
static bool is_borrowed_for_long(const struct segment *segment,
                                 const struct packet *packet)
{
    return segment->payload >= packet->bytes &&
           segment->payload <= packet->bytes + packet->captured;
}

static int take_segment(struct reading *reading, const struct packet *packet,
                        const struct segment *segment)
{
    struct batch *batch = &reading->batch;
    reading->counts->segments++;
    batch->segments[batch->waiting++] =
        (struct tracker_segment){packet->number, packet->t_ns, segment};
    return is_borrowed_for_long(segment, packet) ? 0 : track_waiting(reading);
}

/* An error is about segments before it. */
static int take_icmp(struct reading *reading, const struct packet *packet,
                     const struct icmp_error *icmp)
{
    int code = track_waiting(reading);
    reading->counts->icmp++;
    tracker_icmp(reading->tracker, packet->number, packet->t_ns, icmp);
    return code;
}

static int take_decoded(struct reading *reading, const struct packet *packet,
                        enum decode_result result, const struct decoded *decoded)
{
    struct scope_counts *counts = reading->counts;
    switch (result) {
    case DECODE_TCP: return take_segment(reading, packet, &decoded->segment);
    case DECODE_ICMP: return take_icmp(reading, packet, &decoded->icmp);
    case DECODE_CUT: counts->cut++; return 0;
    case DECODE_MALFORMED: counts->malformed++; return 0;
    case DECODE_OTHER: counts->others++; return 0;
    }
    return 0;
}

static int take_packet(struct reading *reading, const struct packet *packet,
                       struct decoded *decoded)
{
    struct scope_counts *counts = reading->counts;

    counts->packets++;
    if (reading->filter && !filter_matches(reading->filter, packet)) {
        counts->filtered++;
        return 0;
    }
    enum decode_result result = decoder_packet(reading->decoder, packet, decoded);
    int code = take_decoded(reading, packet, result, decoded);
    while (!code && decoded->more) {
        code = track_waiting(reading); /* its next frame takes the same place */
        result = decoder_more(reading->decoder, decoded);
        code = code ? code : take_decoded(reading, packet, result, decoded);
    }
    return code;
}

/* What most packets are goes no further way than it must. */
static bool take_usual(struct reading *reading, size_t which)
{
    struct batch *batch = &reading->batch;
    const struct packet *packet = &batch->packets[which];
    struct segment *segment = &batch->decoded[which].segment;
    if (!decode_usual(packet, segment))
        return false;
    reading->counts->packets++;
    reading->counts->segments++;
    batch->segments[batch->waiting++] =
        (struct tracker_segment){packet->number, packet->t_ns, segment};
    return true;
}

static int take_batch(struct reading *reading, size_t count)
{
    struct batch *batch = &reading->batch;
    int code = 0;
    for (size_t i = 0; i < count && !code; i++)
        if (reading->filter || !take_usual(reading, i))
            code = take_packet(reading, &batch->packets[i], &batch->decoded[i]);
    return code ? code : track_waiting(reading);
}

static bool is_stopped(const struct reading *reading)
{
    return wo_wait(&reading->stop, 1, WO_ANY, 0, NULL) == 0;
}

/* --- files --- */

/* How many packets the next batch may have. */
static size_t room_in_batch(const struct reading *reading)
{
    uint64_t wanted = reading->scope->count, left = wanted - reading->counts->packets;
    return wanted && left < BATCH ? left : BATCH;
}

/* Until a pipe has more or the user has had enough. Signals are let through in the wait
 * alone, so that none comes between looking for it and waiting. */
static int wait_for_pipe(void *owner, int fd)
{
    const struct reading *reading = owner;
    struct pollfd pipe = {.fd = fd, .events = POLLIN};
    sigset_t stopping, usual;
    int code = 0, ready = 0;

    sigemptyset(&stopping);
    sigaddset(&stopping, SIGINT);
    sigaddset(&stopping, SIGTERM);
    sigprocmask(SIG_BLOCK, &stopping, &usual);
    while (ready <= 0 && !code) {
        if (is_stopped(reading))
            code = ERROR_INTERRUPTED;
        else
            ready = ppoll(&pipe, 1, NULL, &usual);
    }
    sigprocmask(SIG_SETMASK, &usual, NULL);
    return code;
}

/* Standard output is all it writes: no file is still to be opened or renamed. */
static bool prints_only(const struct scope *scope)
{
    return scope->kind != SCOPE_HTML && !scope->annotate;
}

static int read_file(struct reading *reading, struct error *err)
{
    struct scope_counts *counts = reading->counts;
    struct capture *capture;
    uint64_t next_look = LOOK_EVERY;
    size_t count;
    int code = capture_open(reading->scope->file, &capture, err);
    bool failed = false;

    if (code == ERROR_INTERRUPTED)
        counts->stopped = true;
    if (code)
        return counts->stopped ? 0 : code;
    capture_on_wait(capture, wait_for_pipe, reading);
    if (prints_only(reading->scope))
        sandbox_enter();
    while ((code = capture_batch(capture, reading->batch.packets, room_in_batch(reading),
                                 &count, err)) == 1) {
        code = take_batch(reading, count);
        if (code) {
            failed = true;
            break;
        }
        if (counts->packets == reading->scope->count)
            break;
        if (counts->packets < next_look)
            continue;
        next_look += LOOK_EVERY;
        scope_progress_show(&reading->progress, counts->packets,
                            capture_position(capture), capture_size(capture));
        if (is_stopped(reading)) {
            counts->stopped = true;
            code = 0;
            break;
        }
    }
    scope_progress_end(&reading->progress, counts->packets, capture_position(capture));
    if (failed)
        error_set(err, code, "%s", _("no memory for another connection"));
    if (code == ERROR_INTERRUPTED) { /* in a read that waited for a pipe */
        counts->stopped = true;
        code = 0;
    }
    capture_close(&capture);
    return code;
}

/* --- interfaces --- */

/* Waits for packets, the stop event or a while, and lets time pass in the tracker. */
static void wait_for_packets(const struct reading *reading, wo_event *readable, int fd)
{
    wo_event *events[2] = {reading->stop, readable};
    wo_network_events network;
    struct timespec now;

    wo_wait(events, 2, WO_ANY, NS_PER_S / 4, NULL);
    wo_enumerate(fd, readable, &network);
    clock_gettime(CLOCK_REALTIME, &now);
    tracker_advance(reading->tracker, now.tv_sec * NS_PER_S + now.tv_nsec);
}

static int drain(struct reading *reading, struct sniffer *sniffer, int64_t deadline_ns,
                 bool *ret_done, struct error *err)
{
    struct packet *packet = reading->batch.packets;
    int code;

    while ((code = sniffer_next(sniffer, packet, err)) == 1) {
        code = take_batch(reading, 1);
        if (code)
            return error_set(err, code, "%s", _("no memory for another connection"));
        *ret_done = reading->counts->packets == reading->scope->count;
        if (*ret_done || (reading->counts->packets % 256 == 0 && is_stopped(reading)))
            break;
    }
    *ret_done = *ret_done || is_stopped(reading) ||
                (deadline_ns && clock_monotonic_ns() >= deadline_ns);
    return code < 0 ? code : 0;
}

static int watch(struct reading *reading, struct sniffer *sniffer, struct error *err)
{
    int fd = sniffer_descriptor(sniffer);
    int64_t deadline_ns =
        reading->scope->time_ns ? clock_monotonic_ns() + reading->scope->time_ns : 0;
    wo_event *readable;
    bool done = false;
    int code = wo_event_new(WO_MANUAL_RESET, &readable);

    if (code)
        return error_set_system(err, -code, "waiting for packets");
    code = wo_select(fd, readable, WO_READ);
    if (code)
        code = error_set_system(err, -code, "waiting for packets");
    while (!code && !done) {
        code = drain(reading, sniffer, deadline_ns, &done, err);
        if (!code && !done)
            wait_for_packets(reading, readable, fd);
    }
    wo_select(fd, NULL, 0);
    wo_event_free(&readable);
    return code;
}

static int read_interface(struct reading *reading, struct error *err)
{
    const struct scope *scope = reading->scope;
    struct sniffer_options options = {scope->interface, scope->filter, scope->snap_length,
                                      scope->not_promiscuous};
    struct sniffer *sniffer;
    int code = sniffer_open(&options, &sniffer, err);

    if (code)
        return code;
    code = privileges_drop(err);
    if (!code)
        sandbox_enter();
    if (!code && scope->progress != PROGRESS_NEVER)
        fprintf(stderr, _("capturing on %s; Ctrl-C ends it\n"), scope->interface);
    if (!code)
        code = watch(reading, sniffer, err);
    reading->counts->dropped = sniffer_dropped(sniffer);
    sniffer_close(&sniffer);
    return code;
}

int scope_read(const struct scope *scope, struct tracker *tracker, wo_event *stop,
               struct scope_counts *ret_counts, struct error *err)
{
    struct reading reading = {
        .scope = scope, .tracker = tracker, .stop = stop, .counts = ret_counts};
    int code = 0;

    *ret_counts = (struct scope_counts){0};
    scope_progress_begin(&reading.progress, scope);
    reading.decoder = decoder_new();
    if (!reading.decoder)
        return error_set(err, ERROR_MEMORY, "%s", _("no memory to read packets with"));
    if (scope->filter)
        code = filter_new(scope->filter, &reading.filter, err);
    if (!code)
        code = scope->file ? read_file(&reading, err) : read_interface(&reading, err);
    filter_free(&reading.filter);
    decoder_free(&reading.decoder);
    return code;
}
