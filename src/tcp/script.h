/* Stories told in lines, for tests. A line is one thing that happened, a millisecond
 * after the line before:
 *
 *     "C SYN seq=100"                         the client sends it
 *     "S SYN ACK seq=300 ack=101 at=20"       the server, 20 ms after the beginning
 *     "S PSH ACK seq=301 ack=101 text=hello"  with a payload: the rest of the line
 *     "S ACK seq=306 ack=101 bytes=1448"      with one that was not captured
 *     "C FIN ACK seq=101 ack=306 lost"
 *     "S ACK seq=306 ack=102 takes=10"        arrives 10 ms later: two vantage points
 *     "C SYN seq=100 duplicated number=1"     a copy of packet 1, sent by nobody
 *     "S RST seq=301 injected"
 *     "C in SYN_SENT"                         a state, observed
 *     "C calls connect"                       and, some lines on,
 *     "C connect returns -111"
 *
 * Further words: win=N (65535), hex=BYTES (a payload, in hexadecimal), traced, inferred.
 * Packets are numbered from 1. A line that makes no sense fails the test. */
#ifndef WOSHOU_TCP_SCRIPT_H
#define WOSHOU_TCP_SCRIPT_H

#include "tcp/story.h"

/* The story of the lines up to a null; freed with story_free. */
struct story *script_story(const char *const *lines);
/* More of it: goes on where the story ends. */
void script_go_on(struct story *story, const char *const *lines);

#define packets(...) script_story((const char *const[]){__VA_ARGS__, NULL})
#define more_packets(story, ...)                                                         \
    script_go_on(story, (const char *const[]){__VA_ARGS__, NULL})

/* The packet of the nth line that told of one, from 1; fails the test where there is
 * none. */
const struct event_packet *script_packet(const struct story *story, size_t nth);

/* The states of one end in their order, "SYN_SENT ESTABLISHED ...", into `text`, and
 * returns it. */
enum { SCRIPT_STATES = 256 };
const char *script_states(const struct story *story, enum place place,
                          char text[SCRIPT_STATES]);

/* Judges the story, compares its words, "null" for none, and frees it. */
void assert_verdict(struct story *story, const char *open, const char *close,
                    const char *closed_first, const char *reset_by);

#endif
