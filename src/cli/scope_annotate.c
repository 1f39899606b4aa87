#include "cli/scope_annotate.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "capture/annotate.h"
#include "capture/packet.h"
#include "cli/language.h"
#include "cli/scope_progress.h"
#include "scope/comments.h"

enum { LOOK_EVERY = 1 << 14 };

struct work {
    struct annotate *annotate;
    struct comments *comments;
    struct scope_progress_line progress;
    struct buffer comment;
    uint64_t packets, placeless; /* comments that had no place */
};

static int annotate_packet(struct work *work, const struct packet *packet)
{
    work->packets++;
    buffer_clear(&work->comment);
    if (!comments_of(work->comments, packet->number, &work->comment))
        return 0;
    if (work->comment.failed)
        return ERROR_MEMORY;
    if (annotate_comment(work->annotate, buffer_text(&work->comment)))
        work->placeless++;
    return 0;
}

/* To the end, to the damage that the first reading has met already, or to a failure. */
static int annotate_all(struct work *work, wo_event *stop, struct error *err)
{
    struct packet packet;
    int code;
    while ((code = annotate_next(work->annotate, &packet, err)) == 1) {
        if (annotate_packet(work, &packet))
            return error_set(err, ERROR_MEMORY, "%s", _("no memory for the comments"));
        if (work->packets % LOOK_EVERY)
            continue;
        scope_progress_show(&work->progress, work->packets,
                            annotate_position(work->annotate),
                            annotate_size(work->annotate));
        if (wo_wait(&stop, 1, WO_ANY, 0, NULL) == 0)
            return error_set(err, ERROR_INTERRUPTED, "%s",
                             _("stopped; no annotated capture was written"));
    }
    return code == ERROR_CORRUPT ? 0 : code;
}

static void say_what_lacks(const struct work *work)
{
    uint64_t left_out = comments_left_out(work->comments);
    if (work->placeless)
        fprintf(stderr,
                _("woshou: %.0f packets cannot hold a comment (simple packet "
                  "blocks)\n"),
                (double)work->placeless);
    if (left_out)
        fprintf(stderr,
                _("woshou: the last %.0f connections have no comments: there "
                  "would be too many\n"),
                (double)left_out);
}

int scope_annotate(const struct scope *scope, struct annotate *annotate,
                   struct comments *comments, wo_event *stop, struct error *err)
{
    struct work work = {.annotate = annotate, .comments = comments};
    scope_progress_begin(&work.progress, scope);
    buffer_init(&work.comment, 0);
    comments_sort(comments);
    int code = annotate_all(&work, stop, err);
    scope_progress_end(&work.progress, work.packets, annotate_position(annotate));
    if (!code)
        code = annotate_commit(annotate, err);
    if (!code)
        say_what_lacks(&work);
    buffer_done(&work.comment);
    return code;
}
