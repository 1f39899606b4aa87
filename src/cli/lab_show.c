#include "cli/lab_show.h"

#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/paragraph.h"
#include "base/visible.h"
#include "cli/lab_draw.h"
#include "cli/lab_say.h"
#include "draw/fill.h"
#include "draw/text.h"

enum { PROSE_WIDTH = 80, PREDICATE_MOST = 46, INDENT = 7 };

static int prose_width(const struct lab_look *look)
{
    return look->width < PROSE_WIDTH ? look->width : PROSE_WIDTH;
}

static void bold(struct buffer *out, const struct lab_look *look, const char *text)
{
    buffer_append_text(out, look->colour ? "\033[1m" : "");
    visible_append(out, text, strlen(text));
    buffer_append_text(out, look->colour ? "\033[0m" : "");
}

/* A paragraph of text from a script, which may be anybody's. */
static void prose(struct buffer *out, const struct lab_look *look, const char *text,
                  int indent)
{
    struct buffer clean;
    buffer_init(&clean, 0);
    visible_append(&clean, text, strlen(text));
    paragraph_append(out, buffer_text(&clean), prose_width(look), indent);
    buffer_done(&clean);
}

/* "Claim: ..." */
static void labelled(struct buffer *out, const struct lab_look *look, const char *phrase,
                     const char *text)
{
    struct buffer whole;
    const struct fill fill = {"text", text};
    if (!*text)
        return;
    buffer_init(&whole, 0);
    fill_append(&whole, look->words->say(phrase), &fill, 1);
    prose(out, look, buffer_text(&whole), 0);
    buffer_done(&whole);
}

void lab_show_claim(struct buffer *out, const struct experiment *experiment,
                    const struct lab_look *look)
{
    const char *title = lab_text_in(&experiment->title, look->words);
    buffer_append_char(out, '\n');
    if (experiment->number)
        buffer_append_format(out, "%d. ", experiment->number);
    bold(out, look, *title ? title : experiment->name);
    buffer_append_format(out, " (%s)\n", experiment->name);
    labelled(out, look, N_("Claim: {text}"),
             lab_text_in(&experiment->claim, look->words));
    labelled(out, look, N_("A common belief: {text}"),
             lab_text_in(&experiment->belief, look->words));
}

/* --- Evidence --- */

static const char *sign(const struct lab_finding *finding, const struct lab_look *look)
{
    if (finding->found == FOUND)
        return look->ascii ? "ok" : "✓";
    if (finding->found == FOUND_UNSEEN)
        return look->ascii ? "--" : "·";
    return look->ascii ? "NO" : "✗";
}

static int predicate_width(const struct lab_part_result *part)
{
    int width = 0;
    for (size_t i = 0; i < part->finding_count; i++) {
        const char *predicate = lab_predicate(part->findings[i].step);
        int columns = visible_width(predicate, strlen(predicate));
        if (columns > width && columns <= PREDICATE_MOST)
            width = columns;
    }
    return width;
}

static void show_finding(struct buffer *out, const struct lab_part_result *part,
                         const struct lab_finding *finding, int width,
                         const struct lab_look *look)
{
    const char *predicate = lab_predicate(finding->step);
    const char *note = lab_text_in(&finding->step->evidence.note, look->words);
    bool wrong = finding->found != FOUND && finding->found != FOUND_UNSEEN;
    struct buffer found;
    buffer_init(&found, 0);
    lab_say_finding(&found, finding, look->words);
    buffer_append_text(out, wrong && look->colour ? "\033[31m" : "");
    buffer_append_format(out, "%4d %s ", lab_finding_number(part, finding),
                         sign(finding, look));
    visible_append(out, predicate, strlen(predicate));
    int columns = visible_width(predicate, strlen(predicate));
    int left = width > columns ? width - columns : 0;
    int wide = visible_width(buffer_text(&found), found.length);
    /* What does not fit beside goes below. */
    if (INDENT + look->ascii + columns + left + 2 + wide > look->width)
        buffer_append_format(out, "\n%*s", INDENT + 2, "");
    else
        buffer_append_repeated(out, ' ', (size_t)left + 2);
    buffer_append_text(out, buffer_text(&found));
    buffer_done(&found);
    buffer_append_text(out, wrong && look->colour ? "\033[0m" : "");
    buffer_append_char(out, '\n');
    if (*note) {
        buffer_append_repeated(out, ' ', INDENT);
        prose(out, look, note, INDENT);
    }
}

void lab_show_evidence(struct buffer *out, const struct lab_part_result *part,
                       const struct lab_look *look)
{
    int width = predicate_width(part);
    buffer_append_char(out, '\n');
    bold(out, look, look->words->say(N_("Evidence, in this order:")));
    buffer_append_char(out, '\n');
    for (size_t i = 0; i < part->finding_count; i++)
        show_finding(out, part, &part->findings[i], width, look);
}

/* --- Parts --- */

static void show_ladder(struct buffer *out, const struct ladder *ladder,
                        const struct lab_look *look)
{
    struct text_options options = {.width = look->width,
                                   .ascii = look->ascii,
                                   .colour = look->colour,
                                   .words = look->words};
    text_options_fit(&options, ladder);
    text_header(ladder, &options, out);
    size_t from = 0;
    for (size_t i = 0; look->step && i < ladder->row_count; i++) {
        if (!ladder->rows[i].packet_sent && !ladder->rows[i].packet_received)
            continue;
        text_rows(ladder, &options, from, i + 1, out);
        buffer_append_char(out, '\f');
        from = i + 1;
    }
    text_rows(ladder, &options, from, ladder->row_count, out);
    text_footer(ladder, &options, out);
}

int lab_show_part(struct buffer *out, const struct lab_result *result, size_t index,
                  const struct lab_look *look)
{
    const struct lab_part_result *part = &result->parts[index];
    struct lab_drawing drawing;
    int failed = lab_draw(part, look->words, &drawing);
    if (failed)
        return failed;
    buffer_append_char(out, '\n');
    if (part->part->name[0]) {
        buffer_append_text(out, look->ascii ? "* " : "▸ ");
        bold(out, look, lab_part_title(part->part, look->words));
        buffer_append_text(out, "\n\n");
    }
    if (part->left_out) {
        lab_drawing_done(&drawing);
        const struct fill fill = {"setting", part->part->needs};
        fill_append(out,
                    look->words->say(N_("left out: this kernel has no setting "
                                        "net.ipv4.{setting}")),
                    &fill, 1);
        buffer_append_char(out, '\n');
        return out->failed;
    }
    if (drawing.ladder)
        show_ladder(out, drawing.ladder, look);
    lab_drawing_done(&drawing);
    lab_show_evidence(out, part, look);
    return out->failed;
}

/* --- The verdict --- */

void lab_show_verdict(struct buffer *out, const struct lab_result *result,
                      const struct lab_look *look)
{
    const struct experiment *experiment = result->experiment;
    const struct words *words = look->words;
    struct buffer reason;
    buffer_init(&reason, 0);
    lab_say_reason(&reason, result, words);
    buffer_append_char(out, '\n');
    bold(out, look, words->say(lab_outcome_message(result->outcome)));
    if (reason.length)
        buffer_append_text(out, ": ");
    visible_append(out, buffer_text(&reason), reason.length);
    buffer_append_format(out, " (%.1f s)\n", (double)result->took_ns / NS_PER_S);
    buffer_done(&reason);
    if (result->outcome != experiment->outcome) {
        const struct fill fill = {"outcome",
                                  words->say(lab_outcome_message(experiment->outcome))};
        fill_append(out, words->say(N_("On this kernel it should have been: {outcome}.")),
                    &fill, 1);
        buffer_append_char(out, '\n');
    } else {
        if (*lab_text_in(&experiment->belief, words))
            labelled(out, look, N_("{text}"),
                     words->say(N_("So the common belief is wrong, or not the whole.")));
        labelled(out, look, N_("A finding: {text}"),
                 lab_text_in(&experiment->finding, words));
    }
    const char *meaning = lab_text_in(&experiment->meaning, words);
    if (*meaning) {
        buffer_append_char(out, '\n');
        prose(out, look, meaning, 0);
    }
}

int lab_show(struct buffer *out, const struct lab_result *result,
             const struct lab_look *look)
{
    int failed = 0;
    lab_show_claim(out, result->experiment, look);
    for (size_t i = 0; i < result->part_count && !failed; i++)
        failed = lab_show_part(out, result, i, look);
    lab_show_verdict(out, result, look);
    return failed ? failed : out->failed;
}
