/* Running the chosen experiments, and showing what came of them. */
#ifndef WOSHOU_CLI_LAB_JOB_H
#define WOSHOU_CLI_LAB_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/lab_report.h"
#include "wire/wire.h"
#include "woshou/event.h"

struct error;

struct lab_order {
    struct experiment *const *experiments; /* in the order in which they are shown */
    size_t count;
    bool sabotage; /* try each one's sabotages, and not the experiment itself */
    bool json, ascii, step;
    bool brief;          /* a line each, in place of all of it */
    const char *html;    /* where the book goes, or null */
    const char *pcap;    /* where captures go, or null */
    enum wire_kind kind; /* WIRE_TUN or WIRE_VETH */
    int64_t delay_ns;
    size_t at_once;
    wo_event *stop;
};

/* How many came out otherwise than expected, or could not be run; or a negative code. */
int lab_job_run(const struct lab_order *order, struct error *err);

#endif
