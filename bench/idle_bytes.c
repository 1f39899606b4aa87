/* idle_bytes CONNECTIONS: what the event library keeps in memory for a connection that is
 * waited for and idle: its event, its place in a wait set, and what is recorded of it.
 *
 * The allocator is asked before and after, so that what the library takes in larger pieces
 * counts in whole. The kernel's memory for the socket and for watching it is not in it. */
#define MEASURE_NAME "idle_bytes"
#include "measure.h"
#include "self_connected.h"

#include <malloc.h>

#include "woshou/event.h"

enum { LIMIT_S = 30 };

static void must(int code, const char *what)
{
    if (code < 0)
        fail(what, strerror(-code));
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void watch(wo_set *set, int fd)
{
    wo_event *event;
    must(wo_event_new(WO_MANUAL_RESET, &event), "making an event");
    must(wo_set_add(set, event, NULL), "adding an event");
    must(wo_select(fd, event, WO_READ | WO_CLOSE), "selecting");
}

int main(int argc, char **argv)
{
    wo_set *set;
    alarm(LIMIT_S);
    raise_descriptor_limit();
    if (argc != 2)
        fail("usage", "idle_bytes CONNECTIONS");
    size_t count = number(argv[1]);
    int *sockets = self_connected_open(count + 1);
    must(wo_set_new(&set), "making a set");
    watch(set, sockets[count]); /* what is there once, however many come */
    size_t before = allocated();
    for (size_t i = 0; i < count; i++)
        watch(set, sockets[i]);
    printf("bytes %zu\n", allocated() - before);
    self_connected_close(sockets, count + 1);
    return EXIT_SUCCESS;
}
