#include "cli/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"

/* A signal's handler is given nothing but its number. */
static _Atomic(wo_event *) stop_event;

static void set_stop(int signal_number)
{
    (void)signal_number;
    int kept = errno;
    wo_event *event = atomic_load(&stop_event);
    if (event)
        wo_event_set(event);
    errno = kept;
}

/* Once: a second signal has its usual meaning. */
static void handle(int restart)
{
    struct sigaction action = {.sa_handler = set_stop,
                               .sa_flags = restart | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int stop_open(wo_event **ret_stop, struct error *err)
{
    wo_event *event;
    int code = wo_event_new(WO_MANUAL_RESET, &event);
    if (code)
        return error_set_system(err, -code, "making the stop event");
    atomic_store(&stop_event, event);
    handle(SA_RESTART);
    *ret_stop = event;
    return 0;
}

void stop_interrupts(void)
{
    handle(0);
}

void stop_close(wo_event **stop)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &usual, NULL);
    sigaction(SIGTERM, &usual, NULL);
    atomic_store(&stop_event, NULL);
    wo_event_free(stop);
}
