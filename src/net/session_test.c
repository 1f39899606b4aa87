/* A client's session with a server that is played by a thread with plain calls. */
#include "net/session.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "net/listener.h"

/* What the played server does with one connection, which is closed afterwards. */
typedef void player(int fd);

struct played {
    pthread_t thread;
    int listening;
    uint16_t port;
    player *play;
};

static void *run(void *argument)
{
    struct played *played = argument;
    int fd = accept(played->listening, NULL, NULL);
    if (fd >= 0) {
        played->play(fd);
        close(fd);
    }
    return NULL;
}

static void start(struct played *played, player *play)
{
    const struct endpoint anywhere = endpoint_ipv4(127, 0, 0, 1, 0);
    struct address address = address_from_endpoint(&anywhere);
    socklen_t length = sizeof address.storage;
    played->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(played->listening >= 0);
    assert_int_equal(
        bind(played->listening, (struct sockaddr *)&address.storage, address.length), 0);
    assert_int_equal(listen(played->listening, 5), 0);
    assert_int_equal(
        getsockname(played->listening, (struct sockaddr *)&address.storage, &length), 0);
    played->port = endpoint_from_address((struct sockaddr *)&address.storage).port;
    played->play = play;
    assert_int_equal(pthread_create(&played->thread, NULL, run, played), 0);
}

static void finish(struct played *played)
{
    assert_int_equal(pthread_join(played->thread, NULL), 0);
    close(played->listening);
}

static struct session_options options_for(const struct played *played)
{
    return (struct session_options){.host = "127.0.0.1",
                                    .port = played->port,
                                    .business = BUSINESS_TEXT,
                                    .name = "ann",
                                    .timeout_ns = WO_FOREVER};
}

/* Receives one frame, whole, into `bytes`. */
static int hear(int fd, uint8_t bytes[4096], struct frame *ret_frame)
{
    size_t needed = FRAME_HEADER_BYTES, got = 0;
    while (got < needed) {
        ssize_t length = recv(fd, bytes + got, needed - got, 0);
        if (length <= 0)
            return -1;
        got += (size_t)length;
        if (got >= needed)
            frame_decode(bytes, got, 4000, ret_frame, &needed);
    }
    return 0;
}

static void say(int fd, struct buffer *buffer)
{
    send(fd, buffer->bytes, buffer->length, MSG_NOSIGNAL);
    buffer_done(buffer);
}

static void say_welcome(int fd)
{
    const struct welcome welcome = {.version = 1,
                                    .body_limit = FRAME_BODY_BYTES,
                                    .heartbeat_ms = 30000,
                                    .server = {"host", 4},
                                    .name = {"ann2", 4}};
    struct buffer buffer;
    buffer_init(&buffer, 0);
    welcome_encode(&buffer, &welcome);
    say(fd, &buffer);
}

static void say_frame(int fd, unsigned type, unsigned flags, uint64_t id)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    frame_end(&buffer, frame_begin(&buffer, type, flags, id));
    say(fd, &buffer);
}

/* Welcomes who says hello as "ann", then pings, and answers the pong with one frame of
 * text. */
static void welcome_and_ping(int fd)
{
    uint8_t bytes[4096];
    struct frame frame;
    struct greeting greeting;
    if (hear(fd, bytes, &frame) || greeting_decode(&frame, &greeting) ||
        greeting.name.length != 3)
        return;
    say_welcome(fd);
    say_frame(fd, 0x0042, FRAME_OPTIONAL, 0); /* of a later version */
    struct buffer ping;
    buffer_init(&ping, 0);
    greeting_encode_ping(&ping, "abc", 3);
    say(fd, &ping);
    if (hear(fd, bytes, &frame) || frame.type != FRAME_PONG || frame.length != 3 ||
        memcmp(frame.body, "abc", 3) != 0)
        return;
    say_frame(fd, 0x0123, 0, 9);
    if (hear(fd, bytes, &frame) == 0 && frame.type == FRAME_BYE)
        while (recv(fd, bytes, sizeof bytes, 0) > 0)
            continue;
}

static void a_session_opens_answers_pings_and_closes(void **state)
{
    struct channel_scratch *scratch = *state;
    struct played played;
    struct session session;
    struct session_refused refused = {99, 99};
    struct frame frame;
    start(&played, welcome_and_ping);
    const struct session_options options = options_for(&played);
    assert_int_equal(session_open(&options, scratch, &session, &refused, NULL), 0);
    assert_int_equal(refused.code, 0);
    assert_int_equal(session.version, 1);
    assert_string_equal(session.name, "ann2");
    assert_string_equal(session.server, "host");
    assert_false(session.enciphered);
    assert_int_equal(session.heartbeat_ms, 30000);
    assert_int_equal(
        session_await(&session.channel, scratch, NULL, WO_FOREVER, &frame, NULL, NULL),
        0);
    assert_int_equal(frame.type, 0x0123);
    assert_true(frame.id == 9);
    session_close(&session, scratch);
    session_close(&session, scratch);
    finish(&played);
}

static void refuse(int fd)
{
    const struct refusal refusal = {.code = FRAME_ERROR_TOO_MANY,
                                    .fatal = true,
                                    .retry_after_ms = 1500,
                                    .sentence = {"too many\x1b[31m guests", 20}};
    struct buffer buffer;
    uint8_t bytes[4096];
    struct frame frame;
    buffer_init(&buffer, 0);
    refusal_encode(&buffer, &refusal);
    hear(fd, bytes, &frame);
    say(fd, &buffer);
}

static void a_refusal_is_told_and_shows_no_escapes(void **state)
{
    struct played played;
    struct session session;
    struct session_refused refused;
    struct error err;
    start(&played, refuse);
    const struct session_options options = options_for(&played);
    assert_int_equal(session_open(&options, *state, &session, &refused, &err),
                     ERROR_REFUSED);
    assert_string_equal(err.sentence, "the server says: too many^[[31m guests");
    assert_int_equal(refused.code, FRAME_ERROR_TOO_MANY);
    assert_int_equal(refused.retry_after_ms, 1500);
    finish(&played);
}

static void speak_http(int fd)
{
    static const char page[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
    uint8_t bytes[4096];
    struct frame frame;
    hear(fd, bytes, &frame);
    send(fd, page, sizeof page - 1, MSG_NOSIGNAL);
}

static void another_protocol_is_told_from_ours(void **state)
{
    struct played played;
    struct session session;
    struct error err;
    start(&played, speak_http);
    const struct session_options options = options_for(&played);
    assert_int_equal(session_open(&options, *state, &session, NULL, &err), ERROR_CORRUPT);
    finish(&played);
}

static void hang_up(int fd)
{
    uint8_t bytes[4096];
    struct frame frame;
    hear(fd, bytes, &frame);
}

static void an_end_before_the_welcome_is_an_error(void **state)
{
    struct played played;
    struct session session;
    struct error err;
    start(&played, hang_up);
    const struct session_options options = options_for(&played);
    assert_int_equal(session_open(&options, *state, &session, NULL, &err), ERROR_RESET);
    assert_string_equal(err.sentence, "the server closed the connection");
    finish(&played);
}

static void say_nothing(int fd)
{
    uint8_t bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        continue;
}

static void silence_ends_with_the_deadline_or_when_stopped(void **state)
{
    struct played played;
    struct session session;
    wo_event *stop;
    struct error err;
    start(&played, say_nothing);
    struct session_options options = options_for(&played);
    options.timeout_ns = 1000000;
    assert_int_equal(session_open(&options, *state, &session, NULL, &err),
                     ERROR_TIMED_OUT);
    finish(&played);
    start(&played, say_nothing);
    options = options_for(&played);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &stop), 0);
    assert_int_equal(wo_event_set(stop), 0);
    options.stop = stop;
    assert_int_equal(session_open(&options, *state, &session, NULL, &err),
                     ERROR_INTERRUPTED);
    shutdown(played.listening, SHUT_RDWR);
    finish(&played);
    wo_event_free(&stop);
}

static void nobody_there_is_said(void **state)
{
    struct played played;
    struct session session;
    struct error err;
    start(&played, hang_up);
    const struct session_options options = options_for(&played);
    shutdown(played.listening, SHUT_RDWR);
    finish(&played);
    assert_int_equal(session_open(&options, *state, &session, NULL, &err), ERROR_REFUSED);
    assert_non_null(strstr(err.sentence, "connection refused"));
}

static int make_scratch(void **state)
{
    static struct channel_scratch scratch;
    *state = &scratch;
    return channel_scratch_init(&scratch, 4096);
}

static int free_scratch(void **state)
{
    channel_scratch_done(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_opens_answers_pings_and_closes),
        cmocka_unit_test(a_refusal_is_told_and_shows_no_escapes),
        cmocka_unit_test(another_protocol_is_told_from_ours),
        cmocka_unit_test(an_end_before_the_welcome_is_an_error),
        cmocka_unit_test(silence_ends_with_the_deadline_or_when_stopped),
        cmocka_unit_test(nobody_there_is_said),
    };
    return cmocka_run_group_tests_name("session", tests, make_scratch, free_scratch);
}
