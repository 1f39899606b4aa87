/* The public header, alone: it compiles as C17 and (by header_test.cc) as C++17 without
 * another header or a feature macro before it, and the shared library has every function
 * it declares. */
#include "woshou/event.h"

#include <stdio.h>

int main(void)
{
    wo_event *event = 0;
    wo_set *set = 0;
    wo_network_events network;
    wo_ready ready;
    int good = 1;

    good &= wo_event_new(WO_AUTO_RESET, &event) == 0;
    good &= wo_set_new(&set) == 0 && wo_set_add(set, event, &good) == 0;
    good &= wo_event_set(event) == 0 && wo_event_reset(event) == 0 &&
            wo_event_set(event) == 0;
    good &= wo_set_wait(set, &ready, 1, WO_FOREVER) == 1 && ready.owner == &good;
    good &= wo_wait(&event, 1, WO_ALL, 0, 0) < 0 && wo_set_remove(set, event) == 0;
    good &= wo_select(-1, event, WO_READ) < 0 && wo_enumerate(-1, event, &network) < 0;
    good &= wo_accept(-1, 0, 0) < 0 && wo_connect(-1, 0, 0) < 0 && wo_close(-1) < 0;
    good &= wo_recv(-1, 0, 0, 0) < 0 && wo_send(-1, 0, 0, 0) < 0;
    good &= wo_timer_set(event, 0, 0) == 0 && wo_timer_cancel(event) == 0;
    good &= wo_wait_next(0, 0, 0, 0) < 0;
    good &= wo_backend_choose(0) < 0 && wo_backend_name() != 0;
    wo_set_free(&set);
    wo_event_free(&event);
    printf("1..1\n%s 1 - the header stands alone\n", good ? "ok" : "not ok");
    return good ? 0 : 1;
}
