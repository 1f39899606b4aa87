#include "draw/sample.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "capture/decode.h"

/* A story in the making. Times are written in microseconds, as one reads them in a
 * ladder. */
struct script {
    struct story *story;
    uint32_t calls;
    uint64_t packets;
    bool broken; /* memory ran out somewhere */
};

static const uint32_t initial_number[2] = {0x6a000000u, 0xfffffff9u};

static struct script script_open(uint32_t id, uint16_t client_port, uint16_t server_port)
{
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, client_port);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, server_port);
    struct script script = {0};
    script.broken = story_new(id, &client, &server, &script.story) != 0;
    return script;
}

static struct story *script_finish(struct script *script)
{
    if (script->broken)
        story_free(&script->story);
    else
        story_judge(script->story);
    return script->story;
}

static uint32_t enter(struct script *script, int64_t us, enum place place,
                      const char *name)
{
    struct event_call call = {.name = name, .call = ++script->calls};
    if (!script->broken)
        script->broken = !story_add_call(script->story, us * NS_PER_US, place, &call);
    return call.call;
}

static void leave(struct script *script, int64_t us, enum place place, const char *name,
                  uint32_t number, int64_t result)
{
    struct event_call call = {
        .name = name, .returns = true, .call = number, .result = result};
    if (!script->broken)
        script->broken = !story_add_call(script->story, us * NS_PER_US, place, &call);
}

static void observe(struct script *script, int64_t us, enum place place,
                    enum tcp_state state)
{
    if (!script->broken)
        script->broken = !story_add_state(script->story, us * NS_PER_US, place, state,
                                          STANDING_OBSERVED);
}

/* What a packet says: relative numbers, and its payload. */
struct says {
    uint8_t flags;
    uint32_t seq, ack;
    const char *payload;
    uint32_t bytes;
};

/* Adds a packet; `received_us` below 0: its arrival was not seen. */
static void carry(struct script *script, int64_t sent_us, int64_t received_us,
                  enum place from, struct says says, enum fate fate)
{
    if (script->broken)
        return;
    const struct story *story = script->story;
    bool client = from == PLACE_CLIENT;
    struct segment segment = {
        .source = client ? story->client : story->server,
        .destination = client ? story->server : story->client,
        .flags = says.flags,
        .seq = initial_number[from] + says.seq,
        .ack = says.flags & TCP_ACK ? initial_number[!from] + says.ack : 0,
        .window = 64240,
        .payload = (const uint8_t *)says.payload,
        .payload_bytes = says.bytes,
        .payload_captured = says.bytes,
        .window_shift = -1,
    };
    uint64_t number = fate == FATE_DUPLICATED ? script->packets : ++script->packets;
    struct event *event =
        story_add_packet(script->story, sent_us * NS_PER_US, from, number, &segment);
    script->broken = !event;
    if (!event)
        return;
    if (fate == FATE_DUPLICATED) /* nobody sent it again */
        event->packet.retransmission = false;
    event->packet.fate = fate;
    event->packet.received_ns = received_us < 0 ? UNSEEN_NS : received_us * NS_PER_US;
}

static void pass(struct script *script, int64_t sent_us, int64_t received_us,
                 enum place from, struct says says)
{
    carry(script, sent_us, received_us, from, says, FATE_DELIVERED);
}

/* One that the wire made up: nobody sent it. The story's order goes by its arrival. */
static void inject(struct script *script, int64_t received_us, enum place from,
                   struct says says)
{
    carry(script, received_us, received_us, from, says, FATE_INJECTED);
    if (!script->broken)
        story_find_packet(script->story, script->packets)->packet.sent_ns = UNSEEN_NS;
}

/* "hello" and a zero, "nihao", in UTF-16LE as the article's programs send them. */
static const char hello[12] = "h\0e\0l\0l\0o\0\0";
static const char nihao[10] = {'n', 0, 'i', 0, 'h', 0, 'a', 0, 'o', 0};

/* The handshake from `us` on, with connect's entry; returns connect's number. The SYN-ACK
 * comes back 40 ms later, the server knows after 60. */
static uint32_t shake(struct script *script, int64_t us)
{
    observe(script, us, PLACE_CLIENT, STATE_CLOSED);
    uint32_t connect = enter(script, us, PLACE_CLIENT, "connect");
    pass(script, us + 21, us + 20037, PLACE_CLIENT, (struct says){.flags = TCP_SYN});
    observe(script, us + 24, PLACE_CLIENT, STATE_SYN_SENT);
    observe(script, us + 20040, PLACE_SERVER, STATE_SYN_RECEIVED);
    pass(script, us + 20052, us + 40069, PLACE_SERVER,
         (struct says){.flags = TCP_SYN | TCP_ACK, .ack = 1});
    observe(script, us + 40072, PLACE_CLIENT, STATE_ESTABLISHED);
    pass(script, us + 40076, us + 60090, PLACE_CLIENT,
         (struct says){.flags = TCP_ACK, .seq = 1, .ack = 1});
    leave(script, us + 40110, PLACE_CLIENT, "connect", connect, 0);
    observe(script, us + 60093, PLACE_SERVER, STATE_ESTABLISHED);
    return connect;
}

struct story *sample_hello(void)
{
    struct script s = script_open(1, 40001, 30001);
    observe(&s, 0, PLACE_SERVER, STATE_LISTEN);
    uint32_t accept = enter(&s, 0, PLACE_SERVER, "accept");
    shake(&s, 10000);
    uint32_t wait = enter(&s, 50180, PLACE_CLIENT, "wait");
    leave(&s, 70140, PLACE_SERVER, "accept", accept, 5);

    uint32_t send = enter(&s, 70210, PLACE_SERVER, "send");
    pass(&s, 70230, 90250, PLACE_SERVER,
         (struct says){TCP_PSH | TCP_ACK, 1, 1, hello, sizeof hello});
    leave(&s, 70260, PLACE_SERVER, "send", send, 12);
    uint32_t server_recv = enter(&s, 70300, PLACE_SERVER, "recv");
    pass(&s, 90262, 110280, PLACE_CLIENT, (struct says){TCP_ACK, 1, 13, NULL, 0});
    leave(&s, 90290, PLACE_CLIENT, "wait", wait, 0);
    leave(&s, 90320, PLACE_CLIENT, "recv", enter(&s, 90310, PLACE_CLIENT, "recv"), 12);

    send = enter(&s, 2110000, PLACE_CLIENT, "send");
    pass(&s, 2110020, 2130040, PLACE_CLIENT,
         (struct says){TCP_PSH | TCP_ACK, 1, 13, nihao, sizeof nihao});
    leave(&s, 2110050, PLACE_CLIENT, "send", send, 10);
    wait = enter(&s, 2110090, PLACE_CLIENT, "wait");
    pass(&s, 2130052, 2150070, PLACE_SERVER, (struct says){TCP_ACK, 13, 11, NULL, 0});
    leave(&s, 2130080, PLACE_SERVER, "recv", server_recv, 10);

    uint32_t close = enter(&s, 2130200, PLACE_SERVER, "close");
    pass(&s, 2130230, 2150250, PLACE_SERVER,
         (struct says){TCP_FIN | TCP_ACK, 13, 11, NULL, 0});
    observe(&s, 2130233, PLACE_SERVER, STATE_FIN_WAIT_1);
    leave(&s, 2130260, PLACE_SERVER, "close", close, 0);
    observe(&s, 2150253, PLACE_CLIENT, STATE_CLOSE_WAIT);
    leave(&s, 2150290, PLACE_CLIENT, "wait", wait, 0);
    leave(&s, 2150320, PLACE_CLIENT, "recv", enter(&s, 2150310, PLACE_CLIENT, "recv"), 0);
    close = enter(&s, 2150350, PLACE_CLIENT, "close");
    pass(&s, 2150370, 2170390, PLACE_CLIENT,
         (struct says){TCP_FIN | TCP_ACK, 11, 14, NULL, 0});
    observe(&s, 2150373, PLACE_CLIENT, STATE_LAST_ACK);
    leave(&s, 2150400, PLACE_CLIENT, "close", close, 0);
    observe(&s, 2170393, PLACE_SERVER, STATE_TIME_WAIT);
    pass(&s, 2170398, 2190410, PLACE_SERVER, (struct says){TCP_ACK, 14, 12, NULL, 0});
    observe(&s, 2190413, PLACE_CLIENT, STATE_CLOSED);
    return script_finish(&s);
}

struct story *sample_refused(void)
{
    struct script s = script_open(5, 40005, 30009);
    observe(&s, 0, PLACE_CLIENT, STATE_CLOSED);
    uint32_t connect = enter(&s, 0, PLACE_CLIENT, "connect");
    pass(&s, 19, 20031, PLACE_CLIENT, (struct says){.flags = TCP_SYN});
    observe(&s, 22, PLACE_CLIENT, STATE_SYN_SENT);
    observe(&s, 20034, PLACE_SERVER, STATE_CLOSED);
    pass(&s, 20038, 40050, PLACE_SERVER,
         (struct says){.flags = TCP_RST | TCP_ACK, .ack = 1});
    observe(&s, 40054, PLACE_CLIENT, STATE_CLOSED);
    leave(&s, 40090, PLACE_CLIENT, "connect", connect, -ECONNREFUSED);
    return script_finish(&s);
}

struct story *sample_lost(void)
{
    struct script s = script_open(6, 40006, 30001);
    observe(&s, 0, PLACE_SERVER, STATE_LISTEN);
    uint32_t accept = enter(&s, 0, PLACE_SERVER, "accept");
    observe(&s, 100, PLACE_CLIENT, STATE_CLOSED);
    uint32_t connect = enter(&s, 100, PLACE_CLIENT, "connect");
    carry(&s, 121, -1, PLACE_CLIENT, (struct says){.flags = TCP_SYN}, FATE_LOST);
    observe(&s, 124, PLACE_CLIENT, STATE_SYN_SENT);
    pass(&s, 1012121, 1032140, PLACE_CLIENT, (struct says){.flags = TCP_SYN});
    observe(&s, 1032143, PLACE_SERVER, STATE_SYN_RECEIVED);
    struct says answer = {.flags = TCP_SYN | TCP_ACK, .ack = 1};
    pass(&s, 1032152, 1052170, PLACE_SERVER, answer);
    carry(&s, 1032152, 1054170, PLACE_SERVER, answer, FATE_DUPLICATED);
    observe(&s, 1052173, PLACE_CLIENT, STATE_ESTABLISHED);
    pass(&s, 1052177, 1072190, PLACE_CLIENT, (struct says){TCP_ACK, 1, 1, NULL, 0});
    leave(&s, 1052210, PLACE_CLIENT, "connect", connect, 0);
    pass(&s, 1054180, 1074200, PLACE_CLIENT, (struct says){TCP_ACK, 1, 1, NULL, 0});
    observe(&s, 1072193, PLACE_SERVER, STATE_ESTABLISHED);
    leave(&s, 1072240, PLACE_SERVER, "accept", accept, 5);
    inject(&s, 1080000, PLACE_SERVER, (struct says){.flags = TCP_RST, .seq = 1});
    observe(&s, 1080003, PLACE_CLIENT, STATE_CLOSED);
    return script_finish(&s);
}

struct story *sample_one_of_three(unsigned index)
{
    int64_t us = 3000 * (int64_t)index;
    struct script s = script_open(2 + index, (uint16_t)(40002 + index), 30001);
    /* One thread accepts, so each accept begins where the one before returned. */
    observe(&s, 0, PLACE_SERVER, STATE_LISTEN);
    uint32_t accept = enter(&s, index ? 57270 + us : 0, PLACE_SERVER, "accept");
    shake(&s, 200 + us);
    leave(&s, 60350 + us, PLACE_SERVER, "accept", accept, 5 + index);
    uint32_t send = enter(&s, 60380 + us, PLACE_SERVER, "send");
    pass(&s, 60400 + us, 80420 + us, PLACE_SERVER,
         (struct says){TCP_PSH | TCP_ACK, 1, 1, hello, sizeof hello});
    leave(&s, 60430 + us, PLACE_SERVER, "send", send, 12);
    pass(&s, 80440 + us, 100460 + us, PLACE_CLIENT,
         (struct says){TCP_ACK, 1, 13, NULL, 0});
    return script_finish(&s);
}

struct story *sample_capture(void)
{
    struct script s = script_open(9, 51234, 80);
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    static const char answer[1200] = {(char)0xff, (char)0xd8, 1, 2};
    static const uint32_t asked = sizeof request - 1;
    pass(&s, 0, -1, PLACE_CLIENT, (struct says){.flags = TCP_SYN});
    pass(&s, 8120, -1, PLACE_SERVER, (struct says){.flags = TCP_SYN | TCP_ACK, .ack = 1});
    pass(&s, 8170, -1, PLACE_CLIENT, (struct says){TCP_ACK, 1, 1, NULL, 0});
    pass(&s, 8300, -1, PLACE_CLIENT,
         (struct says){TCP_PSH | TCP_ACK, 1, 1, request, asked});
    pass(&s, 16500, -1, PLACE_SERVER, (struct says){TCP_ACK, 1, 1 + asked, NULL, 0});
    pass(&s, 21800, -1, PLACE_SERVER,
         (struct says){TCP_PSH | TCP_ACK, 1, 1 + asked, answer, sizeof answer});
    pass(&s, 21850, -1, PLACE_CLIENT, (struct says){TCP_ACK, 1 + asked, 1201, NULL, 0});
    pass(&s, 22010, -1, PLACE_SERVER,
         (struct says){TCP_FIN | TCP_ACK, 1201, 1 + asked, NULL, 0});
    pass(&s, 22060, -1, PLACE_CLIENT, (struct says){TCP_ACK, 1 + asked, 1202, NULL, 0});
    pass(&s, 22190, -1, PLACE_CLIENT,
         (struct says){TCP_FIN | TCP_ACK, 1 + asked, 1202, NULL, 0});
    pass(&s, 30300, -1, PLACE_SERVER, (struct says){TCP_ACK, 1202, 2 + asked, NULL, 0});
    if (!s.broken)
        s.broken = story_infer_states(s.story) != 0;
    return script_finish(&s);
}

struct story *sample_crossing(void)
{
    struct script s = script_open(7, 40007, 30001);
    observe(&s, 0, PLACE_SERVER, STATE_LISTEN);
    uint32_t accept = enter(&s, 0, PLACE_SERVER, "accept");
    shake(&s, 100);
    leave(&s, 60240, PLACE_SERVER, "accept", accept, 5);
    uint32_t close = enter(&s, 70000, PLACE_CLIENT, "close");
    pass(&s, 70020, 90040, PLACE_CLIENT, (struct says){TCP_FIN | TCP_ACK, 1, 1, NULL, 0});
    observe(&s, 70023, PLACE_CLIENT, STATE_FIN_WAIT_1);
    leave(&s, 70060, PLACE_CLIENT, "close", close, 0);
    close = enter(&s, 74000, PLACE_SERVER, "close");
    pass(&s, 74020, 94040, PLACE_SERVER, (struct says){TCP_FIN | TCP_ACK, 1, 1, NULL, 0});
    observe(&s, 74023, PLACE_SERVER, STATE_FIN_WAIT_1);
    leave(&s, 74060, PLACE_SERVER, "close", close, 0);
    observe(&s, 90043, PLACE_SERVER, STATE_CLOSING);
    pass(&s, 90050, 110070, PLACE_SERVER, (struct says){TCP_ACK, 2, 2, NULL, 0});
    observe(&s, 94043, PLACE_CLIENT, STATE_CLOSING);
    pass(&s, 94050, 114070, PLACE_CLIENT, (struct says){TCP_ACK, 2, 2, NULL, 0});
    observe(&s, 110073, PLACE_CLIENT, STATE_TIME_WAIT);
    observe(&s, 114073, PLACE_SERVER, STATE_TIME_WAIT);
    return script_finish(&s);
}

size_t sample_named(const char *name, struct story *ret_stories[3])
{
    static const struct {
        const char *name;
        struct story *(*make)(void);
    } samples[] = {{"hello", sample_hello},
                   {"refused", sample_refused},
                   {"lost", sample_lost},
                   {"capture", sample_capture},
                   {"crossing", sample_crossing}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (!strcmp(name, samples[i].name)) {
            ret_stories[0] = samples[i].make();
            return 1;
        }
    if (strcmp(name, "three") != 0)
        return 0;
    for (unsigned i = 0; i < 3; i++)
        ret_stories[i] = sample_one_of_three(i);
    return 3;
}
