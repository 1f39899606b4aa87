#include "text/connector.h"

#include <string.h>

int connector_init(struct connector *connector, const struct text_client_options *options)
{
    memset(connector, 0, sizeof *connector);
    connector->options = options;
    int code = wo_event_new(WO_MANUAL_RESET, &connector->done);
    if (!code)
        code = wo_event_new(WO_MANUAL_RESET, &connector->stop);
    return code;
}

/* The channel's bytes that came already go with it: the scratch buffer is this thread's. */
static void try_once(struct connector *connector)
{
    struct channel_scratch scratch;
    if (channel_scratch_init(&scratch, CHANNEL_SCRATCH_BYTES)) {
        connector->code = error_set(&connector->err, ERROR_MEMORY, "no memory");
        return;
    }
    const struct text_client_options *options = connector->options;
    connector->code =
        options->open(options->open_owner, connector->stop, &scratch, &connector->session,
                      &connector->refused, &connector->err);
    if (!connector->code && channel_stow(&connector->session.channel)) {
        session_close(&connector->session, &scratch);
        connector->code = error_set(&connector->err, ERROR_MEMORY, "no memory");
    }
    channel_scratch_done(&scratch);
}

static void *run(void *argument)
{
    struct connector *connector = argument;
    try_once(connector);
    wo_event_set(connector->done);
    return NULL;
}

int connector_begin(struct connector *connector)
{
    connector->refused = (struct session_refused){0};
    wo_event_reset(connector->done);
    int code = pthread_create(&connector->thread, NULL, run, connector);
    connector->runs = !code;
    return -code;
}

bool connector_ended(struct connector *connector)
{
    if (!connector->runs || wo_wait(&connector->done, 1, WO_ANY, 0, NULL))
        return false;
    pthread_join(connector->thread, NULL);
    connector->runs = false;
    return true;
}

void connector_done(struct connector *connector)
{
    if (connector->runs) {
        wo_event_set(connector->stop);
        pthread_join(connector->thread, NULL);
        if (!connector->code)
            channel_close(&connector->session.channel);
    }
    connector->runs = false;
    wo_event_free(&connector->done);
    wo_event_free(&connector->stop);
}
