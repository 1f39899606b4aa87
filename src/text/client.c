/* The client.
 *
 * What holds always, once joined: every kept message up to `seen` was reported, and none above
 * it. Those that come above seen + 1 wait in `ahead` while what is between is asked for; there
 * is one question on its way at most. */
#include "text/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "text/connector.h"
#include "text/outbox.h"

#define RETRY_LEAST_NS (200 * NS_PER_MS)
#define RETRY_MOST_NS (10 * NS_PER_S)
enum {
    AHEAD_BYTES = 4 << 20,
    FRAMES_AT_ONCE = 1024,
    SENTENCE_BYTES = 256,
    SEND_PAUSE = 256 << 10 /* bytes that wait to be sent before no more are given */
};
/* Ids of requests, away from the numbers of messages. */
enum { REQUEST_JOIN = 1, REQUEST_HISTORY = 2, REQUEST_MEMBERS = 3 };
#define REQUESTS (UINT64_C(1) << 63)

struct text_client {
    struct text_client_options options;
    struct connector connector;
    struct channel_scratch scratch;
    struct session session;
    bool connected, joined, joined_before;
    struct outbox outbox;
    uint32_t room, sender;
    uint64_t epoch;
    uint64_t seen; /* the highest number reported; see above */
    bool asking;   /* for what is between */
    bool overflow; /* of what came ahead, some was left out: it is asked for again */
    struct buffer ahead;
    int64_t lost_ns;  /* since when there is no connection */
    int64_t retry_ns; /* when it is tried again; 0: it is not to be */
    int64_t pause_ns; /* until the try after that */
    int64_t heard_ns;
    bool pinged;
    int refused; /* for good */
};

/* --- Life --- */

int text_client_new(const struct text_client_options *options,
                    struct text_client **ret_client, struct error *err)
{
    struct text_client *client = calloc(1, sizeof *client);
    if (!client)
        return error_set(err, ERROR_MEMORY, "no memory");
    client->options = *options;
    outbox_init(&client->outbox);
    buffer_init(&client->ahead, AHEAD_BYTES);
    client->lost_ns = clock_monotonic_ns();
    client->pause_ns = RETRY_LEAST_NS;
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

/* --- Sending --- */

static int send_buffer(struct text_client *client, struct buffer *frames)
{
    int code = frames->failed ? -ENOMEM
                              : channel_send(&client->session.channel, frames->bytes,
                                             frames->length);
    buffer_done(frames);
    return code;
}

static int send_join(struct text_client *client)
{
    struct buffer frame;
    const char *room = client->options.room;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_JOIN, 0, REQUESTS + REQUEST_JOIN);
    frame_put_u8(&frame, client->options.speaker ? TEXT_JOIN_SPEAKER : 0);
    frame_put_text(&frame, room, strlen(room));
    frame_end(&frame, begin);
    return send_buffer(client, &frame);
}

static int ask_past(struct text_client *client)
{
    struct buffer frame;
    const char *room = client->options.room;
    client->asking = true;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_HISTORY, 0, REQUESTS + REQUEST_HISTORY);
    frame_put_text(&frame, room, strlen(room));
    frame_put_u64(&frame, client->seen + 1);
    frame_put_u64(&frame, 0);
    frame_put_u64(&frame, 0);
    frame_put_u32(&frame, TEXT_HISTORY_MOST);
    frame_put_text(&frame, "", 0);
    frame_end(&frame, begin);
    return send_buffer(client, &frame);
}

static void put_outgoing(const struct text_client *client, struct buffer *frames,
                         const struct outgoing *message)
{
    const char *text = message->bytes + message->name_length;
    size_t begin = frame_begin(frames, message->name_length ? TEXT_TELL : TEXT_SAY, 0,
                               message->number);
    if (message->name_length) {
        frame_put_text(frames, message->bytes, message->name_length);
    } else {
        frame_put_u32(frames, client->room);
        frame_put_u8(frames, TEXT_KIND_SAID);
    }
    frame_put_text(frames, text, message->length);
    frame_end(frames, begin);
}

/* What was not sent over this connection yet, as far as it takes it. */
static int send_outbox(struct text_client *client)
{
    struct buffer frames;
    buffer_init(&frames, 0);
    if (!client->joined)
        return 0;
    size_t room = channel_unsent_bytes(&client->session.channel);
    for (struct outgoing *message; (message = outbox_next(&client->outbox));) {
        if (room + frames.length > SEND_PAUSE)
            break;
        put_outgoing(client, &frames, message);
        outbox_note_sent(&client->outbox);
    }
    if (frames.length == 0)
        return 0;
    return send_buffer(client, &frames);
}

int text_client_say(struct text_client *client, const char *text, size_t length,
                    uint64_t *ret_number)
{
    return text_client_tell(client, "", 0, text, length, ret_number);
}

int text_client_tell(struct text_client *client, const char *name, size_t name_length,
                     const char *text, size_t length, uint64_t *ret_number)
{
    struct outgoing *message =
        outbox_add(&client->outbox, name, name_length, text, length);
    if (!message)
        return ERROR_MEMORY;
    if (ret_number)
        *ret_number = message->number;
    return 0;
}

int text_client_ask_members(struct text_client *client)
{
    struct buffer frame;
    if (!client->joined)
        return ERROR_AGAIN;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_MEMBERS, 0, REQUESTS + REQUEST_MEMBERS);
    frame_put_u32(&frame, client->room);
    frame_end(&frame, begin);
    return send_buffer(client, &frame) ? ERROR_AGAIN : 0;
}

/* --- Messages --- */

static void report_message(struct text_client *client, const struct text_message *message)
{
    bool mine = !message->past && message->sender == client->sender;
    if (!message->unkept)
        client->seen = message->seq;
    if (client->options.reports.message)
        client->options.reports.message(client->options.reports.owner, message, mine);
}

static int keep_ahead(struct text_client *client, const struct text_message *message)
{
    size_t length = text_message_bytes(message);
    if (buffer_reserve(&client->ahead, length)) {
        client->ahead.failed = 0;
        client->overflow = true;
        return 0;
    }
    text_message_encode(message, (uint8_t *)client->ahead.bytes + client->ahead.length);
    client->ahead.length += length;
    return 0;
}

static int on_message(struct text_client *client, const struct frame *frame)
{
    struct text_message message;
    int code = text_message_decode(frame, &message);
    if (code)
        return code;
    if (message.unkept) {
        report_message(client, &message);
        return 0;
    }
    if (message.seq <= client->seen)
        return 0;
    if (message.seq == client->seen + 1 && !client->asking) {
        report_message(client, &message);
        return 0;
    }
    code = keep_ahead(client, &message);
    return code || client->asking ? code : ask_past(client);
}

static int on_past(struct text_client *client, const struct frame *frame)
{
    struct text_message message;
    int code = text_message_decode(frame, &message);
    if (!code && message.seq > client->seen)
        report_message(client, &message);
    return code;
}

/* What came ahead and follows now. */
static int report_ahead(struct text_client *client)
{
    struct buffer ahead = client->ahead;
    int code = 0;
    buffer_init(&client->ahead, AHEAD_BYTES);
    for (size_t at = 0, taken; !code && at < ahead.length; at += taken) {
        struct frame frame;
        if (frame_decode(ahead.bytes + at, ahead.length - at, UINT32_MAX, &frame,
                         &taken) != 1)
            break;
        code = on_message(client, &frame);
    }
    buffer_done(&ahead);
    if (!code && client->overflow && !client->asking)
        code = ask_past(client);
    client->overflow = false;
    return code;
}

static int on_history_end(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint64_t next = frame_read_u64(&reader);
    frame_read_u64(&reader);
    if (reader.failed)
        return -EBADMSG;
    client->asking = false;
    return next ? ask_past(client) : report_ahead(client);
}

static int on_gap(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    frame_read_u32(&reader);
    uint64_t next = frame_read_u64(&reader);
    if (reader.failed)
        return -EBADMSG;
    if (client->options.reports.missed && next <= client->seen + 1)
        client->options.reports.missed(client->options.reports.owner,
                                       "messages that are not kept were missed");
    return next > client->seen + 1 && !client->asking ? ask_past(client) : 0;
}

/* --- Answers --- */

/* Where it stands in a history that may not be the one it knew. */
static int find_place(struct text_client *client, uint64_t epoch, uint64_t last)
{
    bool anew = client->joined_before && epoch != client->epoch;
    if (anew && client->options.reports.missed)
        client->options.reports.missed(client->options.reports.owner,
                                       "the server's history has begun anew");
    client->epoch = epoch;
    if (client->options.speaker)
        return 0;
    if (!client->joined_before)
        client->seen =
            last > client->options.backlog ? last - client->options.backlog : 0;
    else if (anew)
        client->seen = 0;
    return client->seen < last ? ask_past(client) : 0;
}

static int on_joined(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    client->room = frame_read_u32(&reader);
    client->sender = frame_read_u32(&reader);
    uint64_t epoch = frame_read_u64(&reader), last = frame_read_u64(&reader);
    uint32_t members = frame_read_u32(&reader);
    if (reader.failed)
        return -EBADMSG;
    client->joined = true;
    client->pause_ns = RETRY_LEAST_NS;
    if (client->options.reports.joined)
        client->options.reports.joined(client->options.reports.owner, &client->session,
                                       members);
    int code = find_place(client, epoch, last);
    client->joined_before = true;
    return code ? code : send_outbox(client);
}

static int on_said(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    frame_read_u32(&reader);
    uint64_t seq = frame_read_u64(&reader), time_ns = frame_read_u64(&reader);
    if (reader.failed)
        return -EBADMSG;
    if (outbox_remove(&client->outbox, frame->id) && client->options.reports.said)
        client->options.reports.said(client->options.reports.owner, frame->id, seq,
                                     (int64_t)time_ns);
    return 0;
}

static void copy_sentence(const struct frame_text *text,
                          char ret_sentence[SENTENCE_BYTES])
{
    size_t length = text->length < SENTENCE_BYTES - 1 ? text->length : SENTENCE_BYTES - 1;
    memcpy(ret_sentence, text->bytes, length);
    ret_sentence[length] = 0;
}

static int on_error(struct text_client *client, const struct frame *frame,
                    struct refusal *ret_refusal)
{
    struct refusal refusal;
    char sentence[SENTENCE_BYTES];
    if (refusal_decode(frame, &refusal))
        return -EBADMSG;
    copy_sentence(&refusal.sentence, sentence);
    if (frame->id == REQUESTS + REQUEST_JOIN) {
        *ret_refusal = refusal;
        return -ECONNABORTED;
    }
    if (frame->id == REQUESTS + REQUEST_HISTORY) {
        client->asking = false;
        if (client->options.reports.missed)
            client->options.reports.missed(client->options.reports.owner, sentence);
        return 0;
    }
    if (outbox_remove(&client->outbox, frame->id) && client->options.reports.refused)
        client->options.reports.refused(client->options.reports.owner, frame->id,
                                        refusal.code, sentence);
    return 0;
}

static int on_presence(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    frame_read_u32(&reader);
    uint8_t what = frame_read_u8(&reader);
    uint32_t members = frame_read_u32(&reader);
    struct frame_text name = frame_read_text(&reader);
    if (!reader.failed && client->options.reports.presence)
        client->options.reports.presence(
            client->options.reports.owner, name.bytes, name.length,
            what == TEXT_CAME ? TEXT_CAME : TEXT_WENT, members);
    return 0;
}

static int on_direct(struct text_client *client, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint64_t time_ns = frame_read_u64(&reader);
    struct frame_text name = frame_read_text(&reader), text = frame_read_text(&reader);
    if (reader.failed)
        return -EBADMSG;
    if (client->options.reports.direct)
        client->options.reports.direct(client->options.reports.owner, name.bytes,
                                       name.length, text.bytes, text.length,
                                       (int64_t)time_ns);
    return 0;
}

static int on_member_list(struct text_client *client, const struct frame *frame)
{
    struct frame_text names[TEXT_NAMES_MOST];
    struct frame_reader reader = frame_reader(frame);
    frame_read_u32(&reader);
    uint32_t members = frame_read_u32(&reader), count = frame_read_u32(&reader);
    if (count > TEXT_NAMES_MOST)
        return -EBADMSG;
    for (uint32_t i = 0; i < count; i++)
        names[i] = frame_read_text(&reader);
    if (reader.failed)
        return -EBADMSG;
    if (client->options.reports.members)
        client->options.reports.members(client->options.reports.owner, members, names,
                                        count);
    return 0;
}

static int on_frame(struct text_client *client, const struct frame *frame,
                    struct refusal *ret_refusal)
{
    switch (frame->type) {
    case TEXT_MESSAGE: return on_message(client, frame);
    case TEXT_PAST: return on_past(client, frame);
    case TEXT_HISTORY_END: return on_history_end(client, frame);
    case TEXT_GAP: return on_gap(client, frame);
    case TEXT_JOINED: return on_joined(client, frame);
    case TEXT_SAID: return on_said(client, frame);
    case TEXT_PRESENCE: return on_presence(client, frame);
    case TEXT_DIRECT: return on_direct(client, frame);
    case TEXT_MEMBER_LIST: return on_member_list(client, frame);
    case FRAME_ERROR: return on_error(client, frame, ret_refusal);
    default:
        return greeting_take_unknown(&client->session.channel, frame) == 1 ? 0 : -EPROTO;
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
    if (send_join(client))
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
    return code ? code : on_frame(client, frame, refusal);
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
        return send_buffer(client, &frame) == 0;
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
        code = send_outbox(client);
    if (code >= 0 && !look_at_clock(client, now_ns))
        code = -ETIMEDOUT;
    if (code >= 0)
        return;
    char sentence[SENTENCE_BYTES] = "the connection was lost";
    if (refusal.sentence.length)
        copy_sentence(&refusal.sentence, sentence);
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
