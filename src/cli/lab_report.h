/* What a child that ran an experiment tells its parent, through a pipe: how it came out,
 * and what is to be shown of it, ready to be shown. */
#ifndef WOSHOU_CLI_LAB_REPORT_H
#define WOSHOU_CLI_LAB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "lab/experiment.h"

enum { REPORT_REASON = 512 };

struct lab_report {
    int32_t status; /* 0, or the code of what went wrong; then `reason` says it */
    int32_t outcome, expected;
    int64_t took_ns;
    char reason[2][REPORT_REASON]; /* by enum lab_language; "" where it was supported */
    struct buffer shown;           /* for standard output */
};

void lab_report_init(struct lab_report *report);
void lab_report_done(struct lab_report *report);

/* Writes it whole; 0, or ERROR_SYSTEM. */
int lab_report_send(int fd, const struct lab_report *report);
/* Reads it out of all that came. False: it is not whole. */
bool lab_report_receive(const struct buffer *came, struct lab_report *ret_report);

#endif
