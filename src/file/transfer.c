#include "file/transfer.h"

#include <errno.h>
#include <string.h>

enum {
    TURN_BYTES = 1 << 20, /* received in one turn, so that others have theirs */
    TURN_FRAMES = 64,
    ANSWERS_BYTES = 1 << 20 /* unsent, before a link is read on */
};

void transfer_init(struct transfer *transfer, const uint8_t id[FILE_ID_BYTES],
                   struct sending *sending, struct receiving *receiving)
{
    *transfer = (struct transfer){.sending = sending, .receiving = receiving};
    memcpy(transfer->id, id, FILE_ID_BYTES);
    list_init(&transfer->links);
}

void transfer_done(struct transfer *transfer)
{
    sending_free(&transfer->sending);
    receiving_close(&transfer->receiving);
}

void transfer_attach(struct transfer *transfer, struct link *link)
{
    list_append(&transfer->links, &link->place);
    transfer->link_count++;
    if (transfer->sending)
        sending_attach(transfer->sending, link);
    else
        receiving_attach(transfer->receiving, link);
}

void transfer_detach(struct transfer *transfer, struct link *link)
{
    list_remove(&link->place);
    transfer->link_count--;
    if (transfer->sending)
        sending_detach(transfer->sending, link);
    else
        receiving_detach(transfer->receiving, link);
    transfer->stirred = true;
}

static int take(struct transfer *transfer, struct link *link, const struct frame *frame)
{
    int code = link_take(link, frame);
    if (code)
        return code == 1 ? 0 : code;
    if (transfer->receiving)
        return receiving_take(transfer->receiving, link, frame);
    link->moved_ns = link->heard_ns;
    transfer->stirred |= frame->type == FILE_WANT || frame->type == FILE_AGAIN;
    return sending_take(transfer->sending, link, frame);
}

/* 1 where more may be there. */
static int receive(struct transfer *transfer, struct link *link,
                   struct channel_scratch *scratch, int64_t now_ns)
{
    struct frame frame;
    size_t bytes = 0;
    for (int frames = 0; frames < TURN_FRAMES && bytes < TURN_BYTES; frames++) {
        /* Room to send, when it comes, is an event, and leads here again. */
        if (channel_unsent_bytes(&link->channel) > ANSWERS_BYTES)
            return 0;
        int code = channel_next(&link->channel, scratch, &frame);
        if (code <= 0)
            return code;
        link->heard_ns = now_ns;
        link->pinged_ns = 0;
        bytes += frame.length;
        code = take(transfer, link, &frame);
        if (code < 0)
            return code;
    }
    return 1;
}

int transfer_serve(struct transfer *transfer, struct link *link,
                   struct channel_scratch *scratch, int64_t now_ns)
{
    int code = channel_enumerate(&link->channel, NULL);
    int more = code < 0 ? code : receive(transfer, link, scratch, now_ns);
    if (more < 0)
        return more;
    int filled = transfer->sending ? sending_fill(transfer->sending, link, now_ns)
                                   : link_push(link, now_ns);
    if (filled == -EAGAIN)
        filled = 0;
    return filled < 0 ? filled : (more || filled);
}

bool transfer_is_over(const struct transfer *transfer)
{
    return transfer->sending ? sending_is_over(transfer->sending)
                             : receiving_is_over(transfer->receiving);
}

struct tally transfer_tally(const struct transfer *transfer)
{
    return transfer->sending ? sending_tally(transfer->sending)
                             : receiving_tally(transfer->receiving);
}
