#include "cli/lab_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/lab_say.h"
#include "draw/json.h"

/* --- Pieces --- */

static void put_string(struct buffer *out, const char *text)
{
    buffer_append_char(out, '"');
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            buffer_append_char(out, '\\');
        if (byte < 0x20 || byte == 0x7F)
            buffer_append_format(out, "\\u%04x", byte);
        else
            buffer_append_char(out, *c);
    }
    buffer_append_char(out, '"');
}

static void put_key(struct buffer *out, const char *key)
{
    buffer_append_format(out, "%s\"%s\":", out->bytes[out->length - 1] == '{' ? "" : ",",
                         key);
}

/* Null where there is none. */
static void put_text(struct buffer *out, const char *key, const char *text)
{
    put_key(out, key);
    if (text && *text)
        put_string(out, text);
    else
        buffer_append_text(out, "null");
}

static void put_bool(struct buffer *out, const char *key, bool value)
{
    put_key(out, key);
    buffer_append_text(out, value ? "true" : "false");
}

static void put_number(struct buffer *out, const char *key, int64_t value, bool known)
{
    put_key(out, key);
    if (known)
        buffer_append_format(out, "%" PRId64, value);
    else
        buffer_append_text(out, "null");
}

/* --- Parts --- */

static void put_finding(struct buffer *out, const struct lab_finding *finding,
                        const struct words *words)
{
    struct buffer found;
    buffer_init(&found, 0);
    lab_say_finding(&found, finding, words);
    buffer_append_char(out, '{');
    put_number(out, "line", finding->step->line, true);
    put_text(out, "predicate", lab_predicate(finding->step));
    put_bool(out, "required", finding->step->evidence.required);
    put_key(out, "holds");
    buffer_append_text(out, finding->found == FOUND          ? "true"
                            : finding->found == FOUND_UNSEEN ? "null"
                                                             : "false");
    put_text(out, "found", buffer_text(&found));
    put_number(out, "t_ns", finding->t_ns, finding->found != FOUND_UNSEEN);
    put_number(out, "connection", finding->sight.story + 1, finding->sight.story >= 0);
    put_number(out, "packet", (int64_t)finding->sight.number,
               finding->sight.kind == SIGHT_PACKET);
    buffer_append_char(out, '}');
    buffer_done(&found);
}

static void put_part(struct buffer *out, const struct lab_part_result *part,
                     const struct words *words)
{
    buffer_append_char(out, '{');
    put_text(out, "part", part->part->name);
    put_text(out, "title", lab_text_in(&part->part->title, words));
    put_text(out, "outcome", part->left_out ? NULL : outcome_word(part->outcome));
    put_key(out, "evidence");
    buffer_append_char(out, '[');
    for (size_t i = 0; i < part->finding_count; i++) {
        buffer_append_text(out, i ? "," : "");
        put_finding(out, &part->findings[i], words);
    }
    buffer_append_char(out, ']');
    put_key(out, "connections");
    buffer_append_char(out, '[');
    for (size_t i = 0; i < part->story_count; i++) {
        struct buffer line;
        buffer_init(&line, 0);
        json_story(part->stories[i], true, words, &line);
        buffer_append_text(out, i ? "," : "");
        buffer_append(out, buffer_text(&line), line.length ? line.length - 1 : 0);
        if (line.failed && !out->failed)
            out->failed = line.failed;
        buffer_done(&line);
    }
    buffer_append_text(out, "]}");
}

int lab_json(struct buffer *out, const struct lab_result *result, const char *sabotage,
             const struct words *words)
{
    const struct experiment *experiment = result->experiment;
    struct buffer reason;
    buffer_init(&reason, 0);
    lab_say_reason(&reason, result, words);
    buffer_append_char(out, '{');
    put_text(out, "experiment", experiment->name);
    put_number(out, "number", experiment->number, experiment->number != 0);
    put_text(out, "title", lab_text_in(&experiment->title, words));
    put_text(out, "claim", lab_text_in(&experiment->claim, words));
    put_text(out, "outcome", outcome_word(result->outcome));
    put_text(out, "expected", outcome_word(experiment->outcome));
    put_bool(out, "as_expected", result->outcome == experiment->outcome);
    put_text(out, "reason", buffer_text(&reason));
    put_text(out, "belief", lab_text_in(&experiment->belief, words));
    put_text(out, "finding", lab_text_in(&experiment->finding, words));
    put_text(out, "sabotage", sabotage);
    put_text(out, "wire", wire_kind_word(result->kind));
    put_number(out, "took_ns", result->took_ns, true);
    put_key(out, "parts");
    buffer_append_char(out, '[');
    for (size_t i = 0; i < result->part_count; i++) {
        buffer_append_text(out, i ? "," : "");
        put_part(out, &result->parts[i], words);
    }
    buffer_append_text(out, "]}\n");
    buffer_done(&reason);
    return out->failed;
}
