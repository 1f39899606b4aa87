#include "file/dialer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "file/protocol.h"

enum { MOST_READY = FILE_CONNECTIONS_MOST };
#define PAUSE_NS (1 * NS_PER_S) /* after one that failed */
#define READY_NS (20 * NS_PER_S)

struct dialer {
    struct session_options options;
    uint8_t id[FILE_ID_BYTES];
    wo_event *event, *stop;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    bool ending;
    unsigned wanted; /* the one under way included */
    struct channel ready[MOST_READY];
    unsigned ready_count;
};

/* Attaches the session's connection to the transfer, and takes its channel. */
static int attach(struct dialer *dialer, struct session *session,
                  struct channel_scratch *scratch)
{
    char array[64];
    struct buffer frame;
    struct frame answer;
    int64_t deadline_ns = clock_monotonic_ns() + READY_NS;
    buffer_init_fixed(&frame, array, sizeof array);
    size_t begin = frame_begin(&frame, FILE_ATTACH, 0, 1);
    frame_put_bytes(&frame, dialer->id, FILE_ID_BYTES);
    frame_end(&frame, begin);
    if (channel_send(&session->channel, frame.bytes, frame.length) ||
        session_await(&session->channel, scratch, dialer->stop, deadline_ns, &answer,
                      NULL, NULL) ||
        answer.type != FILE_READY || channel_stow(&session->channel))
        return ERROR_REFUSED;
    return 0;
}

static bool dial(struct dialer *dialer, struct channel *ret_channel)
{
    struct channel_scratch scratch;
    struct session session;
    if (channel_scratch_init(&scratch, CHANNEL_SCRATCH_BYTES))
        return false;
    int code = session_open(&dialer->options, &scratch, &session, NULL, NULL);
    if (!code && (code = attach(dialer, &session, &scratch)))
        session_close(&session, &scratch);
    if (!code)
        *ret_channel = session.channel;
    channel_scratch_done(&scratch);
    return !code;
}

/* False: the dialer ends. */
static bool wait_for_work(struct dialer *dialer)
{
    pthread_mutex_lock(&dialer->lock);
    while (!dialer->ending && dialer->wanted == 0)
        pthread_cond_wait(&dialer->work, &dialer->lock);
    bool ending = dialer->ending;
    pthread_mutex_unlock(&dialer->lock);
    return !ending;
}

static void hand_over(struct dialer *dialer, struct channel *channel)
{
    pthread_mutex_lock(&dialer->lock);
    dialer->wanted--;
    if (channel && dialer->ready_count < MOST_READY)
        dialer->ready[dialer->ready_count++] = *channel;
    else if (channel)
        channel_close(channel);
    if (dialer->ready_count > 0)
        wo_event_set(dialer->event);
    pthread_mutex_unlock(&dialer->lock);
}

static void *run(void *argument)
{
    struct dialer *dialer = argument;
    while (wait_for_work(dialer)) {
        struct channel channel;
        bool dialled = dial(dialer, &channel);
        if (!dialled)
            wo_wait(&dialer->stop, 1, WO_ANY, PAUSE_NS, NULL);
        hand_over(dialer, dialled ? &channel : NULL);
    }
    return NULL;
}

int dialer_new(const struct session_options *options, const uint8_t *transfer_id,
               struct dialer **ret_dialer, struct error *err)
{
    struct dialer *dialer = calloc(1, sizeof *dialer);
    if (!dialer)
        return error_set(err, ERROR_MEMORY, "no memory for connections");
    dialer->options = *options;
    memcpy(dialer->id, transfer_id, FILE_ID_BYTES);
    pthread_mutex_init(&dialer->lock, NULL);
    pthread_cond_init(&dialer->work, NULL);
    int code = wo_event_new(WO_MANUAL_RESET, &dialer->event);
    if (!code)
        code = wo_event_new(WO_MANUAL_RESET, &dialer->stop);
    dialer->options.stop = dialer->stop;
    if (!code)
        code = -pthread_create(&dialer->thread, NULL, run, dialer);
    dialer->started = !code;
    if (code) {
        dialer_free(&dialer);
        return error_set_system(err, -code, "starting a thread");
    }
    *ret_dialer = dialer;
    return 0;
}

void dialer_free(struct dialer **pointer)
{
    struct dialer *dialer = *pointer;
    if (!dialer)
        return;
    pthread_mutex_lock(&dialer->lock);
    dialer->ending = true;
    pthread_cond_signal(&dialer->work);
    pthread_mutex_unlock(&dialer->lock);
    if (dialer->started) {
        wo_event_set(dialer->stop);
        pthread_join(dialer->thread, NULL);
    }
    while (dialer->ready_count > 0)
        channel_close(&dialer->ready[--dialer->ready_count]);
    wo_event_free(&dialer->event);
    wo_event_free(&dialer->stop);
    pthread_mutex_destroy(&dialer->lock);
    pthread_cond_destroy(&dialer->work);
    free(dialer);
    *pointer = NULL;
}

wo_event *dialer_event(struct dialer *dialer)
{
    return dialer->event;
}

void dialer_want(struct dialer *dialer)
{
    pthread_mutex_lock(&dialer->lock);
    dialer->wanted++;
    pthread_cond_signal(&dialer->work);
    pthread_mutex_unlock(&dialer->lock);
}

unsigned dialer_pending(struct dialer *dialer)
{
    pthread_mutex_lock(&dialer->lock);
    unsigned pending = dialer->wanted + dialer->ready_count;
    pthread_mutex_unlock(&dialer->lock);
    return pending;
}

bool dialer_take(struct dialer *dialer, struct channel *ret_channel)
{
    pthread_mutex_lock(&dialer->lock);
    bool taken = dialer->ready_count > 0;
    if (taken)
        *ret_channel = dialer->ready[--dialer->ready_count];
    if (dialer->ready_count == 0)
        wo_event_reset(dialer->event);
    pthread_mutex_unlock(&dialer->lock);
    return taken;
}
