/* What went wrong among all connections of a capture: kind by kind how many, the first of
 * each, and what to check next. Of constant size. */
#ifndef WOSHOU_SCOPE_FAILURES_H
#define WOSHOU_SCOPE_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "draw/advice.h"

struct buffer;
struct words;

enum { FAILURE_FIRST = 3, FAILURE_PACKETS = 4 };

struct failure {
    uint64_t count;
    struct {
        uint32_t id;
        uint8_t packet_count;
        bool more; /* packets than these */
        uint64_t packets[FAILURE_PACKETS];
    } first[FAILURE_FIRST]; /* in the order of ids */
};

struct failures {
    struct failure kinds[ADVICE_NONE];
};

void failures_add(struct failures *failures, const struct story *story);

/* "12 refused: connections 2 (packets 9, 10), 4 (packets 11, 12), 7 (packet 13), ...". */
void failure_title(const struct failures *failures, enum advice advice,
                   const struct words *words, struct buffer *buffer);

/* Appends all kinds there are, each with its advice, in lines of at most `width` columns;
 * nothing where nothing went wrong. */
void failures_print(const struct failures *failures, const struct words *words, int width,
                    struct buffer *buffer);

#endif
