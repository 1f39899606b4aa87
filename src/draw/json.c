#include "draw/json.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/advice.h"
#include "draw/why.h"
#include "draw/words.h"
#include "tcp/story.h"

/* json_pack gives null when any part is null, so that memory running out anywhere ends in
 * one null at the top. */

static json_t *null_or_time(int64_t t_ns)
{
    return t_ns == UNSEEN_NS ? json_null() : json_integer(t_ns);
}

static json_t *packets_json(const struct evidence *evidence)
{
    json_t *packets = json_array();
    for (uint32_t i = 0; i < evidence->kept; i++)
        if (json_array_append_new(packets,
                                  json_integer((json_int_t)evidence->packets[i])))
            goto failed;
    return packets;

failed:
    json_decref(packets);
    return NULL;
}

static json_t *anomalies_json(const struct verdict *verdict)
{
    json_t *anomalies = json_array();
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0 &&
            json_array_append_new(
                anomalies, json_pack("{s:s, s:o}", "what", anomaly_word(kind), "packets",
                                     packets_json(&verdict->anomalies[kind]))))
            goto failed;
    return anomalies;

failed:
    json_decref(anomalies);
    return NULL;
}

static json_t *why_json(const struct story *story, const struct words *words)
{
    struct buffer why;
    buffer_init(&why, 0);
    why_story(story, words, &why);
    json_t *text = why.failed ? NULL : json_string(buffer_text(&why));
    buffer_done(&why);
    return text;
}

static json_t *next_json(const struct story *story, const struct words *words)
{
    const char *text = advice_text(advice_of(story));
    return text ? json_string(words->say(text)) : json_null();
}

/* --- events --- */

static json_t *call_json(const struct event *event)
{
    const struct event_call *call = &event->call;
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:s, s:s}", "t_ns", (json_int_t)event->t_ns, "what",
                  "call", "place", place_word(event->place), "name", call->name, "phase",
                  call->returns ? "return" : "enter");
    if (!object || !call->returns)
        return object;
    /* "0", "12", "ECONNREFUSED": what the manual pages print. */
    json_t *result = call->result < 0 ? json_string(error_errno_name((int)-call->result))
                                      : json_sprintf("%" PRId64, call->result);
    if (json_object_set_new(object, "result", result)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *packet_json(const struct event *event)
{
    const struct event_packet *packet = &event->packet;
    char flags[FLAGS_TEXT];
    return json_pack("{s:I, s:s, s:I, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:s}", "t_ns",
                     (json_int_t)event->t_ns, "what", "packet", "number",
                     (json_int_t)packet->number, "from", place_word(packet->from),
                     "flags", flags_words(packet->flags, flags), "seq",
                     (json_int_t)packet->seq, "ack",
                     packet->has_ack ? json_integer(packet->ack) : json_null(), "bytes",
                     (json_int_t)packet->bytes, "sent_ns", null_or_time(packet->sent_ns),
                     "received_ns", null_or_time(packet->received_ns), "fate",
                     fate_word(packet->fate));
}

static json_t *state_json(const struct event *event)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s}", "t_ns", (json_int_t)event->t_ns, "what",
                     "state", "place", place_word(event->place), "state",
                     state_word(event->state.state), "standing",
                     standing_word(event->state.standing));
}

static json_t *run_json(const struct event *event)
{
    const struct event_run *run = &event->run;
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "t_ns",
                     (json_int_t)event->t_ns, "what", "run", "first",
                     (json_int_t)run->first, "last", (json_int_t)run->last, "last_ns",
                     (json_int_t)run->last_ns, "client_packets",
                     (json_int_t)run->packets[PLACE_CLIENT], "client_bytes",
                     (json_int_t)run->bytes[PLACE_CLIENT], "server_packets",
                     (json_int_t)run->packets[PLACE_SERVER], "server_bytes",
                     (json_int_t)run->bytes[PLACE_SERVER]);
}

static json_t *events_json(const struct story *story)
{
    static json_t *(*const write[])(const struct event *) = {[EVENT_CALL] = call_json,
                                                             [EVENT_PACKET] = packet_json,
                                                             [EVENT_STATE] = state_json,
                                                             [EVENT_RUN] = run_json};
    json_t *events = json_array();
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (json_array_append_new(events, write[event->kind](event)))
            goto failed;
    }
    return events;

failed:
    json_decref(events);
    return NULL;
}

/* --- the line --- */

static json_t *outcome_json(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
    return json_pack(
        "{s:I, s:s, s:s, s:I, s:I, s:o, s:s, s:s, s:s?, s:s?, s:s, s:s, s:s, s:I, "
        "s:I, s:I, s:o, s:{s:s, s:s}, s:{s:I}, s:o}",
        "id", (json_int_t)story->id, "client", endpoint_format(&story->client, client),
        "server", endpoint_format(&story->server, server), "start_ns",
        (json_int_t)verdict->start_ns, "end_ns", (json_int_t)verdict->end_ns,
        "handshake_ns", null_or_time(verdict->handshake_ns), "open",
        open_word(verdict->open), "close", close_word(verdict->close), "closed_first",
        side_word(verdict->closed_first), "reset_by", side_word(verdict->reset_by),
        "client_state", state_word(verdict->client_state), "server_state",
        state_word(verdict->server_state), "standing", standing_word(verdict->standing),
        "client_bytes", (json_int_t)verdict->client_bytes, "server_bytes",
        (json_int_t)verdict->server_bytes, "packets", (json_int_t)verdict->packets,
        "anomalies", anomalies_json(verdict), "zeek", "conn_state", verdict->zeek_state,
        "history", verdict->zeek_history, "wireshark", "completeness",
        (json_int_t)verdict->completeness, "evidence", packets_json(&verdict->evidence));
}

static int append_chunk(const char *bytes, size_t length, void *buffer)
{
    return buffer_append(buffer, bytes, length) ? -1 : 0;
}

void json_story(const struct story *story, bool events, const struct words *words,
                struct buffer *buffer)
{
    json_t *object = outcome_json(story);
    bool failed = json_object_set_new(object, "why", why_json(story, words)) != 0 ||
                  json_object_set_new(object, "next", next_json(story, words)) != 0;
    if (events && !failed)
        failed = json_object_set_new(object, "events", events_json(story)) != 0;
    if (!failed)
        failed = json_dump_callback(object, append_chunk, buffer, JSON_COMPACT) != 0;
    buffer_append_char(buffer, '\n');
    if (failed && !buffer->failed)
        buffer->failed = ERROR_MEMORY;
    json_decref(object);
}
