/* Moments in, stories out: no kernel, no clock, no socket. */
#include "wire/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/diag.h"

enum {
    CLIENT_INODE = 501,
    SERVER_INODE = 601,
    LISTENER_INODE = 600,
    SYN_ACK = TCP_SYN | TCP_ACK
};

static int make_record(void **state)
{
    static struct record record;
    *state = &record;
    return record_init(&record);
}

static int drop_record(void **state)
{
    record_done(*state);
    return 0;
}

static struct endpoint client_end(void)
{
    return endpoint_ipv4(10, 9, 0, 1, 40001);
}

static struct endpoint server_end(void)
{
    return endpoint_ipv4(10, 9, 0, 2, 30001);
}

/* --- Noting --- */

static struct segment segment_of(enum place from, uint8_t flags, uint32_t seq,
                                 uint32_t ack)
{
    bool client = from == PLACE_CLIENT;
    return (struct segment){.source = client ? client_end() : server_end(),
                            .destination = client ? server_end() : client_end(),
                            .flags = flags,
                            .seq = seq,
                            .ack = ack,
                            .window = 64240};
}

/* Notes a sending and gives the packet's number for `record_packet_received`. */
static uint64_t sends(struct record *record, int64_t t_ns, enum place from, uint8_t flags,
                      uint32_t seq, uint32_t ack)
{
    struct segment segment = segment_of(from, flags, seq, ack);
    uint64_t packet = record_next_packet(record);
    record_packet_sent(record, t_ns, from, packet, &segment);
    return packet;
}

static void answers(struct record *record, int64_t t_ns, enum place place,
                    enum tcp_state state, uint64_t inode)
{
    struct endpoint client = client_end(), server = server_end();
    record_state(record, t_ns, place, &client, &server,
                 &(struct diag_answer){.state = state, .inode = inode});
}

static uint32_t enters(struct record *record, int64_t t_ns, enum place place,
                       const char *name, uint64_t inode)
{
    struct record_call call = {
        .name = name, .call = record_next_call(record), .inode = inode};
    record_call(record, t_ns, place, &call);
    return call.call;
}

static void returns(struct record *record, int64_t t_ns, enum place place,
                    const char *name, uint32_t number, uint64_t inode, int64_t result)
{
    record_call(record, t_ns, place,
                &(struct record_call){.name = name,
                                      .call = number,
                                      .returns = true,
                                      .inode = inode,
                                      .result = result});
}

/* connect and accept name both ends as they return; accept a new socket too. */
static void returns_with_ends(struct record *record, int64_t t_ns, enum place place,
                              uint32_t number, uint64_t inode, uint64_t new_inode,
                              int64_t result, struct endpoint local)
{
    bool client = place == PLACE_CLIENT;
    record_call(record, t_ns, place,
                &(struct record_call){.name = client ? "connect" : "accept",
                                      .call = number,
                                      .returns = true,
                                      .inode = inode,
                                      .new_inode = new_inode,
                                      .result = result,
                                      .has_ends = true,
                                      .local = local,
                                      .peer = client ? server_end() : client_end()});
}

/* --- Looking --- */

static void flush(struct record *record, bool grown)
{
    bool has_grown;
    assert_int_equal(record_flush(record, &has_grown), 0);
    assert_int_equal(has_grown, grown);
}

/* One story's events, each a short text: "connect( ", ") ", "C:SYN_SENT ", "#1 ". */
static void assert_told(const struct record *record, size_t index, const char *expected)
{
    char told[512] = "";
    const struct story *story = record_story(record, index);
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        size_t length = strlen(told), room = sizeof told - length;
        char who = event->place == PLACE_CLIENT ? 'C' : 'S';
        if (event->kind == EVENT_PACKET)
            snprintf(told + length, room, "#%lu ", event->packet.number);
        else if (event->kind == EVENT_STATE)
            snprintf(told + length, room, "%c:%s ", who, state_word(event->state.state));
        else
            snprintf(told + length, room, "%c%s%s ", who, event->call.returns ? ")" : "(",
                     event->call.name);
    }
    assert_string_equal(told, expected);
}

static const struct event_packet *packet_of(const struct record *record, size_t index,
                                            size_t nth)
{
    const struct story *story = record_story(record, index);
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_PACKET && nth-- == 0)
            return &story->events[i].packet;
    fail_msg("the story has not that many packets");
    return NULL;
}

/* --- Stories --- */

static void moments_in_disorder_give_an_ordered_story(void **state)
{
    struct record *record = *state;
    uint32_t connects = record_next_call(record);
    answers(record, 30, PLACE_CLIENT, STATE_ESTABLISHED, CLIENT_INODE);
    uint64_t syn_ack = sends(record, 20, PLACE_SERVER, SYN_ACK, 300, 101);
    record_packet_received(record, 30, PLACE_SERVER, syn_ack, FATE_DELIVERED, NULL);
    uint64_t syn = sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    record_packet_received(record, 15, PLACE_CLIENT, syn, FATE_DELIVERED, NULL);
    answers(record, 15, PLACE_SERVER, STATE_SYN_RECEIVED, 0);
    returns_with_ends(record, 31, PLACE_CLIENT, connects, CLIENT_INODE, 0, 0,
                      client_end());
    record_call(record, 5, PLACE_CLIENT,
                &(struct record_call){
                    .name = "connect", .call = connects, .inode = CLIENT_INODE});
    flush(record, true);

    assert_int_equal(record_story_count(record), 1);
    assert_told(record, 0, "C(connect #1 S:SYN_RECEIVED #2 C:ESTABLISHED C)connect ");
    assert_int_equal(packet_of(record, 0, 0)->received_ns, 15);
    assert_int_equal(packet_of(record, 0, 1)->received_ns, 30);
    assert_int_equal(packet_of(record, 0, 1)->ack, 1);
}

static void nothing_new_is_no_growth(void **state)
{
    struct record *record = *state;
    flush(record, false);
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    flush(record, true);
    flush(record, false);
    assert_int_equal(record_story_count(record), 1);
}

/* The wire asks the sender before it has noted the packet, for the same moment. */
static void a_state_of_the_packets_moment_comes_behind_it(void **state)
{
    struct record *record = *state;
    answers(record, 10, PLACE_CLIENT, STATE_SYN_SENT, CLIENT_INODE);
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    flush(record, true);
    assert_int_equal(record_story_count(record), 1);
    assert_told(record, 0, "#1 C:SYN_SENT ");
}

static void only_a_state_that_changed_is_told(void **state)
{
    struct record *record = *state;
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    answers(record, 11, PLACE_SERVER, STATE_LISTEN, LISTENER_INODE);
    answers(record, 12, PLACE_SERVER, STATE_LISTEN, LISTENER_INODE);
    answers(record, 13, PLACE_SERVER, STATE_ESTABLISHED, SERVER_INODE);
    answers(record, 14, PLACE_SERVER, STATE_ESTABLISHED, SERVER_INODE);
    /* the connection is gone, the listener is still there */
    answers(record, 15, PLACE_SERVER, STATE_LISTEN, LISTENER_INODE);
    flush(record, true);
    assert_told(record, 0, "#1 S:LISTEN S:ESTABLISHED S:CLOSED ");
    assert_int_equal(record_story(record, 0)->events[1].state.standing,
                     STANDING_OBSERVED);
}

/* --- Calls --- */

static void calls_find_their_story_by_inode_before_and_after(void **state)
{
    struct record *record = *state;
    uint32_t connects = enters(record, 5, PLACE_CLIENT, "connect", CLIENT_INODE);
    uint32_t accepts = enters(record, 1, PLACE_SERVER, "accept", LISTENER_INODE);
    flush(record, true);
    assert_int_equal(record_story_count(record), 0);

    /* While connect hangs, the SYN's socket tells whose it is. */
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    answers(record, 10, PLACE_CLIENT, STATE_SYN_SENT, CLIENT_INODE);
    flush(record, true);
    assert_told(record, 0, "C(connect #1 C:SYN_SENT ");

    returns_with_ends(record, 30, PLACE_CLIENT, connects, CLIENT_INODE, 0, 0,
                      client_end());
    returns_with_ends(record, 40, PLACE_SERVER, accepts, LISTENER_INODE, SERVER_INODE, 7,
                      server_end());
    uint32_t sends_call = enters(record, 41, PLACE_SERVER, "send", SERVER_INODE);
    returns(record, 42, PLACE_SERVER, "send", sends_call, SERVER_INODE, 12);
    uint32_t receives = enters(record, 43, PLACE_CLIENT, "recv", CLIENT_INODE);
    returns(record, 44, PLACE_CLIENT, "recv", receives, CLIENT_INODE, 12);
    flush(record, true);
    assert_int_equal(record_story_count(record), 1);
    assert_told(record, 0,
                "S(accept C(connect #1 C:SYN_SENT C)connect S)accept S(send S)send "
                "C(recv C)recv ");
}

static void calls_alone_begin_a_story(void **state)
{
    struct record *record = *state;
    uint32_t connects = enters(record, 5, PLACE_CLIENT, "connect", CLIENT_INODE);
    returns_with_ends(record, 9, PLACE_CLIENT, connects, CLIENT_INODE, 0, 0,
                      client_end());
    flush(record, true);
    assert_told(record, 0, "C(connect C)connect ");
}

static void an_accept_that_failed_is_forgotten(void **state)
{
    struct record *record = *state;
    uint32_t fails = enters(record, 1, PLACE_SERVER, "accept", LISTENER_INODE);
    returns(record, 2, PLACE_SERVER, "accept", fails, LISTENER_INODE, -EAGAIN);
    uint32_t accepts = enters(record, 3, PLACE_SERVER, "accept", LISTENER_INODE);
    returns_with_ends(record, 9, PLACE_SERVER, accepts, LISTENER_INODE, SERVER_INODE, 7,
                      server_end());
    flush(record, true);
    assert_int_equal(record_story_count(record), 1);
    assert_told(record, 0, "S(accept S)accept ");
}

/* A refused socket may be connected again: each connect goes with its own SYN. */
static void one_socket_may_make_two_connections(void **state)
{
    struct record *record = *state;
    struct endpoint again = client_end();
    again.port++;
    uint32_t first = enters(record, 1, PLACE_CLIENT, "connect", CLIENT_INODE);
    sends(record, 2, PLACE_CLIENT, TCP_SYN, 100, 0);
    answers(record, 2, PLACE_CLIENT, STATE_SYN_SENT, CLIENT_INODE);
    returns_with_ends(record, 9, PLACE_CLIENT, first, CLIENT_INODE, 0, -ECONNREFUSED,
                      endpoint_ipv4(0, 0, 0, 0, 40001));
    uint32_t second = enters(record, 11, PLACE_CLIENT, "connect", CLIENT_INODE);
    struct segment syn = segment_of(PLACE_CLIENT, TCP_SYN, 900, 0);
    syn.source = again;
    record_packet_sent(record, 12, PLACE_CLIENT, record_next_packet(record), &syn);
    struct endpoint server = server_end();
    record_state(record, 12, PLACE_CLIENT, &again, &server,
                 &(struct diag_answer){.state = STATE_SYN_SENT, .inode = CLIENT_INODE});
    returns_with_ends(record, 19, PLACE_CLIENT, second, CLIENT_INODE, 0, 0, again);
    flush(record, true);
    assert_int_equal(record_story_count(record), 2);
    assert_told(record, 0, "C(connect #1 C:SYN_SENT C)connect ");
    assert_told(record, 1, "C(connect #2 C:SYN_SENT C)connect ");
}

/* No packet, no port: all there is of such a connection is its failing. */
static void connects_that_failed_unseen_are_stories_of_their_own(void **state)
{
    struct record *record = *state;
    for (int i = 0; i < 2; i++) {
        uint32_t fails = enters(record, 10 * i, PLACE_CLIENT, "connect", CLIENT_INODE);
        returns_with_ends(record, 10 * i + 1, PLACE_CLIENT, fails, CLIENT_INODE, 0,
                          -ENETUNREACH, (struct endpoint){.family = 4});
    }
    flush(record, true);
    assert_int_equal(record_story_count(record), 2);
    assert_told(record, 1, "C(connect C)connect ");
}

/* --- A four-tuple used again --- */

static void a_four_tuple_used_again_begins_a_new_story(void **state)
{
    struct record *record = *state;
    enum { NEXT_INODE = 502 };
    sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    answers(record, 1, PLACE_CLIENT, STATE_SYN_SENT, CLIENT_INODE);
    sends(record, 2, PLACE_SERVER, TCP_RST | TCP_ACK, 0, 101);
    answers(record, 3, PLACE_CLIENT, STATE_CLOSED, 0);
    uint32_t connects = enters(record, 9, PLACE_CLIENT, "connect", NEXT_INODE);
    answers(record, 10, PLACE_CLIENT, STATE_SYN_SENT, NEXT_INODE);
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 700, 0);
    sends(record, 11, PLACE_SERVER, SYN_ACK, 900, 701);
    returns_with_ends(record, 12, PLACE_CLIENT, connects, NEXT_INODE, 0, 0, client_end());
    flush(record, true);
    assert_int_equal(record_story_count(record), 2);
    assert_told(record, 0, "#1 C:SYN_SENT #2 C:CLOSED ");
    assert_told(record, 1, "C(connect #3 C:SYN_SENT #4 C)connect ");
    assert_int_equal(packet_of(record, 1, 1)->ack, 1);
    assert_int_equal(record_story(record, 1)->id, 2);
}

static void the_same_syn_again_is_the_same_story(void **state)
{
    struct record *record = *state;
    sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    sends(record, 2, PLACE_CLIENT, TCP_RST, 7000, 0);
    sends(record, 3, PLACE_CLIENT, TCP_SYN, 100, 0);
    flush(record, true);
    assert_int_equal(record_story_count(record), 1);
    assert_true(packet_of(record, 0, 2)->retransmission);
}

/* --- What became of packets --- */

/* A server forgot an old SYN's connection, and answers the real one. */
static void a_second_syn_ack_s_number_is_k(void **state)
{
    struct record *record = *state;
    sends(record, 1, PLACE_CLIENT, TCP_SYN, 1000, 0);
    sends(record, 2, PLACE_SERVER, SYN_ACK, 300, 1);
    sends(record, 3, PLACE_CLIENT, TCP_RST, 1, 0);
    sends(record, 4, PLACE_SERVER, SYN_ACK, 900, 1001);
    sends(record, 5, PLACE_CLIENT, TCP_ACK, 1001, 901);
    flush(record, true);
    assert_int_equal(packet_of(record, 0, 1)->seq, (uint32_t)-600);
    assert_int_equal(packet_of(record, 0, 3)->seq, 0);
    assert_int_equal(packet_of(record, 0, 4)->ack, 1);
    assert_false(packet_of(record, 0, 4)->acks_unseen);
}

/* Slipped in behind the end of its connection it is nobody's. */
static void an_old_syn_slipped_in_behind_the_end_begins_a_new_story(void **state)
{
    struct record *record = *state;
    struct segment syn = segment_of(PLACE_CLIENT, TCP_SYN, 100, 0);
    sends(record, 10, PLACE_CLIENT, TCP_SYN, 100, 0);
    sends(record, 20, PLACE_CLIENT, TCP_RST, 101, 0);
    record_packet_received(record, 30, PLACE_CLIENT, record_next_packet(record),
                           FATE_INJECTED, &syn);
    flush(record, true);
    assert_int_equal(record_story_count(record), 2);
}

static void a_lost_packet_never_arrives(void **state)
{
    struct record *record = *state;
    uint64_t syn = sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    record_packet_lost(record, 1, syn);
    flush(record, true);
    assert_int_equal(packet_of(record, 0, 0)->fate, FATE_LOST);
    assert_true(packet_of(record, 0, 0)->received_ns == UNSEEN_NS);
}

/* Taken back: it was noted as arriving, and the device refused it. */
static void a_packet_refused_on_arrival_is_lost(void **state)
{
    struct record *record = *state;
    uint64_t syn = sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    record_packet_received(record, 5, PLACE_CLIENT, syn, FATE_DELIVERED, NULL);
    record_packet_lost(record, 5, syn);
    flush(record, true);
    assert_int_equal(packet_of(record, 0, 0)->fate, FATE_LOST);
    assert_true(packet_of(record, 0, 0)->received_ns == UNSEEN_NS);
}

static void a_delayed_packet_arrives_in_a_later_flush(void **state)
{
    struct record *record = *state;
    uint64_t syn = sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    flush(record, true);
    assert_true(packet_of(record, 0, 0)->received_ns == UNSEEN_NS);
    record_packet_received(record, 50, PLACE_CLIENT, syn, FATE_DELAYED, NULL);
    flush(record, true);
    assert_int_equal(packet_of(record, 0, 0)->fate, FATE_DELAYED);
    assert_int_equal(packet_of(record, 0, 0)->received_ns, 50);
}

static void a_duplicate_has_its_originals_number_and_story(void **state)
{
    struct record *record = *state;
    struct segment segment = segment_of(PLACE_CLIENT, TCP_SYN, 100, 0);
    uint64_t syn = sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    record_packet_received(record, 5, PLACE_CLIENT, syn, FATE_DELIVERED, NULL);
    sends(record, 6, PLACE_SERVER, TCP_RST | TCP_ACK, 0, 101);
    /* The four-tuple is used again before the copy arrives. */
    sends(record, 7, PLACE_CLIENT, TCP_SYN, 700, 0);
    record_packet_received(record, 9, PLACE_CLIENT, syn, FATE_DUPLICATED, &segment);
    flush(record, true);
    assert_told(record, 0, "#1 #2 #1 ");
    assert_told(record, 1, "#3 ");
    const struct event_packet *copy = packet_of(record, 0, 2);
    assert_int_equal(copy->fate, FATE_DUPLICATED);
    assert_true(copy->sent_ns == UNSEEN_NS);
    assert_int_equal(copy->received_ns, 9);
    assert_false(copy->retransmission);
    assert_int_equal(packet_of(record, 0, 0)->received_ns, 5);
    assert_int_equal(packet_of(record, 0, 0)->fate, FATE_DELIVERED);
}

static void an_injected_packet_has_a_number_and_no_sending(void **state)
{
    struct record *record = *state;
    struct segment segment = segment_of(PLACE_SERVER, TCP_RST, 301, 0);
    sends(record, 1, PLACE_CLIENT, TCP_SYN, 100, 0);
    uint64_t reset = record_next_packet(record);
    record_packet_received(record, 5, PLACE_SERVER, reset, FATE_INJECTED, &segment);
    flush(record, true);
    const struct event_packet *packet = packet_of(record, 0, 1);
    assert_int_equal(packet->number, 2);
    assert_int_equal(packet->fate, FATE_INJECTED);
    assert_true(packet->sent_ns == UNSEEN_NS && packet->received_ns == 5);
}

static void news_of_a_packet_nobody_noted_is_passed_over(void **state)
{
    struct record *record = *state;
    uint64_t never = record_next_packet(record);
    record_packet_received(record, 5, PLACE_CLIENT, never, FATE_DELIVERED, NULL);
    record_packet_lost(record, 6, never + 1000);
    flush(record, true);
    assert_int_equal(record_story_count(record), 0);
    sends(record, 7, PLACE_CLIENT, TCP_SYN, 100, 0);
    record_packet_lost(record, 8, never);
    flush(record, true);
    assert_int_equal(packet_of(record, 0, 0)->fate, FATE_DELIVERED);
}

static void a_payload_is_copied_when_it_is_noted(void **state)
{
    struct record *record = *state;
    char bytes[] = "GET / HTTP/1.1";
    struct segment segment = segment_of(PLACE_CLIENT, TCP_ACK, 101, 301);
    segment.payload = (const uint8_t *)bytes;
    segment.payload_bytes = segment.payload_captured = sizeof bytes - 1;
    record_packet_sent(record, 1, PLACE_CLIENT, record_next_packet(record), &segment);
    memset(bytes, 'x', sizeof bytes);
    flush(record, true);
    assert_string_equal(packet_of(record, 0, 0)->text, "GET / HTTP/1.1");
    assert_int_equal(packet_of(record, 0, 0)->bytes, 14);
}

/* --- Threads --- */

enum { THREADS = 4, EACH = 500 };

static void *note_much(void *owner)
{
    struct record *record = owner;
    for (int i = 0; i < EACH; i++) {
        uint32_t call = enters(record, 2 * i, PLACE_CLIENT, "recv", CLIENT_INODE);
        returns(record, 2 * i + 1, PLACE_CLIENT, "recv", call, CLIENT_INODE, i);
        sends(record, i, PLACE_CLIENT, TCP_ACK, 100 + (uint32_t)i, 1);
    }
    return NULL;
}

static void every_thread_may_note_while_one_flushes(void **state)
{
    struct record *record = *state;
    pthread_t threads[THREADS];
    bool grown;
    answers(record, 0, PLACE_CLIENT, STATE_ESTABLISHED, CLIENT_INODE);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_much, record), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(record_flush(record, &grown), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(record_flush(record, &grown), 0);

    const struct story *story = record_story(record, 0);
    assert_int_equal(story->event_count, 1 + THREADS * EACH * 3);
    for (size_t i = 1; i < story->event_count; i++)
        assert_true(story->events[i - 1].t_ns <= story->events[i].t_ns);
}

#define recorded(test) cmocka_unit_test_setup_teardown(test, make_record, drop_record)

int main(void)
{
    const struct CMUnitTest tests[] = {
        recorded(moments_in_disorder_give_an_ordered_story),
        recorded(nothing_new_is_no_growth),
        recorded(a_state_of_the_packets_moment_comes_behind_it),
        recorded(only_a_state_that_changed_is_told),
        recorded(calls_find_their_story_by_inode_before_and_after),
        recorded(calls_alone_begin_a_story),
        recorded(an_accept_that_failed_is_forgotten),
        recorded(one_socket_may_make_two_connections),
        recorded(connects_that_failed_unseen_are_stories_of_their_own),
        recorded(a_four_tuple_used_again_begins_a_new_story),
        recorded(the_same_syn_again_is_the_same_story),
        recorded(a_second_syn_ack_s_number_is_k),
        recorded(an_old_syn_slipped_in_behind_the_end_begins_a_new_story),
        recorded(a_lost_packet_never_arrives),
        recorded(a_packet_refused_on_arrival_is_lost),
        recorded(a_delayed_packet_arrives_in_a_later_flush),
        recorded(a_duplicate_has_its_originals_number_and_story),
        recorded(an_injected_packet_has_a_number_and_no_sending),
        recorded(news_of_a_packet_nobody_noted_is_passed_over),
        recorded(a_payload_is_copied_when_it_is_noted),
        recorded(every_thread_may_note_while_one_flushes),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
