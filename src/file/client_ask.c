/* What a client asks of a server without moving anything. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "file/client_state.h"
#include "file/listing.h"

#define READY_NS (30 * NS_PER_S)

static int list_items(const struct frame *frame,
                      void (*each)(void *owner, const struct shelf_item *item),
                      void *owner, struct error *err)
{
    struct listing_reader reader;
    struct shelf_item item;
    int code = listing_open(&reader, frame, err);
    while (!code && (code = listing_read(&reader, &item, err)) == 1) {
        each(owner, &item);
        code = 0;
    }
    return code;
}

int file_client_list(const struct file_client_options *options,
                     void (*each)(void *owner, const struct shelf_item *item),
                     void *owner, struct session_refused *ret_refused, struct error *err)
{
    struct client client = {.options = options};
    struct session session;
    struct buffer request;
    struct frame frame = {0};
    int code = client_open_session(&client, &session, ret_refused, err);
    if (code) {
        channel_scratch_done(&client.scratch);
        return code;
    }
    buffer_init(&request, 0);
    frame_end(&request, frame_begin(&request, FILE_LIST, 0, 1));
    if (channel_send(&session.channel, request.bytes, request.length))
        code = error_set(err, ERROR_RESET, "the connection to the server was lost");
    buffer_done(&request);
    while (!code && frame.type != FILE_NAMES_END) {
        code = session_await(&session.channel, &client.scratch, options->session.stop,
                             clock_monotonic_ns() + READY_NS, &frame, ret_refused, err);
        if (!code && frame.type == FILE_NAMES)
            code = list_items(&frame, each, owner, err);
    }
    session_close(&session, &client.scratch);
    channel_scratch_done(&client.scratch);
    return code;
}

/* An answer that is not the one that was hoped for. */
static int take_refusal(const struct frame *frame, struct session_refused *ret_refused,
                        struct error *err)
{
    struct refusal refusal;
    if (frame->type != FRAME_ERROR || refusal_decode(frame, &refusal))
        return error_set(err, ERROR_CORRUPT,
                         "the server gave an answer that makes no sense");
    if (ret_refused)
        *ret_refused = (struct session_refused){refusal.code, refusal.retry_after_ms};
    return error_set(err, ERROR_REFUSED, "%.*s", refusal.sentence.length,
                     refusal.sentence.bytes);
}

int file_client_remove(const struct file_client_options *options, const char *name,
                       struct session_refused *ret_refused, struct error *err)
{
    struct client client = {.options = options};
    struct session session;
    struct buffer request;
    struct frame frame = {0};
    int code = client_open_session(&client, &session, ret_refused, err);
    if (code) {
        channel_scratch_done(&client.scratch);
        return code;
    }
    buffer_init(&request, 0);
    size_t begin = frame_begin(&request, FILE_REMOVE, 0, 1);
    frame_put_text(&request, name, strlen(name));
    frame_end(&request, begin);
    if (request.failed || channel_send(&session.channel, request.bytes, request.length))
        code = error_set(err, ERROR_RESET, "the connection to the server was lost");
    buffer_done(&request);
    if (!code)
        code = session_await(&session.channel, &client.scratch, options->session.stop,
                             clock_monotonic_ns() + READY_NS, &frame, ret_refused, err);
    if (!code && frame.type != FILE_REMOVED)
        code = take_refusal(&frame, ret_refused, err);
    session_close(&session, &client.scratch);
    channel_scratch_done(&client.scratch);
    return code;
}
