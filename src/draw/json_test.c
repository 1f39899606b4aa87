/* A story as JSON, parsed back: the fields and their order as design has them; and jansson
 * would have written every line as it is. */
#include "draw/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/sample.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

/* Writes the story as one line, and parses it back. */
static json_t *parsed(struct story *story, bool events)
{
    struct buffer text;
    buffer_init(&text, 0);
    json_story(story, events, &english, &text);
    assert_int_equal(text.failed, 0);
    assert_ptr_equal(strchr(buffer_text(&text), '\n'),
                     buffer_text(&text) + text.length - 1);
    json_t *object = json_loads(buffer_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    char *again = json_dumps(object, JSON_COMPACT);
    text.bytes[text.length - 1] = '\0';
    assert_string_equal(buffer_text(&text), again);
    free(again);
    buffer_done(&text);
    story_free(&story);
    return object;
}

static void expect_keys(json_t *object, const char *expected)
{
    char keys[512] = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        strcat(keys, key);
        strcat(keys, " ");
    }
    assert_string_equal(keys, expected);
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "(no text)";
}

static json_int_t number_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* The `nth` event (from 0) whose field `key` is `value`. */
static json_t *event_with(json_t *story, const char *key, const char *value, size_t nth)
{
    size_t index;
    json_t *event;
    json_array_foreach(json_object_get(story, "events"), index, event)
    {
        if (!strcmp(text_of(event, key), value) && nth-- == 0)
            return event;
    }
    fail_msg("no such event: %s %s", key, value);
    return NULL;
}

static void the_line_has_its_fields_in_order(void **state)
{
    (void)state;
    json_t *story = parsed(sample_hello(), false);
    expect_keys(story, "id client server start_ns end_ns handshake_ns open close "
                       "closed_first reset_by client_state server_state standing "
                       "client_bytes server_bytes packets anomalies zeek wireshark "
                       "evidence why next ");
    expect_keys(json_object_get(story, "zeek"), "conn_state history ");
    expect_keys(json_object_get(story, "wireshark"), "completeness ");
    json_decref(story);
}

static void the_conversation_is_told(void **state)
{
    (void)state;
    json_t *story = parsed(sample_hello(), false);
    assert_int_equal(number_of(story, "id"), 1);
    assert_string_equal(text_of(story, "client"), "10.9.0.1:40001");
    assert_string_equal(text_of(story, "server"), "10.9.0.2:30001");
    assert_int_equal(number_of(story, "start_ns"), 0);
    assert_int_equal(number_of(story, "end_ns"), 2190413000);
    assert_int_equal(number_of(story, "handshake_ns"), 40055000);
    assert_string_equal(text_of(story, "open"), "three-way");
    assert_string_equal(text_of(story, "close"), "three-segment");
    assert_string_equal(text_of(story, "closed_first"), "server");
    assert_true(json_is_null(json_object_get(story, "reset_by")));
    assert_string_equal(text_of(story, "client_state"), "CLOSED");
    assert_string_equal(text_of(story, "server_state"), "TIME_WAIT");
    assert_string_equal(text_of(story, "standing"), "observed");
    assert_int_equal(number_of(story, "client_bytes"), 10);
    assert_int_equal(number_of(story, "server_bytes"), 12);
    assert_int_equal(json_array_size(json_object_get(story, "anomalies")), 0);
    assert_string_not_equal(text_of(story, "why"), "(no text)");
    assert_true(json_is_null(json_object_get(story, "next")));
    json_decref(story);
}

static void what_was_not_seen_is_null(void **state)
{
    (void)state;
    json_t *story = parsed(sample_refused(), false);
    assert_true(json_is_null(json_object_get(story, "handshake_ns")));
    assert_true(json_is_null(json_object_get(story, "closed_first")));
    assert_non_null(strstr(text_of(story, "next"), "Check on the server"));
    json_decref(story);
}

static void anomalies_name_their_packets(void **state)
{
    (void)state;
    json_t *story = parsed(sample_lost(), false);
    json_t *anomaly = json_array_get(json_object_get(story, "anomalies"), 0);
    expect_keys(anomaly, "what packets ");
    assert_string_equal(text_of(anomaly, "what"), "syn-retransmitted");
    json_t *packets = json_object_get(anomaly, "packets");
    assert_true(json_array_size(packets) > 0);
    assert_int_equal(
        json_integer_value(json_array_get(packets, json_array_size(packets) - 1)), 2);
    json_decref(story);
}

static void events_come_in_the_order_of_time(void **state)
{
    (void)state;
    struct story *made = sample_hello();
    size_t count = made->event_count, index;
    json_t *story = parsed(made, true), *event;
    json_int_t last_ns = INT64_MIN;
    assert_int_equal(json_array_size(json_object_get(story, "events")), count);
    json_array_foreach(json_object_get(story, "events"), index, event)
    {
        assert_true(number_of(event, "t_ns") >= last_ns);
        last_ns = number_of(event, "t_ns");
    }
    json_decref(story);
}

static void calls_have_results_when_they_return(void **state)
{
    (void)state;
    json_t *story = parsed(sample_refused(), true);
    json_t *enters = event_with(story, "phase", "enter", 0);
    expect_keys(enters, "t_ns what place name phase ");
    json_t *returns = event_with(story, "phase", "return", 0);
    expect_keys(returns, "t_ns what place name phase result ");
    assert_string_equal(text_of(returns, "name"), "connect");
    assert_string_equal(text_of(returns, "place"), "client");
    assert_string_equal(text_of(returns, "result"), "ECONNREFUSED");
    json_decref(story);

    story = parsed(sample_hello(), true);
    assert_string_equal(text_of(event_with(story, "phase", "return", 0), "result"), "0");
    assert_string_equal(text_of(event_with(story, "phase", "return", 1), "result"), "5");
    json_decref(story);
}

static void packets_have_relative_numbers(void **state)
{
    (void)state;
    json_t *story = parsed(sample_hello(), true);
    json_t *syn = event_with(story, "what", "packet", 0);
    expect_keys(syn,
                "t_ns what number from flags seq ack bytes sent_ns received_ns fate ");
    assert_string_equal(text_of(syn, "flags"), "SYN");
    assert_string_equal(text_of(syn, "from"), "client");
    assert_int_equal(number_of(syn, "number"), 1);
    assert_int_equal(number_of(syn, "seq"), 0);
    assert_true(json_is_null(json_object_get(syn, "ack")));
    assert_int_equal(number_of(syn, "sent_ns"), 10021000);
    assert_int_equal(number_of(syn, "received_ns"), 30037000);
    json_t *syn_ack = event_with(story, "what", "packet", 1);
    assert_string_equal(text_of(syn_ack, "flags"), "SYN ACK");
    assert_int_equal(number_of(syn_ack, "seq"), 0);
    assert_int_equal(number_of(syn_ack, "ack"), 1);
    assert_int_equal(number_of(event_with(story, "what", "packet", 3), "bytes"), 12);
    json_decref(story);
}

static void fates_are_told_apart(void **state)
{
    (void)state;
    json_t *story = parsed(sample_lost(), true);
    json_t *lost = event_with(story, "fate", "lost", 0);
    assert_true(json_is_null(json_object_get(lost, "received_ns")));
    json_t *injected = event_with(story, "fate", "injected", 0);
    assert_true(json_is_null(json_object_get(injected, "sent_ns")));
    event_with(story, "fate", "duplicated", 0);
    event_with(story, "fate", "delivered", 0);
    json_decref(story);
}

static void states_have_their_standing(void **state)
{
    (void)state;
    json_t *story = parsed(sample_hello(), true);
    json_t *received = event_with(story, "state", "SYN_RECEIVED", 0);
    expect_keys(received, "t_ns what place state standing ");
    assert_string_equal(text_of(received, "place"), "server");
    assert_string_equal(text_of(received, "standing"), "observed");
    json_decref(story);
    story = parsed(sample_capture(), true);
    assert_string_equal(
        text_of(event_with(story, "state", "SYN_RECEIVED", 0), "standing"), "inferred");
    json_decref(story);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct story *story = sample_hello();
    char room[100];
    struct buffer text;
    buffer_init_fixed(&text, room, sizeof room);
    json_story(story, true, &english, &text);
    assert_int_equal(text.failed, ERROR_LIMIT);
    story_free(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_has_its_fields_in_order),
        cmocka_unit_test(the_conversation_is_told),
        cmocka_unit_test(what_was_not_seen_is_null),
        cmocka_unit_test(anomalies_name_their_packets),
        cmocka_unit_test(events_come_in_the_order_of_time),
        cmocka_unit_test(calls_have_results_when_they_return),
        cmocka_unit_test(packets_have_relative_numbers),
        cmocka_unit_test(fates_are_told_apart),
        cmocka_unit_test(states_have_their_standing),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
