#include "file/receiving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/receiving_state.h"

/* --- Life --- */

int receiving_new(const struct receiving_options *options,
                  struct receiving **ret_receiving, struct error *err)
{
    struct receiving *receiving = calloc(1, sizeof *receiving);
    if (!receiving)
        return error_set(err, ERROR_MEMORY, "no memory for a transfer");
    receiving->options = *options;
    *ret_receiving = receiving;
    return 0;
}

void receiving_free(struct receiving *receiving)
{
    for (uint32_t i = 0; i < receiving->root_count; i++)
        arrival_close(&receiving->roots[i].arrival, ARRIVAL_LEAVE);
    free(receiving->roots);
    free(receiving->where);
    free(receiving->ready);
    const struct transfer_reports reports = receiving->options.reports;
    free(receiving);
    if (reports.closed)
        reports.closed(reports.owner);
}

void receiving_close(struct receiving **receiving)
{
    if (!*receiving)
        return;
    (*receiving)->closed = true;
    (*receiving)->control = NULL;
    (*receiving)->link_count = 0;
    /* Now, and not when the disk is done with a checkpoint: somebody may come to go on at once. */
    for (uint32_t i = 0; i < (*receiving)->root_count; i++)
        if ((*receiving)->roots[i].state == ROOT_COMES)
            arrival_close(&(*receiving)->roots[i].arrival, ARRIVAL_LEAVE);
    if ((*receiving)->jobs == 0)
        receiving_free(*receiving);
    *receiving = NULL;
}

void receiving_attach(struct receiving *receiving, struct link *link)
{
    if (!receiving->control && receiving->link_count == 0)
        receiving->control = link;
    if (receiving->link_count < FILE_CONNECTIONS_MOST)
        receiving->links[receiving->link_count++] = link;
}

void receiving_detach(struct receiving *receiving, struct link *link)
{
    if (receiving->control == link)
        receiving->control = NULL;
    for (size_t i = 0; i < receiving->link_count; i++)
        if (receiving->links[i] == link)
            receiving->links[i] = receiving->links[--receiving->link_count];
}

/* --- The ends of roots --- */

int receiving_say(struct receiving *receiving, struct buffer *frames)
{
    int code = receiving->control ? link_send(receiving->control, frames) : 0;
    buffer_done(frames);
    return code;
}

static void end_root(struct receiving *receiving, struct root *root,
                     const struct transfer_result *result)
{
    root->state = ROOT_ENDED;
    receiving->ended++;
    if (receiving->options.reports.ended)
        receiving->options.reports.ended(receiving->options.reports.owner, result);
}

/* It will not be whole: what is there of it stays for a later try, unless it stands in the way. */
void receiving_give_up(struct receiving *receiving, struct root *root, unsigned code,
                       const char *sentence)
{
    const struct transfer_result result = {
        .name = root->name, .folder = root->folder, .code = code, .sentence = sentence};
    arrival_close(&root->arrival,
                  code == FRAME_ERROR_DISK_FULL ? ARRIVAL_DROP : ARRIVAL_LEAVE);
    end_root(receiving, root, &result);
}

int receiving_fail(struct receiving *receiving, struct root *root,
                   const struct error *err)
{
    struct buffer frames;
    unsigned code = file_error_code(err);
    buffer_init(&frames, 0);
    file_put_failed(&frames, root->number, code, root->name, err->sentence);
    receiving_give_up(receiving, root, code, err->sentence);
    return receiving_say(receiving, &frames);
}

int receiving_finish(struct receiving *receiving, struct root *root,
                     const struct transfer_result *result)
{
    struct buffer frames;
    buffer_init(&frames, 0);
    size_t begin = frame_begin(&frames, FILE_DONE, 0, 0);
    frame_put_u32(&frames, root->number);
    frame_put_u8(&frames, result->already);
    frame_put_u8(&frames, result->checked);
    frame_put_bytes(&frames, result->check.bytes, CHECK_BYTES);
    frame_end(&frames, begin);
    end_root(receiving, root, result);
    return receiving_say(receiving, &frames);
}

/* --- What comes --- */

int receiving_take(struct receiving *receiving, struct link *link,
                   const struct frame *frame)
{
    switch (frame->type) {
    case FILE_ENTRIES: return receiving_take_entries(receiving, frame);
    case FILE_END: return receiving_take_end(receiving, frame);
    case FILE_FAILED: return receiving_take_failed(receiving, frame);
    case FILE_PACK: return receiving_take_pack(receiving, link, frame);
    case FILE_DATA: return receiving_take_data(receiving, link, frame);
    case FILE_CHECK: return receiving_take_check(receiving, link, frame);
    default: return -EBADMSG;
    }
}

bool receiving_is_over(const struct receiving *receiving)
{
    return receiving->told_all && receiving->ended == receiving->root_count;
}

bool receiving_waits_for_disk(const struct receiving *receiving)
{
    return receiving->jobs > 0;
}

struct tally receiving_tally(const struct receiving *receiving)
{
    return receiving->tally;
}
