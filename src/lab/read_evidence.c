/* What a script expects to see. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "lab/read_step.h"
#include "wire/diag.h"

static bool word_is_state(struct word word, enum tcp_state *ret_state)
{
    for (int state = STATE_CLOSED; state < STATE_COUNT; state++) {
        if (word_is(word, state_word((enum tcp_state)state))) {
            *ret_state = (enum tcp_state)state;
            return true;
        }
    }
    return false;
}

/* Behind "=": a number, "ok", or an error's name. */
static void read_result(struct reader *reader, struct lab_evidence *evidence)
{
    struct word word = reader_peek(reader);
    size_t length;
    if (reader_accept(reader, "ok")) {
        evidence->any_result = true;
    } else if (word.at && word.at[0] == 'E') {
        for (int number = 1; number < 134 && !evidence->result; number++)
            if (word_is(word, error_errno_name(number)))
                evidence->result = -number;
        if (evidence->result == 0)
            reader_fail(reader, word, "an error's name (ECONNREFUSED)");
        reader_take(reader);
    } else {
        evidence->result = reader_number(reader, 0, 1 << 30,
                                         "what it returns: a number, ok, or an error");
        word = reader_peek(reader);
        if (word.at && word.at[0] == '"')
            evidence->text = reader_string(reader, &length);
    }
}

static void read_call(struct reader *reader, struct lab_evidence *evidence)
{
    word_is_call(reader_take(reader), &evidence->call);
    if (reader_accept(reader, "waits")) {
        evidence->see = SEE_WAITING;
        return;
    }
    evidence->see = SEE_RESULT;
    if (!reader_accept(reader, "="))
        reader_fail(reader, reader_peek(reader), "'=' and what it returns, or 'waits'");
    else
        read_result(reader, evidence);
}

static void read_timer(struct reader *reader, struct lab_evidence *evidence)
{
    static const char *const words[] = {[TIMER_NONE] = "none",
                                        [TIMER_RETRANSMIT] = "retransmit",
                                        [TIMER_KEEPALIVE] = "keepalive",
                                        [TIMER_TIME_WAIT] = "time-wait",
                                        [TIMER_WINDOW_PROBE] = "window-probe"};
    evidence->see = SEE_TIMER;
    if (!reader_accept(reader, "="))
        reader_fail(reader, reader_peek(reader), "'='");
    struct word word = reader_take(reader);
    for (int i = 0; i < (int)(sizeof words / sizeof words[0]); i++) {
        if (!word_is(word, words[i]))
            continue;
        evidence->timer = i;
        word = reader_peek(reader);
        if (word.at && word.at[0] >= '0' && word.at[0] <= '9')
            evidence->timer_ns = reader_duration(reader);
        return;
    }
    reader_fail(reader, word, "none, retransmit, keepalive, time-wait or window-probe");
}

/* "queue = 1", "ports = 3"; false: another word. */
static bool read_figure(struct reader *reader, struct lab_evidence *evidence)
{
    static const struct {
        const char *word;
        enum lab_see see;
    } figures[] = {{"queue", SEE_QUEUE},
                   {"half-open", SEE_HALF_OPEN},
                   {"ports", SEE_PORTS},
                   {"sockets", SEE_SOCKETS}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (!reader_accept(reader, figures[i].word))
            continue;
        evidence->see = figures[i].see;
        bool most = reader_accept(reader, "<="), least = reader_accept(reader, ">=");
        if (!most && !least && !reader_accept(reader, "="))
            reader_fail(reader, reader_peek(reader), "'=', '<=' or '>='");
        int64_t number = reader_number(reader, 0, 1 << 20, "a number");
        evidence->least = most ? 0 : number;
        evidence->most = least ? INT64_MAX : number;
        return true;
    }
    return false;
}

static void read_subject(struct reader *reader, struct lab_evidence *evidence)
{
    enum lab_call call;
    struct word first = reader_peek(reader);
    if (!read_host(reader, &evidence->socket.place)) {
        reader_fail(reader, first, "client or server");
        return;
    }
    first = reader_peek(reader);
    evidence->socket.name = read_socket_name(reader);
    evidence->any_socket = evidence->socket.name[0] == '\0';
    struct word word = reader_peek(reader);
    if (!word.at)
        word = first; /* it was meant for what is expected, and is no name */
    if (word_begins_packet(word)) {
        evidence->see = SEE_PACKET;
        evidence->packet.from = evidence->socket.place;
        evidence->packet.connection = evidence->any_socket ? NULL : evidence->socket.name;
        read_packet(reader, &evidence->packet);
    } else if (word_is_state(word, &evidence->state)) {
        evidence->see = SEE_STATE;
        reader_take(reader);
    } else if (reader_accept(reader, "is")) {
        evidence->see = SEE_IN_STATE;
        if (!word_is_state(reader_peek(reader), &evidence->state))
            reader_fail(reader, reader_peek(reader), "a state (ESTABLISHED)");
        reader_take(reader);
    } else if (word_is_call(word, &call)) {
        read_call(reader, evidence);
    } else if (reader_accept(reader, "timer")) {
        read_timer(reader, evidence);
    } else if (!read_figure(reader, evidence)) {
        reader_fail(reader, word,
                    "a packet (SYN), a state (ESTABLISHED), a call (connect = 0), is, "
                    "timer, queue, half-open, ports or sockets");
    }
}

static void read_when(struct reader *reader, struct lab_evidence *evidence)
{
    for (;;) {
        if (reader_accept(reader, "at")) {
            if (!reader_accept(reader, "once"))
                reader_fail(reader, reader_peek(reader), "'once'");
            evidence->when = WHEN_AT_ONCE;
        } else if (reader_accept(reader, "after")) {
            evidence->when = WHEN_AFTER;
            evidence->when_ns = reader_duration(reader);
        } else if (reader_accept(reader, "within")) {
            evidence->patience_ns = reader_duration(reader);
        } else {
            return;
        }
    }
}

void read_evidence(struct reader *reader, struct lab_evidence *evidence)
{
    evidence->packet.bytes = evidence->packet.window = -1;
    struct word word = reader_peek(reader);
    if (reader_accept(reader, "no")) {
        evidence->sense = SENSE_NOT;
    } else if (reader_accept(reader, "never")) {
        evidence->sense = SENSE_NEVER;
    } else if (word.at && word.at[0] >= '0' && word.at[0] <= '9') {
        evidence->sense = SENSE_COUNT;
        evidence->count = (uint32_t)reader_number(reader, 0, 1 << 20, "a number");
        if (!reader_accept(reader, "times") && !reader_accept(reader, "time"))
            reader_fail(reader, reader_peek(reader), "'times'");
    }
    read_subject(reader, evidence);
    if (!reader->failed && evidence->sense != SENSE_SEEN && evidence->see != SEE_PACKET &&
        evidence->see != SEE_STATE && evidence->see != SEE_RESULT)
        reader_fail_say(reader, word, "'%.*s' needs a packet, a state or a call's return",
                        (int)word.length, word.at);
    read_when(reader, evidence);
    reader_expect_end(reader);
}
