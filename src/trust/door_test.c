/* One guest at the door, whose own end the test plays with plain calls; the time is the
 * test's. */
#include "trust/door.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "net/listener.h"

struct visit {
    struct door *door;
    struct door_guest guest;
    int client; /* blocking */
    int64_t now_ns;
    struct channel_scratch scratch;
};

/* Connects to a listener of its own, and accepts; the guest's end is in `ret_client`. */
static int connect_pair(int *ret_client, struct endpoint *ret_peer)
{
    const struct endpoint anywhere = endpoint_ipv4(127, 0, 0, 1, 0);
    const struct address address = address_from_endpoint(&anywhere);
    struct listener listener;
    assert_int_equal(listener_open(&listener, &address, 0, NULL, NULL), 0);
    const struct address to = address_from_endpoint(&listener.local);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&to.storage, to.length), 0);
    assert_int_equal(wo_wait(&listener.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    int fd = listener_accept(&listener, ret_peer);
    assert_true(fd >= 0);
    listener_close(&listener);
    *ret_client = client;
    return fd;
}

static int admit(struct visit *visit)
{
    struct endpoint peer;
    wo_event *event;
    int fd = connect_pair(&visit->client, &peer);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    return door_admit(visit->door, fd, event, &peer, NULL, visit->now_ns, &visit->guest);
}

static void arrive(struct visit *visit, struct door *door)
{
    *visit = (struct visit){.door = door};
    assert_int_equal(admit(visit), 0);
    assert_int_equal(channel_scratch_init(&visit->scratch, 4096), 0);
}

static void depart(struct visit *visit)
{
    door_dismiss(&visit->guest);
    door_dismiss(&visit->guest);
    channel_close(&visit->guest.channel);
    channel_scratch_done(&visit->scratch);
    close(visit->client);
}

static struct door *open_door(unsigned most_strangers)
{
    const struct door_options options = {.server_name = "here",
                                         .most_strangers = most_strangers};
    struct door *door;
    assert_int_equal(door_new(&options, &door, NULL), 0);
    return door;
}

/* Steps until something other than waiting comes of it. */
static enum door_state await_state(struct visit *visit)
{
    for (;;) {
        enum door_state state = door_step(&visit->guest, &visit->scratch, visit->now_ns);
        if (state != DOOR_STILL)
            return state;
        assert_int_equal(
            wo_wait(&visit->guest.channel.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    }
}

static void say(struct visit *visit, const void *bytes, size_t length)
{
    assert_int_equal(send(visit->client, bytes, length, MSG_NOSIGNAL), length);
}

static struct greeting polite(void)
{
    return (struct greeting){.lowest = 1,
                             .highest = 1,
                             .business = BUSINESS_TEXT,
                             .client_id = {7, [15] = 9},
                             .name = {"ann", 3}};
}

static void say_greeting(struct visit *visit, const struct greeting *greeting)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, greeting);
    say(visit, buffer.bytes, buffer.length);
    buffer_done(&buffer);
}

/* The next frame at the guest's end, within `bytes`. */
static struct frame hear(struct visit *visit, uint8_t bytes[4096])
{
    struct frame frame;
    size_t needed = FRAME_HEADER_BYTES, got = 0;
    while (got < needed) {
        ssize_t length = recv(visit->client, bytes + got, needed - got, 0);
        assert_true(length > 0);
        got += (size_t)length;
        if (got >= needed)
            assert_true(frame_decode(bytes, got, 4000, &frame, &needed) >= 0);
    }
    return frame;
}

/* He hears this error, then the end; he ends too, and it is over. */
static void assert_refused(struct visit *visit, enum frame_error code)
{
    uint8_t bytes[4096];
    struct refusal refusal;
    while (door_step(&visit->guest, &visit->scratch, visit->now_ns) == DOOR_STILL &&
           visit->guest.phase != DOOR_PHASE_LEAVING)
        assert_int_equal(
            wo_wait(&visit->guest.channel.event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    const struct frame frame = hear(visit, bytes);
    assert_int_equal(refusal_decode(&frame, &refusal), 0);
    assert_true(refusal.fatal);
    assert_int_equal(refusal.code, code);
    assert_true(refusal.sentence.length > 0);
    assert_int_equal(recv(visit->client, bytes, 1, 0), 0);
    shutdown(visit->client, SHUT_WR);
    assert_int_equal(await_state(visit), DOOR_OVER);
    assert_int_equal(visit->guest.refused, code);
    assert_non_null(visit->guest.why);
}

static void who_greets_is_welcomed(void **state)
{
    (void)state;
    struct door *door = open_door(0);
    struct visit visit;
    struct welcome welcome;
    struct frame frame;
    uint8_t bytes[4096];
    const struct greeting greeting = polite();
    arrive(&visit, door);
    assert_int_equal(door_strangers(door), 1);
    assert_int_equal(door_step(&visit.guest, &visit.scratch, 0), DOOR_STILL);
    struct buffer said;
    buffer_init(&said, 0);
    greeting_encode(&said, &greeting);
    frame_end(&said, frame_begin(&said, 0x0102, 0, 5)); /* and goes on at once */
    say(&visit, said.bytes, said.length);
    buffer_done(&said);
    assert_int_equal(await_state(&visit), DOOR_READY);
    memset(visit.scratch.bytes, 0xFF,
           visit.scratch.capacity); /* others use it meanwhile */
    assert_int_equal(door_strangers(door), 0);
    frame = hear(&visit, bytes);
    assert_int_equal(welcome_decode(&frame, &welcome), 0);
    assert_int_equal(welcome.version, 1);
    assert_int_equal(welcome.body_limit, FRAME_BODY_BYTES);
    assert_memory_equal(welcome.server.bytes, "here", 4);
    assert_memory_equal(welcome.name.bytes, "ann", 3);
    assert_int_equal(visit.guest.business, BUSINESS_TEXT);
    assert_string_equal(visit.guest.name, "ann");
    assert_memory_equal(visit.guest.client_id, greeting.client_id, 16);
    assert_true(visit.guest.local);
    assert_int_equal(visit.guest.channel.body_limit, FRAME_BODY_BYTES);

    struct channel channel = visit.guest.channel; /* moved, as a worker does */
    int code;
    while ((code = channel_next(&channel, &visit.scratch, &frame)) == 0) {
        wo_wait(&channel.event, 1, WO_ANY, WO_FOREVER, NULL);
        channel_enumerate(&channel, NULL);
    }
    assert_int_equal(code, 1);
    assert_int_equal(frame.type, 0x0102);
    assert_true(frame.id == 5);
    channel_stow(&channel);
    visit.guest.channel = channel;
    depart(&visit);
    door_free(&door);
    assert_null(door);
}

static void what_is_no_greeting_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct door *door = open_door(0);
    struct visit visit;
    struct greeting old = polite(), odd = polite();
    uint8_t header[FRAME_HEADER_BYTES] = {0x80};
    old.lowest = old.highest = 9;
    odd.business = 77;

    arrive(&visit, door);
    say_greeting(&visit, &old);
    assert_refused(&visit, FRAME_ERROR_VERSION);
    depart(&visit);

    arrive(&visit, door);
    say_greeting(&visit, &odd);
    assert_refused(&visit, FRAME_ERROR_BUSINESS);
    depart(&visit);

    arrive(&visit, door);
    say(&visit, header, sizeof header);
    assert_refused(&visit, FRAME_ERROR_TOO_LARGE);
    depart(&visit);

    arrive(&visit, door);
    say(&visit, "\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0", 16); /* a PING */
    assert_refused(&visit, FRAME_ERROR_MALFORMED);
    depart(&visit);

    arrive(&visit, door);
    say(&visit, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_refused(&visit, FRAME_ERROR_TOO_LARGE);
    depart(&visit);

    arrive(&visit, door);
    door_drain(door);
    const struct greeting greeting = polite();
    say_greeting(&visit, &greeting);
    assert_refused(&visit, FRAME_ERROR_DRAINING);
    depart(&visit);
    assert_int_equal(door_strangers(door), 0);
    door_free(&door);
}

static void who_only_looks_in_is_forgotten(void **state)
{
    (void)state;
    struct door *door = open_door(0);
    struct visit visit;
    arrive(&visit, door);
    say(&visit, "\0\0", 2);
    shutdown(visit.client, SHUT_WR);
    assert_int_equal(await_state(&visit), DOOR_OVER);
    assert_int_equal(visit.guest.refused, 0);
    assert_string_equal(visit.guest.why, "left without a word");
    depart(&visit);
    assert_int_equal(door_strangers(door), 0);
    door_free(&door);
}

/* A byte a second is no reason to wait longer: the deadline is for all of it. */
static void a_byte_a_second_ends_with_the_deadline(void **state)
{
    (void)state;
    struct door *door = open_door(0);
    struct visit visit;
    struct buffer buffer;
    const struct greeting greeting = polite();
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &greeting);
    arrive(&visit, door);
    for (size_t second = 0; second < 10; second++) {
        say(&visit, buffer.bytes + second, 1);
        visit.now_ns = (int64_t)second * NS_PER_S;
        assert_int_equal(door_step(&visit.guest, &visit.scratch, visit.now_ns),
                         DOOR_STILL);
        assert_int_equal(visit.guest.phase, DOOR_PHASE_HELLO);
    }
    visit.now_ns = 10 * NS_PER_S;
    assert_refused(&visit, FRAME_ERROR_TIMEOUT);
    depart(&visit);
    buffer_done(&buffer);
    door_free(&door);
}

static void who_does_not_leave_is_closed_after_a_while(void **state)
{
    (void)state;
    struct door *door = open_door(0);
    struct visit visit;
    arrive(&visit, door);
    visit.now_ns = 10 * NS_PER_S;
    assert_int_equal(door_step(&visit.guest, &visit.scratch, visit.now_ns), DOOR_STILL);
    assert_int_equal(visit.guest.phase, DOOR_PHASE_LEAVING);
    visit.now_ns = 15 * NS_PER_S - 1;
    assert_int_equal(door_step(&visit.guest, &visit.scratch, visit.now_ns), DOOR_STILL);
    visit.now_ns = 15 * NS_PER_S;
    assert_int_equal(door_step(&visit.guest, &visit.scratch, visit.now_ns), DOOR_OVER);
    assert_int_equal(visit.guest.refused, FRAME_ERROR_TIMEOUT);
    depart(&visit);
    door_free(&door);
}

/* The timer is real: nobody but the event tells the worker. */
static void the_deadline_sets_the_event(void **state)
{
    (void)state;
    const struct door_options options = {.server_name = "here", .patience_ns = 1000000};
    struct door *door;
    struct visit visit;
    assert_int_equal(door_new(&options, &door, NULL), 0);
    arrive(&visit, door);
    while (visit.guest.phase != DOOR_PHASE_LEAVING) {
        assert_int_equal(wo_wait(&visit.guest.channel.event, 1, WO_ANY, WO_FOREVER, NULL),
                         0);
        assert_int_equal(door_step(&visit.guest, &visit.scratch, visit.now_ns += 500000),
                         DOOR_STILL);
    }
    depart(&visit);
    door_free(&door);
}

static void strangers_are_counted_and_bounded(void **state)
{
    (void)state;
    struct door *door = open_door(2);
    struct visit first, second, third = {.door = door};
    char byte;
    arrive(&first, door);
    arrive(&second, door);
    assert_int_equal(admit(&third), -EBUSY);
    assert_int_equal(recv(third.client, &byte, 1, 0), 0);
    close(third.client);
    assert_int_equal(door_strangers(door), 2);
    depart(&first);
    assert_int_equal(door_strangers(door), 1);
    arrive(&first, door);
    depart(&first);
    depart(&second);
    assert_int_equal(door_strangers(door), 0);
    door_free(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_greets_is_welcomed),
        cmocka_unit_test(what_is_no_greeting_is_refused_with_a_reason),
        cmocka_unit_test(who_only_looks_in_is_forgotten),
        cmocka_unit_test(a_byte_a_second_ends_with_the_deadline),
        cmocka_unit_test(who_does_not_leave_is_closed_after_a_while),
        cmocka_unit_test(the_deadline_sets_the_event),
        cmocka_unit_test(strangers_are_counted_and_bounded),
    };
    return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
