/* The steps of a script, and what they are made of. For read.c and its like alone. */
#ifndef WOSHOU_LAB_READ_STEP_H
#define WOSHOU_LAB_READ_STEP_H

#include "lab/experiment.h"
#include "lab/reader.h"

/* Whether a line that begins with this word is a step. */
bool is_step(struct word first);
/* Reads the present line as a step; null after a failure. */
struct lab_step *read_step(struct reader *reader);

/* "client" or "server"; false: neither, and nothing is taken. */
bool read_host(struct reader *reader, enum place *ret_place);
/* The name behind a host, "" without one. Calls and other words of the language are no
 * names. */
const char *read_socket_name(struct reader *reader);
bool word_is_call(struct word word, enum lab_call *ret_call);
/* "SYN ACK", "data", ... and what is said of it, up to the first word that belongs to
 * something else. `packet->from` stands already. */
void read_packet(struct reader *reader, struct lab_packet *packet);
bool word_begins_packet(struct word word);

/* A setting's name: letters, digits, underscores, so that it is no path. */
const char *reader_setting(struct reader *reader);

/* Behind `expect` or `require`. */
void read_evidence(struct reader *reader, struct lab_evidence *evidence);

#endif
