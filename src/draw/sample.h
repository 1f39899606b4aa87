/* Stories made up for tests and for looking at pictures; never linked into the program.
 * Each is what the laboratory or a capture would have seen, with a wire of 20 ms each
 * way, judged; null when memory ran out. Freed with story_free. */
#ifndef WOSHOU_DRAW_SAMPLE_H
#define WOSHOU_DRAW_SAMPLE_H

#include <stddef.h>

#include "tcp/story.h"

/* The article's conversation, with every call and state: opened by three segments,
 * "hello" one way and an answer the other, closed by the server in three segments. */
struct story *sample_hello(void);
/* Port 30009, where nobody listens. */
struct story *sample_refused(void);
/* The first SYN is lost and sent again after a second; the wire then delivers the answer
 * twice, and slips in a reset that nobody sent: the client believes it. */
struct story *sample_lost(void);
/* One of three connections to one server port, made 3 ms apart; `index` 0 to 2. */
struct story *sample_one_of_three(unsigned index);
/* What a capture at one place knows of a whole connection: packets, and inferred
 * states. */
struct story *sample_capture(void);
/* Both ends close at once, and their FINs cross. */
struct story *sample_crossing(void);

/* All of the above by name ("hello", "refused", "lost", "three", "capture",
 * "crossing"), for previews: up to three stories into `ret_stories`; how many, 0 for an
 * unknown name. */
size_t sample_named(const char *name, struct story *ret_stories[3]);

#endif
