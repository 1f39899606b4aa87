/* The stop event: what Ctrl-C and SIGTERM set, so that whoever waits can leave in good
 * order. */
#ifndef WOSHOU_CLI_STOP_H
#define WOSHOU_CLI_STOP_H

#include "woshou/event.h"

struct error;

/* Makes the event and installs the handlers; once in the program's life at a time. A
 * second signal ends the program the hard way, should the good order take too long. */
int stop_open(wo_event **ret_stop, struct error *err);
/* From here on those signals also end a system call that waits (EINTR). */
void stop_interrupts(void);
/* Gives the signals their usual meaning back, frees the event and leaves null. */
void stop_close(wo_event **stop);

#endif
