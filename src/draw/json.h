/* A story as one line of JSON, for every program that reads us; the same whether it comes
 * from a capture file, a live interface or the laboratory. Times are integers in
 * nanoseconds, numbers of the sequence are relative, and null is what was not seen:
 *
 *     {"id", "client", "server", "start_ns", "end_ns", "handshake_ns", "open", "close",
 *      "closed_first", "reset_by", "client_state", "server_state", "standing",
 *      "client_bytes", "server_bytes", "packets", "anomalies": [{"what", "packets"}],
 *      "zeek": {"conn_state", "history"}, "wireshark": {"completeness"}, "evidence",
 *      "why", "next",
 *      "events": [
 *        {"t_ns", "what": "call", "place", "name", "phase", "result"},
 *        {"t_ns", "what": "packet", "number", "from", "flags", "seq", "ack", "bytes",
 *         "sent_ns", "received_ns", "fate"},
 *        {"t_ns", "what": "state", "place", "state", "standing"}]} */
#ifndef WOSHOU_DRAW_JSON_H
#define WOSHOU_DRAW_JSON_H

#include <stdbool.h>

struct buffer;
struct story;
struct words;

/* Appends the story, by its verdict as of the last story_judge, and a newline; with its
 * events where `events`. "why" and "next", what to check where it failed, are in the
 * language of `words`, all else never is. */
void json_story(const struct story *story, bool events, const struct words *words,
                struct buffer *buffer);

#endif
