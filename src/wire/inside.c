#include "wire/inside.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

void wire_note_moved(struct wire *wire, int on_the_way)
{
    pthread_mutex_lock(&wire->lock);
    wire->on_the_way += (size_t)on_the_way;
    wire->last_moved_ns = clock_now_ns(wire->gate.clock);
    pthread_cond_broadcast(&wire->moved);
    pthread_mutex_unlock(&wire->lock);
}

void wire_note_idle(struct wire *wire)
{
    pthread_mutex_lock(&wire->lock);
    wire->looked_ns = clock_now_ns(wire->gate.clock);
    pthread_cond_broadcast(&wire->moved);
    pthread_mutex_unlock(&wire->lock);
}

struct wire_pair *wire_remember(struct wire *wire, const struct endpoint *client,
                                const struct endpoint *server)
{
    list_for_each (link, &wire->pairs) {
        struct wire_pair *pair = list_member(link, struct wire_pair, link);
        if (endpoint_equal(&pair->client, client) &&
            endpoint_equal(&pair->server, server))
            return pair;
    }
    struct wire_pair *pair = calloc(1, sizeof *pair);
    if (!pair) {
        wire->failed = ERROR_MEMORY;
        return NULL;
    }
    pair->client = *client;
    pair->server = *server;
    list_append(&wire->pairs, &pair->link);
    return pair;
}

struct wire_pair *wire_remember_segment(struct wire *wire, enum place from,
                                        const struct segment *segment)
{
    return from == PLACE_CLIENT
               ? wire_remember(wire, &segment->source, &segment->destination)
               : wire_remember(wire, &segment->destination, &segment->source);
}

void wire_look(struct wire *wire, enum place place, const struct wire_pair *pair,
               int64_t t_ns)
{
    const struct endpoint *local = place == PLACE_CLIENT ? &pair->client : &pair->server;
    const struct endpoint *remote = place == PLACE_CLIENT ? &pair->server : &pair->client;
    struct diag_answer answer;

    /* No answer is no evidence: what the kernel does not say is not recorded. */
    if (diag_ask(&wire->diag[place], local, remote, &answer) == 0)
        record_state(&wire->record, t_ns, place, &pair->client, &pair->server, &answer);
}

void wire_flush(struct wire *wire)
{
    bool grown = false;
    if (record_flush(&wire->record, &grown))
        wire->failed = ERROR_MEMORY;
    if (grown && wire->options.on_growth)
        wire->options.on_growth(wire->options.owner, wire);
}

void wire_sleep(struct wire *wire, const int fds[2], int64_t until_ns)
{
    struct pollfd polled[3] = {{.fd = wire->wake, .events = POLLIN},
                               {.fd = fds[0], .events = POLLIN},
                               {.fd = fds[1], .events = POLLIN}};
    int64_t left_ns = until_ns - clock_now_ns(wire->gate.clock);
    uint64_t count;

    if (left_ns <= 0)
        return;
    struct timespec left = {left_ns / NS_PER_S, left_ns % NS_PER_S};
    if (ppoll(polled, 3, &left, NULL) > 0 && polled[0].revents) {
        ssize_t taken = read(wire->wake, &count, sizeof count);
        (void)taken; /* only empties it */
    }
}
