/* What the client says and hears over a connection.
 *
 * What holds always, once joined: every kept message up to `seen` was reported, and none above
 * it. Those that come above seen + 1 wait in `ahead` while what is between is asked for; there
 * is one question on its way at most. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "text/client_inside.h"

enum { SEND_PAUSE = 256 << 10 /* bytes that wait to be sent before no more are given */ };
/* Ids of requests, away from the numbers of messages. */
enum { REQUEST_JOIN = 1, REQUEST_HISTORY = 2, REQUEST_MEMBERS = 3 };
#define REQUESTS (UINT64_C(1) << 63)

/* --- Sending --- */

int client_send(struct text_client *client, struct buffer *frames)
{
    int code = frames->failed ? -ENOMEM
                              : channel_send(&client->session.channel, frames->bytes,
                                             frames->length);
    buffer_done(frames);
    return code;
}

int client_send_join(struct text_client *client)
{
    struct buffer frame;
    const char *room = client->options.room;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_JOIN, 0, REQUESTS + REQUEST_JOIN);
    frame_put_u8(&frame, client->options.speaker ? TEXT_JOIN_SPEAKER : 0);
    frame_put_text(&frame, room, strlen(room));
    frame_end(&frame, begin);
    return client_send(client, &frame);
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
    return client_send(client, &frame);
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
int client_send_outbox(struct text_client *client)
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
    return client_send(client, &frames);
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
    return client_send(client, &frame) ? ERROR_AGAIN : 0;
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
    buffer_init(&client->ahead, CLIENT_AHEAD_BYTES);
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
    client->pause_ns = CLIENT_RETRY_LEAST_NS;
    if (client->options.reports.joined)
        client->options.reports.joined(client->options.reports.owner, &client->session,
                                       members);
    int code = find_place(client, epoch, last);
    client->joined_before = true;
    return code ? code : client_send_outbox(client);
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

void client_copy_sentence(const struct frame_text *text,
                          char ret_sentence[CLIENT_SENTENCE_BYTES])
{
    size_t length = text->length < CLIENT_SENTENCE_BYTES - 1 ? text->length
                                                             : CLIENT_SENTENCE_BYTES - 1;
    memcpy(ret_sentence, text->bytes, length);
    ret_sentence[length] = 0;
}

static int on_error(struct text_client *client, const struct frame *frame,
                    struct refusal *ret_refusal)
{
    struct refusal refusal;
    char sentence[CLIENT_SENTENCE_BYTES];
    if (refusal_decode(frame, &refusal))
        return -EBADMSG;
    client_copy_sentence(&refusal.sentence, sentence);
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

int client_on_frame(struct text_client *client, const struct frame *frame,
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
