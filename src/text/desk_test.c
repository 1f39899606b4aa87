/* A desk with members over loopback, and the time in the test's hands. */
#include "text/desk.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/channel.h"
#include "net/greeting.h"
#include "text/protocol.h"

/* Keeps nothing, and answers when it is told to. */
struct keep_room {
    uint64_t last;
};
static struct keep_room the_room;
static struct keep_message *taken;
static void (*give_back)(void *listener, struct keep_message *first);
static void *listener;

static int open_room(void *owner, const char *name, size_t length,
                     struct keep_room **ret_room, uint64_t *ret_last)
{
    (void)owner, (void)name, (void)length;
    *ret_room = &the_room;
    *ret_last = the_room.last;
    return 0;
}

static void store(void *owner, struct keep_message *first, struct keep_message *last)
{
    (void)owner;
    last->next = taken;
    taken = first;
}

static void listen_to(void *owner,
                      void (*kept)(void *listener, struct keep_message *first), void *who)
{
    (void)owner;
    give_back = kept;
    listener = who;
}

/* What was taken is kept, or is not. */
static void answer_all(enum keep_result result)
{
    struct keep_message *first = taken;
    for (struct keep_message *message = first; message; message = message->next) {
        message->result = result;
        message->seq = result == KEEP_STORED ? ++the_room.last : 0;
    }
    taken = NULL;
    if (first)
        give_back(listener, first);
}

static const struct keep keep = {
    .open_room = open_room, .store = store, .listen = listen_to};

/* --- A desk and its members --- */

#define STALLED_NS (60 * NS_PER_S)

struct fixture {
    struct text *text;
    struct desk *desk;
    wo_set *set;
    struct channel_scratch scratch;
    int64_t now_ns;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct text_options options = {.keep = &keep, .desks = 1};
    the_room.last = 0;
    fixture->now_ns = NS_PER_S;
    assert_int_equal(text_new(&options, &fixture->text, NULL), 0);
    assert_int_equal(wo_set_new(&fixture->set), 0);
    assert_int_equal(channel_scratch_init(&fixture->scratch, CHANNEL_SCRATCH_BYTES), 0);
    fixture->desk = text_desk(fixture->text, 0);
    assert_int_equal(desk_open(fixture->desk, fixture->set, &fixture->scratch), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    desk_close(fixture->desk);
    answer_all(KEEP_FAILED);
    text_free(&fixture->text);
    wo_set_free(&fixture->set);
    channel_scratch_done(&fixture->scratch);
    free(fixture);
    return 0;
}

/* Does what is ready, until nothing is; at `now_ns` of the test's. */
static void turn(struct fixture *fixture)
{
    wo_ready ready[16];
    int count;
    do {
        /* Loopback delivers at once, but an event may be a moment behind. */
        count = wo_set_wait(fixture->set, ready, 16, 2 * NS_PER_MS);
        desk_begin(fixture->desk, fixture->now_ns);
        for (int i = 0; i < count; i++) {
            struct task *task = ready[i].owner;
            task->ready(task);
        }
        while (desk_turn(fixture->desk) <= fixture->now_ns)
            ;
    } while (count > 0);
}

/* Two ends of a TCP connection over loopback. */
static void connect_pair(int ret_ends[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    ret_ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int small = 4096;
    setsockopt(ret_ends[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(ret_ends[0], (struct sockaddr *)&address, sizeof address),
                     0);
    ret_ends[1] = accept(listening, NULL, NULL);
    assert_true(ret_ends[1] >= 0);
    close(listening);
}

/* A member in the room "r"; its client's end. */
static int come(struct fixture *fixture, const char *name, unsigned options)
{
    static const uint8_t client[KEEP_CLIENT_BYTES] = {1};
    int ends[2];
    wo_event *event;
    struct channel channel;
    const struct endpoint nobody = {0};
    struct buffer join;
    connect_pair(ends);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    assert_int_equal(channel_adopt(&channel, ends[1], event, &nobody, NULL), 0);
    assert_int_equal(desk_adopt(fixture->desk, &channel, name, client, 0), 0);
    buffer_init(&join, 0);
    size_t begin = frame_begin(&join, TEXT_JOIN, 0, 1);
    frame_put_u8(&join, (uint8_t)options);
    frame_put_text(&join, "r", 1);
    assert_int_equal(frame_end(&join, begin), 0);
    assert_int_equal(send(ends[0], join.bytes, join.length, 0), join.length);
    buffer_done(&join);
    turn(fixture);
    return ends[0];
}

static void say(struct fixture *fixture, int client, uint64_t number, size_t length)
{
    struct buffer frame;
    char *text = calloc(1, length);
    memset(text, 'x', length);
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_SAY, number ? 0 : TEXT_UNKEPT, number);
    frame_put_u32(&frame, 1);
    frame_put_u8(&frame, TEXT_KIND_SAID);
    frame_put_text(&frame, text, length);
    assert_int_equal(frame_end(&frame, begin), 0);
    assert_int_equal(send(client, frame.bytes, frame.length, 0), frame.length);
    buffer_done(&frame);
    free(text);
    turn(fixture);
}

/* The next frame of that type that came; false where none is there. */
static bool hear(int client, unsigned type, struct frame *ret_frame)
{
    static uint8_t bytes[1 << 20];
    static size_t length;
    ssize_t more;
    while (length < sizeof bytes &&
           (more = recv(client, bytes + length, sizeof bytes - length, MSG_DONTWAIT)) > 0)
        length += (size_t)more;
    size_t at = 0, whole;
    bool found = false;
    while (!found &&
           frame_decode(bytes + at, length - at, UINT32_MAX, ret_frame, &whole) == 1) {
        found = ret_frame->type == type;
        at += whole;
    }
    length = 0;
    return found;
}

static void who_takes_nothing_is_closed(void **state)
{
    struct fixture *fixture = *state;
    int reader = come(fixture, "slow", 0),
        speaker = come(fixture, "anna", TEXT_JOIN_SPEAKER);
    for (int i = 0; i < 300; i++)
        say(fixture, speaker, 0, 30000);
    fixture->now_ns += STALLED_NS - 1;
    turn(fixture);
    assert_int_equal(text_counts(fixture->text).slow_closed, 0);
    fixture->now_ns += 1;
    turn(fixture);
    assert_int_equal(text_counts(fixture->text).slow_closed, 1);
    fixture->now_ns += 5 * NS_PER_S; /* it may still read its farewell until then */
    turn(fixture);
    assert_int_equal(text_counts(fixture->text).members, 1);
    close(reader);
    close(speaker);
}

static void a_message_is_acknowledged_when_it_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct frame frame;
    int client = come(fixture, "anna", 0);
    assert_true(hear(client, TEXT_JOINED, &frame));
    say(fixture, client, 7, 10);
    assert_false(hear(client, TEXT_SAID, &frame));
    assert_false(hear(client, TEXT_MESSAGE, &frame));
    answer_all(KEEP_STORED);
    turn(fixture);
    assert_true(hear(client, TEXT_SAID, &frame));
    assert_int_equal(frame.id, 7);
    say(fixture, client, 8, 10);
    answer_all(KEEP_FULL);
    turn(fixture);
    assert_true(hear(client, FRAME_ERROR, &frame));
    assert_int_equal(frame.id, 8);
    close(client);
}

static void who_left_is_freed_when_his_messages_are_back(void **state)
{
    struct fixture *fixture = *state;
    int client = come(fixture, "anna", 0);
    say(fixture, client, 1, 10);
    const struct linger reset = {.l_onoff = 1};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(client);
    turn(fixture);
    assert_int_equal(text_counts(fixture->text).members, 0);
    assert_false(desk_is_empty(fixture->desk));
    answer_all(KEEP_STORED);
    turn(fixture);
    assert_true(desk_is_empty(fixture->desk));
}

static void who_drains_is_answered_first(void **state)
{
    struct fixture *fixture = *state;
    struct frame frame;
    int client = come(fixture, "anna", 0);
    say(fixture, client, 1, 10);
    desk_drain(fixture->desk);
    turn(fixture);
    assert_true(hear(client, FRAME_ERROR, &frame));
    answer_all(KEEP_STORED);
    turn(fixture);
    assert_true(hear(client, TEXT_SAID, &frame));
    char byte;
    assert_int_equal(recv(client, &byte, 1, 0), 0); /* and then its end */
    close(client);
    turn(fixture);
    assert_true(desk_is_empty(fixture->desk));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_takes_nothing_is_closed),
        TEST(a_message_is_acknowledged_when_it_is_kept),
        TEST(who_left_is_freed_when_his_messages_are_back),
        TEST(who_drains_is_answered_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
