/* What is written along a packet's arrow, by the article's names: the client's first
 * number is j, the server's k. "SYN ACK seq=k ack=j+1", "12 bytes "hello" seq=k+1". */
#ifndef WOSHOU_DRAW_LABEL_H
#define WOSHOU_DRAW_LABEL_H

#include <stdbool.h>

#include "tcp/story.h"

struct buffer;
struct words;

/* The label without its numbers: "SYN", "12 bytes "hello"", "SYN (again)". */
void label_name(struct buffer *buffer, const struct event_packet *packet, bool copy,
                const struct words *words);

/* The whole label. Numbers whose beginning the story does not know are left out. */
void label_packet(struct buffer *buffer, const struct story *story,
                  const struct event_packet *packet, bool copy,
                  const struct words *words);

/* A run: "12 segments, 16384 bytes; 8 back". */
void label_run(struct buffer *buffer, const struct event_run *run, enum place from,
               const struct words *words);

#endif
