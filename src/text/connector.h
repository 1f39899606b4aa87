/* Makes connections in a thread of its own. Private to text/. */
#ifndef WOSHOU_TEXT_CONNECTOR_H
#define WOSHOU_TEXT_CONNECTOR_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "text/client.h"

struct connector {
    const struct text_client_options *options;
    wo_event *done, *stop;
    pthread_t thread;
    bool runs;
    /* Once `done` is set: */
    int code;
    struct session session;
    struct session_refused refused;
    struct error err;
};

int connector_init(struct connector *connector,
                   const struct text_client_options *options);
/* Ends a try that runs. Accepts one that is all zero. */
void connector_done(struct connector *connector);
/* Begins a try; `done` is set when it has ended. A negated errno. */
int connector_begin(struct connector *connector);
/* A try has ended: the thread is gone, and its outcome is there. False: it still runs. */
bool connector_ended(struct connector *connector);

#endif
