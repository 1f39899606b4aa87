#include "cli/lab_say.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "draw/fill.h"

const char *lab_text_in(const struct lab_text *text, const struct words *words)
{
    enum lab_language wanted =
        strncmp(words->tag, "zh", 2) == 0 ? LAB_CHINESE : LAB_ENGLISH;
    const char *own = text->in[wanted], *other = text->in[!wanted];
    return own ? own : other ? other : "";
}

const char *lab_outcome_message(enum lab_outcome outcome)
{
    static const char *const messages[] = {
        [OUTCOME_SUPPORTED] = N_("supported"),
        [OUTCOME_CONTRADICTED] = N_("contradicted"),
        [OUTCOME_NOT_PROVOKED] = N_("not provoked"),
    };
    return messages[outcome];
}

const char *lab_predicate(const struct lab_step *step)
{
    const char *space = strchr(step->words, ' ');
    while (space && *space == ' ')
        space++;
    return space ? space : step->words;
}

const char *lab_part_title(const struct lab_part *part, const struct words *words)
{
    const char *title = lab_text_in(&part->title, words);
    return *title ? title : part->name;
}

/* --- Findings --- */

static void format_ms(int64_t ns, char text[32])
{
    snprintf(text, 32, "%.1f", (double)ns / NS_PER_MS);
}

static void format_other(const struct lab_finding *finding, char text[48])
{
    const struct lab_evidence *evidence = &finding->step->evidence;
    if (evidence->see == SEE_RESULT && finding->other < 0)
        snprintf(text, 48, "%s", error_errno_name((int)-finding->other));
    else if (evidence->see == SEE_IN_STATE && finding->other >= 0)
        snprintf(text, 48, "%s", state_word((enum tcp_state)finding->other));
    else
        snprintf(text, 48, "%" PRId64, finding->other);
}

static const char *found_phrase(const struct lab_finding *finding)
{
    const struct lab_evidence *evidence = &finding->step->evidence;
    if (evidence->sense == SENSE_NOT || evidence->sense == SENSE_NEVER)
        return N_("it did not come");
    if (evidence->sense == SENSE_COUNT)
        return N_("so often until then");
    if (finding->sight.kind == SIGHT_NONE)
        return N_("so it was at {at} ms");
    if (finding->sight.kind == SIGHT_PACKET && evidence->when == WHEN_AFTER)
        return N_("at {at} ms, packet {packet}, {gap} ms later");
    if (finding->sight.kind == SIGHT_PACKET)
        return N_("at {at} ms, packet {packet}");
    return evidence->when == WHEN_AFTER ? N_("at {at} ms, {gap} ms later")
                                        : N_("at {at} ms");
}

static const char *failed_phrase(const struct lab_finding *finding)
{
    const struct lab_evidence *evidence = &finding->step->evidence;
    bool must_not = evidence->sense == SENSE_NOT || evidence->sense == SENSE_NEVER;
    switch (finding->found) {
    case FOUND_NOT:
        return must_not ? N_("it came all the same, at {at} ms") : N_("it never came");
    case FOUND_OTHERWISE:
        if (evidence->sense == SENSE_COUNT)
            return N_("it came so often: {other}");
        if (evidence->see == SEE_RESULT)
            return N_("it returned {other}");
        if (evidence->see == SEE_IN_STATE)
            return N_("it was in {other}");
        if (evidence->see == SEE_TIMER)
            return N_("it was not so; {other} ms were left");
        return N_("it was {other}");
    case FOUND_EARLY: return N_("it came too early, {gap} ms later");
    case FOUND_LATE: return N_("it came too late, {gap} ms later");
    default: return N_("not looked for: what came before had failed");
    }
}

void lab_say_finding(struct buffer *out, const struct lab_finding *finding,
                     const struct words *words)
{
    char at[32], gap[32], packet[32], other[48];
    format_ms(finding->t_ns, at);
    format_ms(finding->gap_ns, gap);
    format_other(finding, other);
    snprintf(packet, sizeof packet, "%" PRIu64, finding->sight.number);
    const struct fill fills[] = {
        {"at", at}, {"gap", gap}, {"packet", packet}, {"other", other}};
    const char *phrase =
        finding->found == FOUND ? found_phrase(finding) : failed_phrase(finding);
    fill_append(out, words->say(phrase), fills, sizeof fills / sizeof fills[0]);
}

/* --- The whole --- */

void lab_say_reason(struct buffer *out, const struct lab_result *result,
                    const struct words *words)
{
    const struct lab_part_result *part;
    const struct lab_finding *finding = lab_result_decisive(result, &part);
    char line[16];
    if (!part)
        return;
    snprintf(line, sizeof line, "%d", finding ? finding->step->line : part->trouble_line);
    if (!finding) {
        const struct fill fills[] = {{"line", line}, {"trouble", part->trouble}};
        fill_append(out, words->say(N_("line {line}: {trouble}")), fills, 2);
        return;
    }
    struct buffer found;
    buffer_init(&found, 0);
    lab_say_finding(&found, finding, words);
    const struct fill fills[] = {{"line", line},
                                 {"predicate", lab_predicate(finding->step)},
                                 {"found", buffer_text(&found)}};
    fill_append(out, words->say(N_("line {line}, “{predicate}”: {found}")), fills, 3);
    buffer_done(&found);
}
