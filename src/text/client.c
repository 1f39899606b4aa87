/* The client's connections: making them, losing them, and its steps. */
#include "text/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "text/client_inside.h"

#define RETRY_MOST_NS (10 * NS_PER_S)
enum { FRAMES_AT_ONCE = 1024 };

/* --- Life --- */

int text_client_new(const struct text_client_options *options,
                    struct text_client **ret_client, struct error *err)
{
    struct text_client *client = calloc(1, sizeof *client);
    if (!client)
        return error_set(err, ERROR_MEMORY, "no memory");
    client->options = *options;
    outbox_init(&client->outbox);
    buffer_init(&client->ahead, CLIENT_AHEAD_BYTES);
    client->lost_ns = clock_monotonic_ns();
    client->pause_ns = CLIENT_RETRY_LEAST_NS;
    int code = channel_scratch_init(&client->scratch, CHANNEL_SCRATCH_BYTES);
    if (!code)
        code = connector_init(&client->connector, &client->options);
    if (!code)
        code = connector_begin(&client->connector);
    if (code) {
        error_set_system(err, -code, "beginning to connect");
        text_client_free(&client);
        return error_code_from_errno(-code);
    }
    *ret_client = client;
    return 0;
}

void text_client_free(struct text_client **client_address)
{
    struct text_client *client = *client_address;
    if (!client)
        return;
    connector_done(&client->connector);
    if (client->connected)
        session_close(&client->session, &client->scratch);
    channel_scratch_done(&client->scratch);
    outbox_done(&client->outbox);
    buffer_done(&client->ahead);
    free(client);
    *client_address = NULL;
}

size_t text_client_events(const struct text_client *client,
                          wo_event *ret_events[TEXT_CLIENT_EVENTS])
{
    if (client->connected)
        ret_events[0] = client->session.channel.event;
    else if (client->connector.runs)
        ret_events[0] = client->connector.done;
    else
        return 0;
    return 1;
}

size_t text_client_outstanding(const struct text_client *client)
{
    return client->outbox.count;
}

bool text_client_is_joined(const struct text_client *client)
{
    return client->joined;
}

int64_t text_client_lost_ns(const struct text_client *client)
{
    return client->joined ? 0 : client->lost_ns;
}

/* --- Losing the connection --- */

static void report_lost(struct text_client *client, const char *sentence, unsigned code)
{
    if (client->options.reports.lost)
        client->options.reports.lost(client->options.reports.owner, sentence, code);
}

static void wait_and_retry(struct text_client *client, int64_t now_ns)
{
    client->retry_ns = now_ns + client->pause_ns;
    client->pause_ns =
        client->pause_ns * 2 < RETRY_MOST_NS ? client->pause_ns * 2 : RETRY_MOST_NS;
}

static void lose(struct text_client *client, int64_t now_ns, const char *sentence,
                 unsigned code)
{
    channel_close(&client->session.channel);
    client->connected = client->joined = client->asking = client->overflow = false;
    buffer_clear(&client->ahead);
    outbox_forget_sent(&client->outbox);
    client->lost_ns = now_ns;
    report_lost(client, sentence, code);
    wait_and_retry(client, now_ns);
}

/* Errors that another try will not change. */
static bool is_final(int code, unsigned refused)
{
    switch (refused) {
    case 0:
        return code == ERROR_PERMISSION || code == ERROR_ARGUMENT ||
               code == ERROR_CORRUPT;
    case FRAME_ERROR_TOO_MANY:
    case FRAME_ERROR_TIMEOUT:
    case FRAME_ERROR_INTERNAL:
    case FRAME_ERROR_SLOW_READER:
    case FRAME_ERROR_DRAINING: return false;
    default: return true;
    }
}

/* --- Steps --- */

static void take_connection(struct text_client *client, int64_t now_ns)
{
    struct connector *connector = &client->connector;
    if (connector->code) {
        report_lost(client, connector->err.sentence, connector->refused.code);
        if (is_final(connector->code, connector->refused.code))
            client->refused = connector->code == ERROR_INTERRUPTED ? 0 : ERROR_REFUSED;
        wait_and_retry(client, now_ns);
        if (connector->refused.retry_after_ms) {
            int64_t asked_ns = connector->refused.retry_after_ms * NS_PER_MS;
            client->retry_ns = now_ns + asked_ns;
        }
        return;
    }
    client->session = connector->session;
    client->connected = true;
    client->heard_ns = now_ns;
    client->pinged = false;
    client->retry_ns = 0;
    if (client_send_join(client))
        lose(client, now_ns, "the connection was lost", 0);
}

static int one_frame(struct text_client *client, const struct frame *frame,
                     int64_t now_ns, struct refusal *refusal)
{
    client->heard_ns = now_ns;
    client->pinged = false;
    int code = greeting_take(&client->session.channel, frame, refusal);
    if (code == 1)
        return 0;
    return code ? code : client_on_frame(client, frame, refusal);
}

/* What came, and WO_WRITE; -EAGAIN where there may be more. */
static int take_frames(struct text_client *client, int64_t now_ns,
                       struct refusal *refusal)
{
    int code = channel_enumerate(&client->session.channel, NULL);
    for (int i = 0; code >= 0 && i < FRAMES_AT_ONCE; i++) {
        struct frame frame;
        code = channel_next(&client->session.channel, &client->scratch, &frame);
        if (code != 1)
            return code;
        code = one_frame(client, &frame, now_ns, refusal);
    }
    return code < 0 ? code : -EAGAIN;
}

static int64_t heartbeat_ns(const struct text_client *client)
{
    uint32_t ms = client->session.heartbeat_ms;
    return (ms ? ms : GREETING_HEARTBEAT_MS) * NS_PER_MS;
}

/* Says something where nothing was heard for long; false where nothing came back. */
static bool look_at_clock(struct text_client *client, int64_t now_ns)
{
    int64_t silent_ns = now_ns - client->heard_ns;
    if (silent_ns >= 2 * heartbeat_ns(client))
        return false;
    if (silent_ns >= heartbeat_ns(client) && !client->pinged) {
        struct buffer frame;
        buffer_init(&frame, 0);
        greeting_encode_ping(&frame, "", 0);
        client->pinged = true;
        return client_send(client, &frame) == 0;
    }
    return true;
}

static void step_connected(struct text_client *client, int64_t now_ns)
{
    struct refusal refusal = {0};
    int code = take_frames(client, now_ns, &refusal);
    if (code == -EAGAIN)
        wo_event_set(client->session.channel.event); /* there may be more: come back */
    if (code >= 0 || code == -EAGAIN)
        code = client_send_outbox(client);
    if (code >= 0 && !look_at_clock(client, now_ns))
        code = -ETIMEDOUT;
    if (code >= 0)
        return;
    char sentence[CLIENT_SENTENCE_BYTES] = "the connection was lost";
    if (refusal.sentence.length)
        client_copy_sentence(&refusal.sentence, sentence);
    if (refusal.code && is_final(0, refusal.code))
        client->refused = ERROR_REFUSED;
    lose(client, now_ns, sentence, refusal.code);
}

int text_client_step(struct text_client *client, int64_t now_ns)
{
    if (client->connected) {
        step_connected(client, now_ns);
    } else if (client->connector.runs) {
        if (connector_ended(&client->connector))
            take_connection(client, now_ns);
    } else if (!client->refused && client->retry_ns <= now_ns) {
        if (connector_begin(&client->connector))
            wait_and_retry(client, now_ns);
    }
    return client->refused;
}

int64_t text_client_next_ns(const struct text_client *client)
{
    if (client->connected)
        return client->heard_ns + (client->pinged ? 2 : 1) * heartbeat_ns(client);
    return client->connector.runs ? INT64_MAX : client->retry_ns;
}
