#include "draw/json.h"

#include "base/buffer.h"
#include "base/decimal.h"
#include "base/error.h"
#include "draw/advice.h"
#include "draw/json_writer.h"
#include "draw/why.h"
#include "draw/words.h"
#include "tcp/story.h"

/* --- members: a key and its value --- */

static void put_integer(struct json_writer *json, const char *key, int64_t value)
{
    json_put_key(json, key);
    json_put_integer(json, value);
}

static void put_time(struct json_writer *json, const char *key, int64_t t_ns)
{
    json_put_key(json, key);
    if (t_ns == UNSEEN_NS)
        json_put_null(json);
    else
        json_put_integer(json, t_ns);
}

static void put_text(struct json_writer *json, const char *key, const char *text)
{
    json_put_key(json, key);
    json_put_text(json, text);
}

static void put_endpoint(struct json_writer *json, const char *key,
                         const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT];
    put_text(json, key, endpoint_format(endpoint, text));
}

static void put_packets(struct json_writer *json, const char *key,
                        const struct evidence *evidence)
{
    json_put_key(json, key);
    json_put_begin(json, '[');
    for (uint32_t i = 0; i < evidence->kept; i++)
        json_put_integer(json, (int64_t)evidence->packets[i]);
    json_put_end(json, ']');
}

static void put_anomalies(struct json_writer *json, const struct verdict *verdict)
{
    json_put_key(json, "anomalies");
    json_put_begin(json, '[');
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++) {
        if (verdict->anomalies[kind].count == 0)
            continue;
        json_put_begin(json, '{');
        put_text(json, "what", anomaly_word((enum anomaly_kind)kind));
        put_packets(json, "packets", &verdict->anomalies[kind]);
        json_put_end(json, '}');
    }
    json_put_end(json, ']');
}

static void put_compared(struct json_writer *json, const struct verdict *verdict)
{
    json_put_key(json, "zeek");
    json_put_begin(json, '{');
    put_text(json, "conn_state", verdict->zeek_state);
    put_text(json, "history", verdict->zeek_history);
    json_put_end(json, '}');
    json_put_key(json, "wireshark");
    json_put_begin(json, '{');
    put_integer(json, "completeness", verdict->completeness);
    json_put_end(json, '}');
}

/* --- events --- */

static void put_call(struct json_writer *json, const struct event *event)
{
    const struct event_call *call = &event->call;
    char digits[DECIMAL_TEXT + 1];

    put_text(json, "what", "call");
    put_text(json, "place", place_word(event->place));
    put_text(json, "name", call->name);
    put_text(json, "phase", call->returns ? "return" : "enter");
    if (!call->returns)
        return;
    /* "0", "12", "ECONNREFUSED": what the manual pages print. */
    if (call->result < 0) {
        put_text(json, "result", error_errno_name((int)-call->result));
        return;
    }
    digits[decimal_put(digits, (uint64_t)call->result)] = '\0';
    put_text(json, "result", digits);
}

static void put_packet(struct json_writer *json, const struct event *event)
{
    const struct event_packet *packet = &event->packet;
    char flags[FLAGS_TEXT];

    put_text(json, "what", "packet");
    put_integer(json, "number", (int64_t)packet->number);
    put_text(json, "from", place_word(packet->from));
    put_text(json, "flags", flags_words(packet->flags, flags));
    put_integer(json, "seq", packet->seq);
    json_put_key(json, "ack");
    if (packet->has_ack)
        json_put_integer(json, packet->ack);
    else
        json_put_null(json);
    put_integer(json, "bytes", packet->bytes);
    put_time(json, "sent_ns", packet->sent_ns);
    put_time(json, "received_ns", packet->received_ns);
    put_text(json, "fate", fate_word(packet->fate));
}

static void put_state(struct json_writer *json, const struct event *event)
{
    put_text(json, "what", "state");
    put_text(json, "place", place_word(event->place));
    put_text(json, "state", state_word(event->state.state));
    put_text(json, "standing", standing_word(event->state.standing));
}

static void put_run(struct json_writer *json, const struct event *event)
{
    const struct event_run *run = &event->run;

    put_text(json, "what", "run");
    put_integer(json, "first", (int64_t)run->first);
    put_integer(json, "last", (int64_t)run->last);
    put_integer(json, "last_ns", run->last_ns);
    put_integer(json, "client_packets", run->packets[PLACE_CLIENT]);
    put_integer(json, "client_bytes", (int64_t)run->bytes[PLACE_CLIENT]);
    put_integer(json, "server_packets", run->packets[PLACE_SERVER]);
    put_integer(json, "server_bytes", (int64_t)run->bytes[PLACE_SERVER]);
}

static void put_events(struct json_writer *json, const struct story *story)
{
    static void (*const put[])(struct json_writer *,
                               const struct event *) = {[EVENT_CALL] = put_call,
                                                        [EVENT_PACKET] = put_packet,
                                                        [EVENT_STATE] = put_state,
                                                        [EVENT_RUN] = put_run};

    json_put_key(json, "events");
    json_put_begin(json, '[');
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        json_put_begin(json, '{');
        put_integer(json, "t_ns", event->t_ns);
        put[event->kind](json, event);
        json_put_end(json, '}');
    }
    json_put_end(json, ']');
}

/* --- the line --- */

static void put_outcome(struct json_writer *json, const struct story *story)
{
    const struct verdict *verdict = &story->verdict;

    put_integer(json, "id", story->id);
    put_endpoint(json, "client", &story->client);
    put_endpoint(json, "server", &story->server);
    put_integer(json, "start_ns", verdict->start_ns);
    put_integer(json, "end_ns", verdict->end_ns);
    put_time(json, "handshake_ns", verdict->handshake_ns);
    put_text(json, "open", open_word(verdict->open));
    put_text(json, "close", close_word(verdict->close));
    put_text(json, "closed_first", side_word(verdict->closed_first));
    put_text(json, "reset_by", side_word(verdict->reset_by));
    put_text(json, "client_state", state_word(verdict->client_state));
    put_text(json, "server_state", state_word(verdict->server_state));
    put_text(json, "standing", standing_word(verdict->standing));
    put_integer(json, "client_bytes", (int64_t)verdict->client_bytes);
    put_integer(json, "server_bytes", (int64_t)verdict->server_bytes);
    put_integer(json, "packets", verdict->packets);
    put_anomalies(json, verdict);
    put_compared(json, verdict);
    put_packets(json, "evidence", &verdict->evidence);
}

static void put_sentences(struct json_writer *json, const struct story *story,
                          const struct words *words)
{
    const char *advice = advice_text(advice_of(story));

    json_put_key(json, "why");
    size_t begin = json_put_text_begin(json);
    why_story(story, words, json->buffer);
    json_put_text_end(json, begin);
    put_text(json, "next", advice ? words->say(advice) : NULL);
}

void json_story(const struct story *story, bool events, const struct words *words,
                struct buffer *buffer)
{
    struct json_writer json = {.buffer = buffer};

    json_put_begin(&json, '{');
    put_outcome(&json, story);
    put_sentences(&json, story, words);
    if (events)
        put_events(&json, story);
    json_put_end(&json, '}');
    buffer_append_char(buffer, '\n');
}
