/* Two channels that speak TLS with each other, both in this thread. */
#include "net/tls.h"

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

#include "net/channel.h"
#include "net/listener.h"

struct pair {
    struct channel client, server;
    struct channel_scratch scratch;
};

/* One for all tests, in a directory of its own. */
static char directory[] = "/tmp/woshou-tls-XXXXXX", path[64];
static struct identity *identity;

static wo_event *new_event(void)
{
    wo_event *event;
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    return event;
}

static void open_plain(struct pair *pair)
{
    const struct endpoint anywhere = endpoint_ipv4(127, 0, 0, 1, 0);
    const struct address address = address_from_endpoint(&anywhere);
    struct listener listener;
    struct endpoint peer;
    *pair = (struct pair){0};
    assert_int_equal(listener_open(&listener, &address, 0, NULL, NULL), 0);
    const struct address to = address_from_endpoint(&listener.local);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&to.storage, to.length), 0);
    assert_int_equal(wo_wait(&listener.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    int fd = listener_accept(&listener, &peer);
    assert_true(fd >= 0);
    listener_close(&listener);
    assert_int_equal(channel_adopt(&pair->server, fd, new_event(), &peer, NULL), 0);
    assert_int_equal(channel_adopt(&pair->client, client, new_event(), &peer, NULL), 0);
    assert_int_equal(channel_scratch_init(&pair->scratch, 64 << 10), 0);
}

static void close_pair(struct pair *pair)
{
    channel_close(&pair->client);
    channel_close(&pair->server);
    channel_scratch_done(&pair->scratch);
}

/* Waits until either has something to tell, and reads both records. */
static void await_either(struct pair *pair)
{
    wo_event *const events[2] = {pair->client.event, pair->server.event};
    assert_int_equal(wo_wait(events, 2, WO_ANY, WO_FOREVER, NULL), 0);
    channel_enumerate(&pair->client, NULL);
    channel_enumerate(&pair->server, NULL);
}

static void open_pair(struct pair *pair)
{
    struct tls *client, *server;
    open_plain(pair);
    assert_int_equal(tls_new_client(&client), 0);
    assert_int_equal(tls_new_server(identity, &server), 0);
    channel_start_tls(&pair->client, client);
    channel_start_tls(&pair->server, server);
    for (;;) {
        int one = channel_handshake(&pair->client);
        int other = channel_handshake(&pair->server);
        assert_true(one >= 0 && other >= 0);
        if (one && other)
            return;
        await_either(pair);
    }
}

static int await_frame(struct pair *pair, struct channel *channel,
                       struct frame *ret_frame)
{
    int code;
    while ((code = channel_next(channel, &pair->scratch, ret_frame)) == 0) {
        assert_false(channel_waiting(channel));
        await_either(pair);
    }
    return code;
}

static void send_frame(struct channel *channel, uint64_t id, size_t body)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    size_t begin = frame_begin(&buffer, 0x0100, 0, id);
    for (size_t i = 0; i < body; i++)
        buffer_append_char(&buffer, (char)(id + i));
    assert_int_equal(frame_end(&buffer, begin), 0);
    assert_int_equal(channel_send(channel, buffer.bytes, buffer.length), 0);
    buffer_done(&buffer);
}

static void assert_frame(const struct frame *frame, uint64_t id, size_t body)
{
    assert_true(frame->id == id);
    assert_int_equal(frame->length, body);
    for (size_t i = 0; i < body; i++)
        assert_int_equal(frame->body[i], (uint8_t)(id + i));
}

static void the_client_sees_the_servers_fingerprint(void **state)
{
    (void)state;
    struct pair pair;
    char seen[FINGERPRINT_TEXT], shown[FINGERPRINT_TEXT];
    open_pair(&pair);
    tls_peer_fingerprint(pair.client.tls, seen);
    assert_string_equal(seen, identity_fingerprint(identity));
    assert_int_equal(strlen(seen), FINGERPRINT_TEXT - 1);
    tls_peer_fingerprint(pair.server.tls, shown);
    assert_string_equal(shown, ""); /* clients have no certificate */
    close_pair(&pair);
}

static void frames_go_both_ways_and_nothing_is_kept(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 1, 100, 16384, 40000, 7, 65536};
    struct pair pair;
    struct frame frame;
    open_pair(&pair);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        send_frame(&pair.client, i, bodies[i]);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(await_frame(&pair, &pair.server, &frame), 1);
        assert_frame(&frame, i, bodies[i]);
        send_frame(&pair.server, i, bodies[i]);
    }
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(await_frame(&pair, &pair.client, &frame), 1);
        assert_frame(&frame, i, bodies[i]);
    }
    assert_int_equal(channel_next(&pair.client, &pair.scratch, &frame), 0);
    assert_int_equal(channel_unsent_bytes(&pair.client), 0);
    assert_int_equal(channel_unsent_bytes(&pair.server), 0);
    close_pair(&pair);
}

static void the_end_is_said_and_can_be_told_from_a_cut(void **state)
{
    (void)state;
    struct pair pair;
    struct frame frame;
    open_pair(&pair);
    send_frame(&pair.client, 1, 10);
    assert_int_equal(channel_finish(&pair.client), 0);
    assert_int_equal(await_frame(&pair, &pair.server, &frame), 1);
    assert_int_equal(await_frame(&pair, &pair.server, &frame), -ESHUTDOWN);
    send_frame(&pair.server, 2, 10); /* the other way goes on */
    assert_int_equal(await_frame(&pair, &pair.client, &frame), 1);
    assert_frame(&frame, 2, 10);
    assert_int_equal(channel_finish(&pair.server), 0);
    while (!channel_drain(&pair.client, &pair.scratch))
        await_either(&pair);
    close_pair(&pair);

    open_pair(&pair);
    send_frame(&pair.client, 1, 10);
    assert_int_equal(shutdown(pair.client.carrier.fd, SHUT_WR), 0);
    assert_int_equal(await_frame(&pair, &pair.server, &frame), 1);
    assert_int_equal(await_frame(&pair, &pair.server, &frame), -EBADMSG);
    close_pair(&pair);
}

/* What TLS has taken and the socket has not goes before the end, too. */
static void the_end_waits_for_what_was_kept(void **state)
{
    (void)state;
    enum { BODY = 10000 };
    struct pair pair;
    struct frame frame = {.type = 0x0100, .total = BODY};
    uint8_t bytes[FRAME_HEADER_BYTES + BODY] = {0};
    size_t sent = 0;
    ssize_t taken;
    open_pair(&pair);
    frame_encode_header(&frame, bytes);
    while ((taken = channel_write(&pair.client, bytes, sizeof bytes)) == sizeof bytes)
        sent++;
    assert_int_equal(taken, -EAGAIN);
    assert_true(channel_unsent_bytes(&pair.client) > 0);
    assert_int_equal(channel_finish(&pair.client), 0);
    for (size_t got = 0; got < sent; got++)
        assert_int_equal(await_frame(&pair, &pair.server, &frame), 1);
    assert_int_equal(await_frame(&pair, &pair.server, &frame), -ESHUTDOWN);
    assert_int_equal(channel_unsent_bytes(&pair.client), 0);
    close_pair(&pair);
}

static void what_is_not_tls_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct pair pair;
    struct tls *server;
    uint8_t alert[7];
    int code;
    open_plain(&pair);
    assert_int_equal(tls_new_server(identity, &server), 0);
    channel_start_tls(&pair.server, server);
    assert_int_equal(channel_send(&pair.client, "GET / HTTP/1.0\r\n\r\n", 18), 0);
    while ((code = channel_handshake(&pair.server)) == 0)
        await_either(&pair);
    assert_int_equal(code, -EPROTO);
    assert_string_equal(tls_why(server), "http request");
    assert_int_equal(channel_handshake(&pair.server), -EPROTO);
    assert_int_equal(channel_finish(&pair.server), 0);
    while (channel_peek(&pair.client, alert, sizeof alert) == -EAGAIN)
        await_either(&pair);
    close_pair(&pair);
}

/* Every byte of what the client sends first, changed: nothing crashes, and no handshake
 * succeeds with other words than were said. */
static void a_record_that_was_changed_on_the_way_is_refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < 40; at++) {
        struct pair pair;
        struct frame frame;
        uint8_t record[256];
        open_pair(&pair);
        /* What the client enciphers is taken off the wire, changed, and put back on it.
         * */
        send_frame(&pair.client, 1, 10);
        ssize_t length = 0;
        while ((length = recv(pair.server.carrier.fd, record, sizeof record,
                              MSG_DONTWAIT)) < 0)
            await_either(&pair);
        assert_true(length > 40);
        record[at] ^= 1;
        assert_int_equal(send(pair.client.carrier.fd, record, (size_t)length, 0), length);
        assert_int_equal(shutdown(pair.client.carrier.fd, SHUT_WR), 0);
        pair.server.carrier.readable = true;
        int code = await_frame(&pair, &pair.server, &frame);
        assert_true(code == -EPROTO || code == -EBADMSG);
        close_pair(&pair);
    }
}

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

/* One streamed frame after the other out of `bytes`, until it all has come. */
static void write_all(send_some *some)
{
    enum { BODY = 1 << 20, FRAMES = 12, FRAME_BYTES = FRAME_HEADER_BYTES + BODY };
    const size_t length = (size_t)FRAMES * FRAME_BYTES;
    struct pair pair;
    struct frame frame = {.type = 0x0200, .total = BODY};
    uint8_t *bytes = malloc(length);
    FILE *file = tmpfile();
    assert_non_null(bytes);
    assert_non_null(file);
    for (size_t at = 0; at < length; at++)
        bytes[at] = (uint8_t)(at % 251);
    for (size_t i = 0; i < FRAMES; i++)
        frame_encode_header(&frame, bytes + i * FRAME_BYTES);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fflush(file), 0);
    open_pair(&pair);
    channel_stream(&pair.server, 0x0200, 0);
    pair.server.body_limit = FRAME_BODY_BYTES;
    size_t sent = 0, got = 0, full = 0;
    while (got < (size_t)FRAMES * BODY) {
        ssize_t taken =
            sent < length ? some(&pair.client, bytes, fileno(file), sent, length) : 0;
        assert_true(taken >= 0 || taken == -EAGAIN);
        sent += taken > 0 ? (size_t)taken : 0;
        full += sent < length;
        int code;
        while ((code = channel_next(&pair.server, &pair.scratch, &frame)) == 1) {
            const uint8_t *expected =
                bytes + got / BODY * FRAME_BYTES + FRAME_HEADER_BYTES + got % BODY;
            assert_int_equal(frame.offset, got % BODY);
            assert_memory_equal(frame.body, expected, frame.length);
            got += frame.length;
        }
        assert_int_equal(code, 0);
        if (got < (size_t)FRAMES * BODY)
            await_either(&pair);
    }
    assert_true(full > 0);
    assert_int_equal(channel_unsent_bytes(&pair.client), 0);
    close_pair(&pair);
    fclose(file);
    free(bytes);
}

static void more_than_fits_is_written_piece_by_piece(void **state)
{
    (void)state;
    write_all(some_of_memory);
}

static void a_file_goes_through_tls_too(void **state)
{
    (void)state;
    write_all(some_of_file);
}

static int make_identity(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/identity.pem", directory);
    return identity_open(path, &identity, NULL);
}

static int remove_identity(void **state)
{
    (void)state;
    identity_close(&identity);
    return unlink(path) + rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_sees_the_servers_fingerprint),
        cmocka_unit_test(frames_go_both_ways_and_nothing_is_kept),
        cmocka_unit_test(the_end_is_said_and_can_be_told_from_a_cut),
        cmocka_unit_test(the_end_waits_for_what_was_kept),
        cmocka_unit_test(what_is_not_tls_is_refused_with_a_reason),
        cmocka_unit_test(a_record_that_was_changed_on_the_way_is_refused),
        cmocka_unit_test(more_than_fits_is_written_piece_by_piece),
        cmocka_unit_test(a_file_goes_through_tls_too),
    };
    return cmocka_run_group_tests_name("tls", tests, make_identity, remove_identity);
}
