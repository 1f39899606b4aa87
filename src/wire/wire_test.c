/* The wire, on real kernels: two hosts, real sockets, each rule tried. Skips, and says
 * so, where hosts of our own cannot be had. More than 600 lines, because all of its tests
 * are made of the same two programs on the same two hosts. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "capture/decode.h"
#include "wire/diag.h"
#include "wire/wire.h"

/* On hosts of our own, which nobody shares; on a loopback the kernel chooses. */
enum { PORT = 9000, CLOSED_PORT = 9001 };

/* One conversation: the server accepts, sends five bytes, closes; the client connects,
 * reads to the end, closes. Blocking sockets, every call announced. */
struct host_program {
    struct wire *wire;
    enum place place;
    uint16_t port;
    int64_t connect_result;
    char received[16];
    pthread_barrier_t *listening;
    uint16_t *listens_at; /* the server's port, once it listens; null: go to `port` */
};

static int64_t announced(struct watch *watch, const char *name, int fd, bool may_block,
                         const struct endpoint *peer,
                         int64_t (*make)(int fd, void *argument), void *argument)
{
    struct watch_call call = {.name = name, .fd = fd, .may_block = may_block};
    if (peer)
        call.peer = *peer;
    watch_enter(watch, &call);
    int64_t result = make(fd, argument);
    call.result = result < 0 ? -errno : result;
    if (strcmp(name, "accept") == 0 && result >= 0) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        getpeername((int)result, (struct sockaddr *)&from, &length);
        const uint8_t *address = (const uint8_t *)&from.sin_addr;
        call.peer = endpoint_ipv4(address[0], address[1], address[2], address[3],
                                  ntohs(from.sin_port));
    }
    watch_leave(watch, &call);
    return call.result;
}

static struct sockaddr_in address_of(const struct endpoint *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(endpoint->port)};
    memcpy(&address.sin_addr, endpoint->address, 4);
    return address;
}

static int64_t make_accept(int fd, void *argument)
{
    (void)argument;
    return accept(fd, NULL, NULL);
}

static int64_t make_connect(int fd, void *argument)
{
    return connect(fd, argument, sizeof(struct sockaddr_in));
}

static int64_t make_send(int fd, void *argument)
{
    return send(fd, argument, strlen(argument), MSG_NOSIGNAL);
}

static int64_t make_recv(int fd, void *argument)
{
    return recv(fd, argument, 15, 0);
}

static int64_t make_close(int fd, void *argument)
{
    (void)argument;
    return close(fd);
}

static void *serve(void *owner)
{
    struct host_program *self = owner;
    struct program program;
    int one = 1;

    assert_int_equal(wire_enter_program(self->wire, PLACE_SERVER, &program, NULL), 0);
    bool hosts = wire_kind(self->wire) == WIRE_TUN || wire_kind(self->wire) == WIRE_VETH;
    struct endpoint here = wire_server(self->wire, hosts ? PORT : 0);
    struct sockaddr_in address = address_of(&here);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 5), 0);
    socklen_t length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    *self->listens_at = ntohs(address.sin_port);
    pthread_barrier_wait(self->listening);
    int fd =
        (int)announced(&program.watch, "accept", listener, true, NULL, make_accept, NULL);
    announced(&program.watch, "send", fd, false, NULL, make_send, (char[]){"hello"});
    announced(&program.watch, "close", fd, false, NULL, make_close, NULL);
    close(listener);
    wire_leave_program(&program);
    return NULL;
}

static void *visit(void *owner)
{
    struct host_program *self = owner;
    struct program program;
    int64_t length;
    size_t have = 0;

    assert_int_equal(wire_enter_program(self->wire, PLACE_CLIENT, &program, NULL), 0);
    pthread_barrier_wait(self->listening);
    struct endpoint there =
        wire_server(self->wire, self->listens_at ? *self->listens_at : self->port);
    struct sockaddr_in address = address_of(&there);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    self->connect_result =
        announced(&program.watch, "connect", fd, true, &there, make_connect, &address);
    while (self->connect_result == 0 && have < 15 &&
           (length = announced(&program.watch, "recv", fd, true, NULL, make_recv,
                               self->received + have)) > 0)
        have += (size_t)length;
    announced(&program.watch, "close", fd, false, NULL, make_close, NULL);
    wire_leave_program(&program);
    return NULL;
}

/* Runs the conversation over a wire with a rule and gives back its one story's wire. */
static struct wire *converse_over(enum wire_kind kind, struct wire_rule rule,
                                  uint16_t port, struct host_program *client)
{
    struct wire_options options = {.kind = kind, .delay_ns = NS_PER_MS, .rule = rule};
    struct wire *wire;
    struct error err = {0};
    pthread_t threads[2];
    pthread_barrier_t listening;
    bool serving = port == PORT;

    if (wire_open(&options, &wire, &err))
        fail_msg("%s", err.sentence);
    pthread_barrier_init(&listening, NULL, serving ? 2 : 1);
    uint16_t listens_at = 0;
    struct host_program server = {
        .wire = wire, .listening = &listening, .listens_at = &listens_at};
    *client = (struct host_program){.wire = wire,
                                    .port = port,
                                    .listening = &listening,
                                    .listens_at = serving ? &listens_at : NULL};
    if (serving)
        pthread_create(&threads[0], NULL, serve, &server);
    pthread_create(&threads[1], NULL, visit, client);
    if (serving)
        pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_barrier_destroy(&listening);
    assert_int_equal(wire_wait_quiet(wire, 60 * NS_PER_MS, 5 * NS_PER_S), 0);
    assert_int_equal(wire_stop(wire), 0);
    return wire;
}

static struct wire *converse(struct wire_rule rule, uint16_t port,
                             struct host_program *client)
{
    struct wire *wire = converse_over(WIRE_BEST, rule, port, client);
    if (wire_kind(wire) != WIRE_TUN && wire_kind(wire) != WIRE_VETH) {
        print_message("skipped: no hosts of our own here: %s\n",
                      wire_why_not_better(wire));
        wire_close(&wire);
        skip();
    }
    return wire;
}

static const struct event *find_state(const struct story *story, enum place place,
                                      enum tcp_state state)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_STATE && event->place == place &&
            event->state.state == state)
            return event;
    }
    return NULL;
}

static const struct event *find_return(const struct story *story, const char *name)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_CALL && event->call.returns &&
            strcmp(event->call.name, name) == 0)
            return event;
    }
    return NULL;
}

static const struct event_packet *nth_packet(const struct story *story, uint8_t flags,
                                             int nth)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_PACKET && event->packet.flags == flags && --nth == 0)
            return &event->packet;
    }
    return NULL;
}

static const struct event_packet *packet_of_fate(const struct story *story,
                                                 enum fate fate)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_PACKET && event->packet.fate == fate)
            return &event->packet;
    }
    return NULL;
}

static void assert_observed(const struct story *story, enum place place,
                            enum tcp_state state)
{
    const struct event *event = find_state(story, place, state);
    if (!event)
        fail_msg("%s was never seen in %s", place_word(place), state_word(state));
    assert_int_equal(event->state.standing, STANDING_OBSERVED);
}

static void assert_whole_life(enum wire_kind kind)
{
    struct host_program client;
    struct error err;
    if (wire_probe(kind, &err)) {
        print_message("skipped: no %s here: %s\n", wire_kind_word(kind), err.sentence);
        skip();
    }
    struct wire *wire = converse_over(kind, (struct wire_rule){0}, PORT, &client);
    assert_int_equal(wire_story_count(wire), 1);
    const struct story *story = wire_story(wire, 0);

    assert_string_equal(client.received, "hello");
    assert_int_equal(story->verdict.open, OPEN_THREE_WAY);
    /* Three segments, or four where the machine is so busy that the delayed ACK goes first. */
    assert_true(story->verdict.close == CLOSE_THREE_SEGMENT ||
                story->verdict.close == CLOSE_FOUR_SEGMENT);
    assert_int_equal(story->verdict.closed_first, SIDE_SERVER);
    assert_int_equal(story->verdict.server_bytes, 5);
    static const enum tcp_state client_states[] = {STATE_SYN_SENT, STATE_ESTABLISHED,
                                                   STATE_CLOSE_WAIT, STATE_LAST_ACK,
                                                   STATE_CLOSED};
    static const enum tcp_state server_states[] = {STATE_LISTEN, STATE_SYN_RECEIVED,
                                                   STATE_ESTABLISHED, STATE_FIN_WAIT_1,
                                                   STATE_TIME_WAIT};
    for (size_t i = 0; i < 5; i++) {
        assert_observed(story, PLACE_CLIENT, client_states[i]);
        assert_observed(story, PLACE_SERVER, server_states[i]);
    }
    /* The handshake is inside connect, and accept comes after. */
    const struct event_packet *syn_ack = nth_packet(story, TCP_SYN | TCP_ACK, 1);
    assert_true(find_return(story, "connect")->t_ns > syn_ack->received_ns);
    assert_true(find_return(story, "connect")->t_ns < find_return(story, "accept")->t_ns);
    assert_true(syn_ack->received_ns - syn_ack->sent_ns >= NS_PER_MS);
    wire_close(&wire);
}

static void tun_devices_show_the_whole_life(void **state)
{
    (void)state;
    assert_whole_life(WIRE_TUN);
}

static void veth_pairs_show_the_whole_life(void **state)
{
    (void)state;
    assert_whole_life(WIRE_VETH);
}

/* The kernel delivers, we only watch: packets and calls are there, holding is not. */
static void a_captured_loopback_shows_packets_and_calls(void **state)
{
    (void)state;
    struct host_program client;
    if (wire_probe(WIRE_CAPTURE, NULL)) {
        print_message("skipped: the loopback may not be captured here\n");
        skip();
    }
    struct wire *wire = converse_over(WIRE_CAPTURE, (struct wire_rule){0}, PORT, &client);
    const struct story *story = wire_story(wire, 0);

    assert_string_equal(client.received, "hello");
    assert_int_equal(story->verdict.open, OPEN_THREE_WAY);
    const struct event_packet *syn = nth_packet(story, TCP_SYN, 1);
    assert_true(syn->received_ns >= syn->sent_ns);
    assert_non_null(find_return(story, "connect"));
    assert_non_null(find_return(story, "accept"));
    wire_close(&wire);
}

/* Needs no right at all. */
static void calls_alone_show_calls_and_states(void **state)
{
    (void)state;
    struct host_program client;
    struct wire *wire = converse_over(WIRE_CALLS, (struct wire_rule){0}, PORT, &client);
    const struct story *story = wire_story(wire, 0);

    assert_string_equal(client.received, "hello");
    assert_int_equal(story->verdict.packets, 0);
    assert_int_equal(story->verdict.open, OPEN_NOT_SEEN);
    assert_observed(story, PLACE_CLIENT, STATE_ESTABLISHED);
    assert_non_null(find_return(story, "connect"));
    assert_non_null(find_return(story, "accept"));
    wire_close(&wire);
}

static void a_closed_port_refuses(void **state)
{
    (void)state;
    struct host_program client;
    struct wire *wire = converse((struct wire_rule){0}, CLOSED_PORT, &client);
    const struct story *story = wire_story(wire, 0);

    assert_int_equal(client.connect_result, -ECONNREFUSED);
    assert_int_equal(story->verdict.open, OPEN_REFUSED);
    assert_int_equal(story->verdict.close, CLOSE_NONE);
    assert_int_equal(find_return(story, "connect")->call.result, -ECONNREFUSED);
    wire_close(&wire);
}

static struct wire_decision drop_first_syn(void *owner, const struct wire_packet *packet)
{
    (void)owner;
    bool first = packet->segment->flags == TCP_SYN && packet->nth == 1;
    return (struct wire_decision){.act = first ? WIRE_DROP : WIRE_PASS};
}

static void a_dropped_syn_is_sent_again(void **state)
{
    (void)state;
    struct host_program client;
    struct wire *wire =
        converse((struct wire_rule){.decide = drop_first_syn}, PORT, &client);
    const struct story *story = wire_story(wire, 0);

    const struct event_packet *lost = nth_packet(story, TCP_SYN, 1);
    const struct event_packet *again = nth_packet(story, TCP_SYN, 2);
    assert_int_equal(lost->fate, FATE_LOST);
    assert_true(lost->received_ns == UNSEEN_NS);
    assert_true(again->retransmission);
    assert_int_equal(again->seq, 0);
    assert_int_equal(story->verdict.open, OPEN_THREE_WAY);
    assert_int_equal(story->verdict.anomalies[ANOMALY_SYN_RETRANSMITTED].count, 1);
    wire_close(&wire);
}

static struct wire_decision delay_syn_ack(void *owner, const struct wire_packet *packet)
{
    (void)owner;
    if (packet->segment->flags == (TCP_SYN | TCP_ACK))
        return (struct wire_decision){.act = WIRE_DELAY, .delay_ns = 100 * NS_PER_MS};
    return (struct wire_decision){.act = WIRE_PASS, .delay_ns = 0};
}

static void a_delayed_packet_arrives_late_and_says_so(void **state)
{
    (void)state;
    struct host_program client;
    struct wire *wire =
        converse((struct wire_rule){.decide = delay_syn_ack}, PORT, &client);
    const struct event_packet *packet =
        nth_packet(wire_story(wire, 0), TCP_SYN | TCP_ACK, 1);

    assert_int_equal(packet->fate, FATE_DELAYED);
    assert_true(packet->received_ns - packet->sent_ns >= 101 * NS_PER_MS);
    wire_close(&wire);
}

static struct wire_decision duplicate_data(void *owner, const struct wire_packet *packet)
{
    (void)owner;
    if (packet->from == PLACE_SERVER && packet->segment->payload_bytes)
        return (struct wire_decision){.act = WIRE_DUPLICATE, .delay_ns = 2 * NS_PER_MS};
    return (struct wire_decision){.act = WIRE_PASS, .delay_ns = 0};
}

static void a_duplicate_is_one_number_twice_and_no_byte_more(void **state)
{
    (void)state;
    struct host_program client;
    struct wire *wire =
        converse((struct wire_rule){.decide = duplicate_data}, PORT, &client);
    const struct story *story = wire_story(wire, 0);
    const struct event_packet *original = nth_packet(story, TCP_PSH | TCP_ACK, 1);
    const struct event_packet *copy = packet_of_fate(story, FATE_DUPLICATED);

    assert_non_null(copy);
    assert_int_equal(original->fate, FATE_DELIVERED);
    assert_int_equal(copy->number, original->number);
    assert_true(copy->sent_ns == UNSEEN_NS);
    assert_string_equal(client.received, "hello");
    assert_int_equal(story->verdict.server_bytes, 5);
    wire_close(&wire);
}

/* Slips the client's own SYN in once more, just before the server's data: a real
 * injection. */
struct injection {
    struct wire *wire;
    uint8_t syn[128];
    size_t length;
    bool done;
};

static struct wire_decision remember_and_inject(void *owner,
                                                const struct wire_packet *packet)
{
    struct injection *injection = owner;
    if (packet->segment->flags == TCP_SYN && packet->length <= sizeof injection->syn) {
        memcpy(injection->syn, packet->bytes, packet->length);
        injection->length = packet->length;
    }
    return (struct wire_decision){.act = WIRE_PASS, .delay_ns = 0};
}

static void inject_on_growth(void *owner, struct wire *wire)
{
    struct injection *injection = owner;
    if (injection->done || wire_story_count(wire) == 0 ||
        !find_state(wire_story(wire, 0), PLACE_SERVER, STATE_SYN_RECEIVED))
        return;
    injection->done =
        wire_inject(wire, PLACE_CLIENT, injection->syn, injection->length) == 0;
}

static void an_injected_packet_has_no_sender(void **state)
{
    (void)state;
    struct injection injection = {0};
    struct wire_options options = {
        .kind = WIRE_BEST,
        .delay_ns = NS_PER_MS,
        .rule = {.decide = remember_and_inject, .owner = &injection},
        .on_growth = inject_on_growth,
        .owner = &injection,
    };
    struct wire *wire;
    pthread_t threads[2];
    pthread_barrier_t listening;

    assert_int_equal(wire_open(&options, &wire, NULL), 0);
    if (wire_kind(wire) != WIRE_TUN && wire_kind(wire) != WIRE_VETH) {
        wire_close(&wire);
        skip();
    }
    pthread_barrier_init(&listening, NULL, 2);
    uint16_t listens_at = 0;
    struct host_program server = {
        .wire = wire, .listening = &listening, .listens_at = &listens_at};
    struct host_program client = {
        .wire = wire, .listening = &listening, .listens_at = &listens_at};
    pthread_create(&threads[0], NULL, serve, &server);
    pthread_create(&threads[1], NULL, visit, &client);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_barrier_destroy(&listening);
    wire_wait_quiet(wire, 60 * NS_PER_MS, 5 * NS_PER_S);
    assert_int_equal(wire_stop(wire), 0);

    assert_true(injection.done);
    const struct event_packet *packet =
        packet_of_fate(wire_story(wire, 0), FATE_INJECTED);
    assert_non_null(packet);
    assert_int_equal(packet->flags, TCP_SYN);
    assert_true(packet->sent_ns == UNSEEN_NS);
    assert_string_equal(client.received, "hello");
    wire_close(&wire);
}

/* --- At rest --- */

enum { HOLD = 7 };

static struct wire_decision hold_first_syn(void *owner, const struct wire_packet *packet)
{
    (void)owner;
    if (packet->segment->flags == TCP_SYN && packet->nth == 1)
        return (struct wire_decision){.act = WIRE_HOLD, .hold = HOLD};
    return (struct wire_decision){.act = WIRE_PASS};
}

struct glance {
    enum tcp_state client, server; /* as they were */
    size_t released;
};

static void glance_and_release(void *owner, struct wire *wire)
{
    struct glance *glance = owner;
    struct diag_answer answer;
    if (wire_story_count(wire) == 0)
        return; /* the client has not called yet */
    const struct story *story = wire_story(wire, 0);
    if (wire_ask(wire, PLACE_CLIENT, &story->client, &story->server, &answer) == 0)
        glance->client = answer.state;
    if (wire_ask(wire, PLACE_SERVER, &story->client, &story->server, &answer) == 0)
        glance->server = answer.state;
    assert_int_equal(wire_release(wire, HOLD + 1, 1), 0);
    glance->released = wire_release(wire, HOLD, 5);
}

static struct wire *open_hosts(struct wire_rule rule)
{
    struct wire_options options = {
        .kind = WIRE_BEST, .delay_ns = NS_PER_MS, .rule = rule};
    struct wire *wire;
    assert_int_equal(wire_open(&options, &wire, NULL), 0);
    if (wire_kind(wire) != WIRE_TUN && wire_kind(wire) != WIRE_VETH) {
        wire_close(&wire);
        skip();
    }
    return wire;
}

static void a_held_packet_waits_at_rest_until_it_is_released(void **state)
{
    (void)state;
    struct wire *wire = open_hosts((struct wire_rule){.decide = hold_first_syn});
    pthread_t threads[2];
    pthread_barrier_t listening;
    uint16_t listens_at = 0;
    pthread_barrier_init(&listening, NULL, 2);
    struct host_program server = {
        .wire = wire, .listening = &listening, .listens_at = &listens_at};
    struct host_program client = {
        .wire = wire, .listening = &listening, .listens_at = &listens_at};
    pthread_create(&threads[0], NULL, serve, &server);
    pthread_create(&threads[1], NULL, visit, &client);
    struct glance glance = {0};
    while (glance.released == 0)
        assert_int_equal(wire_at_rest(wire, glance_and_release, &glance, 5 * NS_PER_S),
                         0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    pthread_barrier_destroy(&listening);
    assert_int_equal(wire_stop(wire), 0);

    assert_int_equal(glance.client, STATE_SYN_SENT);
    assert_int_equal(glance.server, STATE_LISTEN);
    assert_int_equal(glance.released, 1);
    assert_string_equal(client.received, "hello");
    const struct event_packet *syn = nth_packet(wire_story(wire, 0), TCP_SYN, 1);
    assert_int_equal(syn->fate, FATE_DELAYED);
    wire_close(&wire);
}

static void never_called(void *owner, struct wire *wire)
{
    (void)owner, (void)wire;
    fail();
}

static void nothing_rests_once_the_wire_has_stopped(void **state)
{
    (void)state;
    struct wire *wire = open_hosts((struct wire_rule){0});
    assert_int_equal(wire_stop(wire), 0);
    assert_int_equal(wire_at_rest(wire, never_called, NULL, NS_PER_S), ERROR_ABORTED);
    wire_close(&wire);
}

static void a_setting_is_one_host_s(void **state)
{
    (void)state;
    static const char name[] = "ipv4/tcp_fin_timeout";
    static const char path[] = "/proc/sys/net/ipv4/tcp_fin_timeout";
    struct wire *wire = open_hosts((struct wire_rule){0});
    struct error err;
    struct program program;
    char text[16] = "";

    assert_int_equal(wire_set(wire, PLACE_SERVER, name, "7", &err), 0);
    for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++) {
        assert_int_equal(wire_enter_program(wire, place, &program, &err), 0);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_non_null(fgets(text, sizeof text, file));
        fclose(file);
        wire_leave_program(&program);
        if (place == PLACE_SERVER)
            assert_string_equal(text, "7\n");
        else
            assert_string_not_equal(text, "7\n");
    }
    assert_int_equal(wire_set(wire, PLACE_CLIENT, "ipv4/tcp_none", "1", &err),
                     ERROR_ABSENT);
    wire_close(&wire);
}

static void both_kinds_of_hosts_can_be_had_or_say_why(void **state)
{
    (void)state;
    for (int kind = WIRE_TUN; kind <= WIRE_CALLS; kind++) {
        struct error err = {0};
        if (wire_probe((enum wire_kind)kind, &err))
            assert_true(strlen(err.sentence) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tun_devices_show_the_whole_life),
        cmocka_unit_test(veth_pairs_show_the_whole_life),
        cmocka_unit_test(a_captured_loopback_shows_packets_and_calls),
        cmocka_unit_test(calls_alone_show_calls_and_states),
        cmocka_unit_test(a_closed_port_refuses),
        cmocka_unit_test(a_dropped_syn_is_sent_again),
        cmocka_unit_test(a_delayed_packet_arrives_late_and_says_so),
        cmocka_unit_test(a_duplicate_is_one_number_twice_and_no_byte_more),
        cmocka_unit_test(an_injected_packet_has_no_sender),
        cmocka_unit_test(a_held_packet_waits_at_rest_until_it_is_released),
        cmocka_unit_test(nothing_rests_once_the_wire_has_stopped),
        cmocka_unit_test(a_setting_is_one_host_s),
        cmocka_unit_test(both_kinds_of_hosts_can_be_had_or_say_why),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
