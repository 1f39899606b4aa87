/* timer [TICKS]: timers are events. One ticks every 100 ms, one ends it all half a period
 * after the last tick; a wait covers both, and could cover sockets and a stop event too.
 *
 *     cc timer.c $(pkg-config --cflags --libs woshou) -o timer */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <woshou/event.h>

#define NS_PER_MS INT64_C(1000000)
#define PERIOD_NS (100 * NS_PER_MS)

enum { END, TICK };

static void must(int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "timer: %s: %s\n", what, strerror(-code));
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;

    timespec_get(&now,
                 TIME_UTC); /* only to show; the library's clock is the monotonic one */
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    int ticks = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;
    double begin_ms = now_ms();
    wo_event *events[2];
    size_t index = 0;

    /* Auto-reset: the wait that returns for a tick takes it. Ticks that come while nobody
     * waits are one. */
    must(wo_event_new(WO_AUTO_RESET, &events[TICK]), "an event");
    must(wo_event_new(WO_MANUAL_RESET, &events[END]), "an event");
    must(wo_timer_set(events[TICK], PERIOD_NS, PERIOD_NS), "a timer");
    must(wo_timer_set(events[END], ticks * PERIOD_NS + PERIOD_NS / 2, 0), "a timer");

    for (int tick = 1;; tick++) {
        must(wo_wait(events, 2, WO_ANY, WO_FOREVER, &index), "waiting");
        if (index == END)
            break;
        printf("tick %d, %.0f ms\n", tick, now_ms() - begin_ms);
        fflush(stdout);
    }

    must(wo_timer_cancel(events[TICK]),
         "cancelling"); /* freeing the event would do too */
    printf("the end, %.0f ms\n", now_ms() - begin_ms);
    wo_event_free(&events[TICK]);
    wo_event_free(&events[END]);
}
