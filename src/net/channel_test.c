/* Channels over a pair of connected sockets: one end is the channel under test, at the
 * other stands the test with plain calls. */
#include "net/channel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/watch.h"
#include "net/listener.h"

struct pair {
    struct channel channel;
    struct channel_scratch scratch;
    int peer; /* blocking */
};

static struct pair open_pair(size_t scratch_bytes)
{
    const struct endpoint anywhere = endpoint_ipv4(127, 0, 0, 1, 0);
    const struct address address = address_from_endpoint(&anywhere);
    struct pair pair;
    struct listener listener;
    struct endpoint peer;
    wo_event *event;
    assert_int_equal(listener_open(&listener, &address, 0, NULL, NULL), 0);
    const struct address to = address_from_endpoint(&listener.local);
    pair.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(pair.peer >= 0);
    assert_int_equal(connect(pair.peer, (const struct sockaddr *)&to.storage, to.length),
                     0);
    assert_int_equal(wo_wait(&listener.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    int fd = listener_accept(&listener, &peer);
    assert_true(fd >= 0);
    listener_close(&listener);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    assert_int_equal(channel_adopt(&pair.channel, fd, event, &peer, NULL), 0);
    assert_int_equal(channel_scratch_init(&pair.scratch, scratch_bytes), 0);
    return pair;
}

static void close_pair(struct pair *pair)
{
    channel_close(&pair->channel);
    channel_close(&pair->channel);
    channel_scratch_done(&pair->scratch);
    if (pair->peer >= 0)
        close(pair->peer);
}

/* The peer says it; all of it goes. */
static void say(struct pair *pair, const void *bytes, size_t length)
{
    assert_int_equal(send(pair->peer, bytes, length, MSG_NOSIGNAL), length);
}

static void put_frame(struct buffer *buffer, unsigned type, uint64_t id, size_t body)
{
    size_t begin = frame_begin(buffer, type, 0, id);
    for (size_t i = 0; i < body; i++)
        buffer_append_char(buffer, (char)(id + i));
    assert_int_equal(frame_end(buffer, begin), 0);
}

static void assert_body(const struct frame *frame, uint64_t id, size_t body)
{
    assert_true(frame->id == id);
    assert_int_equal(frame->total, body);
    for (size_t i = 0; i < frame->length; i++)
        assert_int_equal(frame->body[i], (uint8_t)(id + frame->offset + i));
}

/* Waits until there is a frame, or it is over. */
static int await_frame(struct pair *pair, struct frame *ret_frame)
{
    for (;;) {
        int code = channel_next(&pair->channel, &pair->scratch, ret_frame);
        if (code)
            return code;
        assert_false(channel_waiting(&pair->channel));
        assert_int_equal(wo_wait(&pair->channel.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
        assert_true(channel_enumerate(&pair->channel, NULL) <= 0);
    }
}

static size_t memory_of(const struct channel *channel)
{
    return channel->received.buffer.capacity + channel->unsent.buffer.capacity;
}

static void frames_arrive_however_they_are_cut(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 1, 100, 5000, 3, 0};
    static const size_t cuts[] = {1, 7, 16, 17, 1000, 100000};
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        for (size_t scratch = 1; scratch <= 4096; scratch *= 8) {
            struct pair pair = open_pair(scratch);
            struct buffer buffer;
            struct frame frame;
            buffer_init(&buffer, 0);
            for (size_t i = 0; i < 6; i++)
                put_frame(&buffer, 0x0100, i, bodies[i]);
            size_t at = 0, got = 0;
            while (at < buffer.length) {
                size_t piece =
                    buffer.length - at < cuts[c] ? buffer.length - at : cuts[c];
                say(&pair, buffer.bytes + at, piece);
                at += piece;
                while (got < 6 &&
                       channel_next(&pair.channel, &pair.scratch, &frame) == 1) {
                    assert_body(&frame, got, bodies[got]);
                    got++;
                }
                assert_true(channel_enumerate(&pair.channel, NULL) == 0);
            }
            for (; got < 6; got++) {
                assert_int_equal(await_frame(&pair, &frame), 1);
                assert_body(&frame, got, bodies[got]);
            }
            assert_int_equal(channel_next(&pair.channel, &pair.scratch, &frame), 0);
            assert_int_equal(memory_of(&pair.channel), 0);
            shutdown(pair.peer, SHUT_WR);
            assert_int_equal(await_frame(&pair, &frame), -ESHUTDOWN);
            assert_int_equal(await_frame(&pair, &frame), -ESHUTDOWN);
            close_pair(&pair);
            buffer_done(&buffer);
        }
    }
}

static void an_end_within_a_frame_is_no_good_order(void **state)
{
    (void)state;
    struct buffer buffer;
    struct frame frame;
    buffer_init(&buffer, 0);
    put_frame(&buffer, 0x0100, 1, 10);
    for (size_t length = 1; length < buffer.length; length++) {
        for (int streamed = 0; streamed <= 1; streamed++) {
            struct pair pair = open_pair(64);
            if (streamed)
                channel_stream(&pair.channel, 0x0100, 0);
            say(&pair, buffer.bytes, length);
            shutdown(pair.peer, SHUT_WR);
            int code;
            while ((code = await_frame(&pair, &frame)) == 1)
                assert_true(streamed && frame.offset + frame.length < 10);
            assert_int_equal(code, -EBADMSG);
            close_pair(&pair);
        }
    }
    buffer_done(&buffer);
}

static void a_length_beyond_the_limit_takes_no_memory_and_can_be_answered(void **state)
{
    (void)state;
    struct pair pair = open_pair(64);
    const uint8_t header[FRAME_HEADER_BYTES] = {0x80};
    struct frame frame;
    char answer[3];
    say(&pair, header, sizeof header);
    assert_int_equal(await_frame(&pair, &frame), -EMSGSIZE);
    assert_int_equal(memory_of(&pair.channel), 0);
    assert_int_equal(channel_send(&pair.channel, "no", 3), 0);
    assert_int_equal(channel_finish(&pair.channel), 0);
    assert_int_equal(channel_send(&pair.channel, "no", 3), -EPIPE);
    assert_int_equal(recv(pair.peer, answer, 3, MSG_WAITALL), 3);
    assert_int_equal(recv(pair.peer, answer, 3, 0), 0);
    close_pair(&pair);
}

static void a_frame_that_does_not_come_holds_only_what_came(void **state)
{
    (void)state;
    struct pair pair = open_pair(4096);
    const struct frame large = {.total = FRAME_BODY_EARLY_BYTES, .type = 1};
    uint8_t header[FRAME_HEADER_BYTES];
    struct frame frame;
    frame_encode_header(&large, header);
    say(&pair, header, sizeof header);
    say(&pair, "abc", 3);
    while (pair.channel.received.buffer.length < sizeof header + 3) {
        assert_int_equal(wo_wait(&pair.channel.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
        assert_int_equal(channel_enumerate(&pair.channel, NULL), 0);
        assert_int_equal(channel_next(&pair.channel, &pair.scratch, &frame), 0);
    }
    assert_true(memory_of(&pair.channel) <= 128);
    close_pair(&pair);
}

static void a_streamed_frame_is_given_as_it_comes(void **state)
{
    (void)state;
    enum { HEAD = 9, BODY = 5000 };
    for (size_t first = 0; first < FRAME_HEADER_BYTES + 2 * HEAD; first++) {
        struct pair pair = open_pair(1000);
        struct buffer buffer;
        struct frame frame;
        size_t got = 0;
        buffer_init(&buffer, 0);
        put_frame(&buffer, 0x0200, 1, BODY);
        put_frame(&buffer, 0x0200, 2, HEAD - 1);
        put_frame(&buffer, 0x0201, 3, 10);
        channel_stream(&pair.channel, 0x0200, HEAD);
        say(&pair, buffer.bytes, first);
        while (channel_next(&pair.channel, &pair.scratch, &frame) == 1)
            got += frame.length;
        assert_true(got == 0 || got >= HEAD);
        say(&pair, buffer.bytes + first, buffer.length - first);
        while (got < BODY) {
            assert_int_equal(await_frame(&pair, &frame), 1);
            assert_body(&frame, 1, BODY);
            assert_int_equal(frame.offset, got);
            assert_true(frame.length > 0);
            assert_true(got > 0 || frame.length >= HEAD);
            got += frame.length;
        }
        assert_int_equal(await_frame(&pair, &frame), 1);
        assert_body(&frame, 2, HEAD - 1);
        assert_int_equal(frame.length, HEAD - 1);
        assert_int_equal(await_frame(&pair, &frame), 1);
        assert_body(&frame, 3, 10);
        assert_int_equal(frame.length, 10);
        close_pair(&pair);
        buffer_done(&buffer);
    }
}

/* Two channels take turns at one scratch buffer, a frame each turn. */
static void channels_share_a_scratch_buffer(void **state)
{
    (void)state;
    struct pair one = open_pair(4096), other = open_pair(64);
    struct buffer buffer;
    struct frame frame;
    buffer_init(&buffer, 0);
    for (uint64_t id = 0; id < 20; id++)
        put_frame(&buffer, 0x0100, id, 50);
    say(&one, buffer.bytes, buffer.length);
    say(&other, buffer.bytes, buffer.length);
    channel_scratch_done(&other.scratch);
    for (uint64_t id = 0; id < 20; id++) {
        assert_int_equal(await_frame(&one, &frame), 1);
        assert_body(&frame, id, 50);
        other.scratch = one.scratch;
        int code;
        do {
            code = channel_next(&other.channel, &one.scratch, &frame);
            if (code == 0) {
                wo_wait(&other.channel.event, 1, WO_ANY, WO_FOREVER, NULL);
                channel_enumerate(&other.channel, NULL);
            }
        } while (code == 0);
        assert_int_equal(code, 1);
        assert_body(&frame, id, 50);
        assert_true(channel_waiting(&one.channel) || id == 19);
    }
    memset(&other.scratch, 0, sizeof other.scratch);
    channel_close(&other.channel);
    close(other.peer);
    close_pair(&one);
    buffer_done(&buffer);
}

/* Reads what the channel sends at the peer's end, which counts up modulo 251. */
static size_t read_counting(int peer, size_t got, size_t most)
{
    static uint8_t bytes[65536];
    ssize_t length = recv(peer, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    assert_true(length > 0);
    for (ssize_t at = 0; at < length; at++)
        assert_int_equal(bytes[at], (got + (size_t)at) % 251);
    return got + (size_t)length;
}

static uint8_t *counting(size_t length)
{
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    for (size_t at = 0; at < length; at++)
        bytes[at] = (uint8_t)(at % 251);
    return bytes;
}

static void what_does_not_fit_is_kept_within_the_bound(void **state)
{
    (void)state;
    enum { PIECE = 251 * 1024 };
    struct pair pair = open_pair(64);
    uint8_t *piece = counting(PIECE);
    size_t sent = 0, got = 0;
    int code = 0;
    pair.channel.unsent_limit = 4 * PIECE;
    while ((code = channel_send(&pair.channel, piece, PIECE)) == 0)
        sent += PIECE;
    assert_int_equal(code, -ENOBUFS);
    assert_true(channel_unsent_bytes(&pair.channel) <= 4 * PIECE);
    assert_true(channel_unsent_bytes(&pair.channel) > 3 * PIECE);
    assert_int_equal(channel_write(&pair.channel, piece, PIECE), -EAGAIN);
    assert_int_equal(channel_finish(&pair.channel), 0);
    while (got < sent) {
        got = read_counting(pair.peer, got, sent - got);
        if (wo_wait(&pair.channel.event, 1, WO_ANY, 0, NULL) == 0)
            assert_int_equal(channel_enumerate(&pair.channel, NULL), 0);
    }
    assert_int_equal(channel_unsent_bytes(&pair.channel), 0);
    assert_int_equal(memory_of(&pair.channel), 0);
    assert_int_equal(recv(pair.peer, piece, 1, 0), 0); /* and the end behind it */
    free(piece);
    close_pair(&pair);
}

/* The piece of a thing that is sent next: from memory or from a file. */
typedef ssize_t send_some(struct channel *channel, const uint8_t *bytes, int file,
                          size_t at, size_t length);

static ssize_t some_of_memory(struct channel *channel, const uint8_t *bytes, int file,
                              size_t at, size_t length)
{
    (void)file;
    return channel_write(channel, bytes + at, length - at);
}

static ssize_t some_of_file(struct channel *channel, const uint8_t *bytes, int file,
                            size_t at, size_t length)
{
    (void)bytes;
    return channel_send_file(channel, file, at, length - at);
}

static void write_all(send_some *some)
{
    enum { LENGTH = 251 * 64 * 1024 };
    struct pair pair = open_pair(64);
    uint8_t *bytes = counting(LENGTH);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, LENGTH, file), LENGTH);
    assert_int_equal(fflush(file), 0);
    size_t sent = 0, got = 0, waits = 0;
    while (got < LENGTH) {
        ssize_t taken =
            sent < LENGTH ? some(&pair.channel, bytes, fileno(file), sent, LENGTH) : 0;
        assert_true(taken >= 0 || taken == -EAGAIN);
        if (taken > 0)
            sent += (size_t)taken;
        while (got < sent)
            got = read_counting(pair.peer, got, sent - got);
        if (sent == LENGTH)
            continue;
        /* Full it was, so that room is told of. */
        unsigned events = 0;
        while (!(events & WO_WRITE)) {
            assert_int_equal(wo_wait(&pair.channel.event, 1, WO_ANY, WO_FOREVER, NULL),
                             0);
            assert_int_equal(channel_enumerate(&pair.channel, &events), 0);
        }
        waits++;
    }
    assert_true(waits > 0);
    assert_int_equal(memory_of(&pair.channel), 0);
    fclose(file);
    free(bytes);
    close_pair(&pair);
}

static void writing_keeps_nothing_and_is_told_of_room(void **state)
{
    (void)state;
    write_all(some_of_memory);
}

static void a_file_is_sent_from_where_it_lies(void **state)
{
    (void)state;
    write_all(some_of_file);
}

static void a_file_that_is_shorter_than_promised_says_so(void **state)
{
    (void)state;
    struct pair pair = open_pair(64);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite("abc", 1, 3, file), 3);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(channel_send_file(&pair.channel, fileno(file), 1, 100), 2);
    assert_int_equal(channel_send_file(&pair.channel, fileno(file), 3, 98), 0);
    fclose(file);
    close_pair(&pair);
}

static void closing_in_good_order_loses_nothing_said(void **state)
{
    (void)state;
    struct pair pair = open_pair(64);
    char last[4];
    say(&pair, "unread", 6);
    assert_int_equal(channel_send(&pair.channel, "last", 4), 0);
    assert_int_equal(channel_finish(&pair.channel), 0);
    assert_int_equal(channel_drain(&pair.channel, &pair.scratch), 0);
    assert_int_equal(recv(pair.peer, last, 4, MSG_WAITALL), 4);
    assert_int_equal(recv(pair.peer, last, 4, 0), 0);
    say(&pair, "more", 4);
    shutdown(pair.peer, SHUT_WR);
    while (channel_drain(&pair.channel, &pair.scratch) == 0) {
        assert_int_equal(wo_wait(&pair.channel.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
        assert_int_equal(channel_enumerate(&pair.channel, NULL), 0);
    }
    channel_close(&pair.channel);
    assert_int_equal(recv(pair.peer, last, 4, 0), 0); /* no reset */
    close_pair(&pair);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    struct pair pair = open_pair(64);
    const struct linger at_once = {.l_onoff = 1};
    struct frame frame;
    assert_int_equal(
        setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(pair.peer);
    pair.peer = -1;
    assert_int_equal(await_frame(&pair, &frame), -ECONNRESET);
    assert_int_equal(channel_drain(&pair.channel, &pair.scratch), 1);
    close_pair(&pair);
}

static int receives;

static void count_receives(struct watch *watch, const struct watch_call *call)
{
    (void)watch;
    receives += strcmp(call->name, "recv") == 0;
}

static void ignore_leaving(struct watch *watch, const struct watch_call *call)
{
    (void)watch;
    (void)call;
}

/* It is known from the first that nothing is left, so that a frame costs one call. */
static void a_short_receive_is_not_asked_again(void **state)
{
    (void)state;
    struct watch watch = {count_receives, ignore_leaving};
    struct pair pair = open_pair(4096);
    struct buffer buffer;
    struct frame frame;
    buffer_init(&buffer, 0);
    put_frame(&buffer, 0x0100, 1, 50);
    pair.channel.carrier.watch = &watch;
    for (int i = 0; i < 10; i++) {
        say(&pair, buffer.bytes, buffer.length);
        do {
            assert_int_equal(wo_wait(&pair.channel.event, 1, WO_ANY, WO_FOREVER, NULL),
                             0);
            unsigned events;
            assert_int_equal(channel_enumerate(&pair.channel, &events), 0);
            if (events & WO_READ)
                break;
        } while (true);
        receives = 0;
        assert_int_equal(channel_next(&pair.channel, &pair.scratch, &frame), 1);
        assert_int_equal(channel_next(&pair.channel, &pair.scratch, &frame), 0);
        assert_int_equal(receives, 1);
    }
    pair.channel.carrier.watch = NULL;
    close_pair(&pair);
    buffer_done(&buffer);
}

static void an_idle_channel_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct channel) <= 320);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_however_they_are_cut),
        cmocka_unit_test(an_end_within_a_frame_is_no_good_order),
        cmocka_unit_test(a_length_beyond_the_limit_takes_no_memory_and_can_be_answered),
        cmocka_unit_test(a_frame_that_does_not_come_holds_only_what_came),
        cmocka_unit_test(a_streamed_frame_is_given_as_it_comes),
        cmocka_unit_test(channels_share_a_scratch_buffer),
        cmocka_unit_test(what_does_not_fit_is_kept_within_the_bound),
        cmocka_unit_test(writing_keeps_nothing_and_is_told_of_room),
        cmocka_unit_test(a_file_is_sent_from_where_it_lies),
        cmocka_unit_test(a_file_that_is_shorter_than_promised_says_so),
        cmocka_unit_test(closing_in_good_order_loses_nothing_said),
        cmocka_unit_test(a_reset_is_told),
        cmocka_unit_test(a_short_receive_is_not_asked_again),
        cmocka_unit_test(an_idle_channel_is_small),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
