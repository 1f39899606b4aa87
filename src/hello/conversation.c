#include "hello/conversation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/call.h"

enum { DRAIN_BYTES = 1 << 20 }; /* whoever goes on sending after that gets the reset */

/* What may happen to a conversation besides bytes that come. */
enum happening { PEER_FINISHED, PEER_GONE, TIME_IS_OVER, HAPPENINGS };

static void tell(const struct conversation *conversation, const char *sentence)
{
    const struct hello_reports *reports = &conversation->options->reports;
    reports->told(reports->owner, &conversation->stream.peer, sentence);
}

int conversation_new(const struct hello_server_options *options,
                     struct conversation **ret_conversation)
{
    struct conversation *conversation = calloc(1, sizeof *conversation);
    if (!conversation)
        return -ENOMEM;
    conversation->options = options;
    conversation->stream.fd = -1;
    message_reader_init(&conversation->reader, MESSAGE_BYTES);
    int code = wo_event_new(WO_MANUAL_RESET, &conversation->stream.event);
    if (code)
        conversation_free(&conversation);
    else
        *ret_conversation = conversation;
    return code;
}

void conversation_free(struct conversation **conversation)
{
    if (!*conversation)
        return;
    stream_close(&(*conversation)->stream);
    message_reader_done(&(*conversation)->reader);
    free(*conversation);
    *conversation = NULL;
}

/* The connection failed with a negated errno. */
static void tell_gone(struct conversation *conversation, int code)
{
    struct error err;
    if (code == -ECONNABORTED || code == -EPIPE || code == -ECONNRESET)
        error_set(&err, ERROR_RESET, "reset the connection");
    else
        error_set_system(&err, -code, "the connection was lost");
    tell(conversation, err.sentence);
}

void conversation_start(struct conversation *conversation, int fd,
                        const struct endpoint *peer, const struct buffer *greeting)
{
    wo_event *event = conversation->stream.event;
    conversation->stream.event = NULL;
    conversation->phase = CONVERSATION_WAITING;
    int code = stream_adopt(&conversation->stream, fd, peer, event, WO_READ | WO_CLOSE,
                            conversation->options->watch);
    if (!code)
        code = stream_send(&conversation->stream, greeting->bytes, greeting->length);
    if (code) {
        conversation->stream.peer = *peer;
        tell_gone(conversation, code);
        conversation->phase = CONVERSATION_OVER;
    }
}

static void tell_faults(struct conversation *conversation,
                        const struct message_faults *faults)
{
    char array[256];
    struct buffer sentence;
    if (!message_faulty(faults))
        return;
    buffer_init_fixed(&sentence, array, sizeof array);
    message_describe(faults, MESSAGE_BYTES, &sentence);
    tell(conversation, buffer_text(&sentence));
    conversation->told_more = faults->too_long;
}

/* Hands on the string as far as it came. */
static void hand_on(struct conversation *conversation)
{
    const struct hello_reports *reports = &conversation->options->reports;
    struct message_faults faults;
    struct buffer text;
    buffer_init(&text, 0);
    if (message_reader_finish(&conversation->reader, &text, &faults)) {
        tell(conversation, "no memory for its string");
    } else {
        tell_faults(conversation, &faults);
        reports->said(reports->owner, &conversation->stream.peer, buffer_text(&text),
                      text.length);
    }
    buffer_done(&text);
}

static enum conversation_phase start_draining(struct conversation *conversation)
{
    return stream_finish(&conversation->stream) ? CONVERSATION_OVER
                                                : CONVERSATION_DRAINING;
}

/* The string is complete. `rest` bytes came after it; where the read was full there may
 * be more. */
static enum conversation_phase conclude(struct conversation *conversation, size_t rest,
                                        bool read_was_full)
{
    hand_on(conversation);
    if (rest > 0) {
        tell(conversation, "more bytes after the end of its string, left out");
        conversation->told_more = true;
    }
    if (rest > 0 || read_was_full || conversation->stream.unsent.length)
        return start_draining(conversation);
    return CONVERSATION_OVER;
}

/* Receives once, at most what a string of 200 bytes still lacks, as the article's server
 * does. Returns the bytes received, 0 at the end, or a negated errno. */
static ssize_t hear(struct conversation *conversation, enum conversation_phase *ret_next)
{
    char bytes[MESSAGE_BYTES];
    size_t wanted = MESSAGE_BYTES - conversation->reader.bytes.length, taken = 0;
    ssize_t length = stream_receive(&conversation->stream, bytes, wanted);
    if (length <= 0)
        return length;
    if (message_reader_take(&conversation->reader, bytes, (size_t)length, &taken))
        return -ENOMEM;
    *ret_next = CONVERSATION_HEARING;
    if (conversation->reader.complete)
        *ret_next =
            conclude(conversation, (size_t)length - taken, (size_t)length == wanted);
    return length;
}

/* Receives once, and leaves it out. */
static ssize_t drain(struct conversation *conversation, enum conversation_phase *ret_next)
{
    char bytes[4096];
    ssize_t length = stream_receive(&conversation->stream, bytes, sizeof bytes);
    if (length <= 0)
        return length;
    if (!conversation->told_more)
        tell_faults(conversation, &(struct message_faults){.too_long = true});
    conversation->drained += (size_t)length;
    *ret_next =
        conversation->drained > DRAIN_BYTES ? CONVERSATION_OVER : CONVERSATION_DRAINING;
    return length;
}

static enum conversation_phase leave(struct conversation *conversation, int code)
{
    (void)conversation;
    (void)code;
    return CONVERSATION_OVER;
}

static enum conversation_phase tell_and_leave(struct conversation *conversation, int code)
{
    tell_gone(conversation, code);
    return CONVERSATION_OVER;
}

static enum conversation_phase tell_silence(struct conversation *conversation, int code)
{
    (void)code;
    struct error err;
    double seconds = (double)conversation->options->silence_ns / (double)NS_PER_S;
    error_set(&err, ERROR_TIMED_OUT, "said nothing for %g s, closed", seconds);
    tell(conversation, err.sentence);
    return CONVERSATION_OVER;
}

static enum conversation_phase hand_on_and_leave(struct conversation *conversation,
                                                 int code)
{
    (void)code;
    return conclude(conversation, 0, false);
}

static enum conversation_phase hand_on_tell_and_leave(struct conversation *conversation,
                                                      int code)
{
    hand_on(conversation);
    return tell_and_leave(conversation, code);
}

/* The table of conversation.h: how bytes are received, and what the next phase is when
 * something else happens, `code` being a negated errno where the peer is gone. */
static const struct {
    ssize_t (*receive)(struct conversation *conversation,
                       enum conversation_phase *ret_next);
    enum conversation_phase (*answer[HAPPENINGS])(struct conversation *conversation,
                                                  int code);
} table[] = {
    [CONVERSATION_WAITING] = {hear, {leave, tell_and_leave, tell_silence}},
    [CONVERSATION_HEARING] = {hear,
                              {hand_on_and_leave, hand_on_tell_and_leave,
                               hand_on_and_leave}},
    [CONVERSATION_DRAINING] = {drain, {leave, leave, leave}},
};
_Static_assert(sizeof table / sizeof table[0] == CONVERSATION_TIMED_PHASES,
               "a row a phase");

static void happen(struct conversation *conversation, enum happening what, int code)
{
    conversation->phase = table[conversation->phase].answer[what](conversation, code);
}

/* Receives once: true where bytes came and the conversation goes on. */
static bool receive_once(struct conversation *conversation,
                         const wo_network_events *network)
{
    ssize_t length =
        table[conversation->phase].receive(conversation, &conversation->phase);
    if (length > 0)
        return conversation->phase != CONVERSATION_OVER;
    int closed = call_network_error(network, WO_CLOSE);
    if (length == -EAGAIN && !(network->events & WO_CLOSE))
        return false;
    if (length < 0 && length != -EAGAIN)
        happen(conversation, PEER_GONE, (int)length);
    else
        happen(conversation, closed ? PEER_GONE : PEER_FINISHED, -closed);
    return false;
}

bool conversation_on_network(struct conversation *conversation)
{
    struct stream *stream = &conversation->stream;
    wo_network_events network = {0};
    int code = wo_enumerate(stream->fd, stream->event, &network);
    if (!code && network.events & WO_WRITE)
        code = stream_flush(stream);
    if (code) {
        happen(conversation, PEER_GONE, code);
        return true;
    }
    if (!(network.events & (WO_READ | WO_CLOSE)))
        return false;
    /* WO_CLOSE is told once, and at once, also with data unread before the end. */
    enum conversation_phase before = conversation->phase;
    bool came, came_any = false;
    do {
        came = receive_once(conversation, &network);
        came_any |= came;
    } while (came && network.events & WO_CLOSE);
    /* Draining is not dated anew by what is drained, or it would never end. */
    return conversation->phase != before ||
           (came_any && conversation->phase == CONVERSATION_HEARING);
}

void conversation_on_time(struct conversation *conversation)
{
    /* Time has passed for us, too: what came meanwhile and is not read yet was not too
     * late. */
    if (conversation->phase != CONVERSATION_DRAINING &&
        stream_unread(&conversation->stream))
        return;
    happen(conversation, TIME_IS_OVER, 0);
}
