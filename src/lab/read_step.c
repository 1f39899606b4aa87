#include "lab/read_step.h"

#include <arpa/inet.h>
#include <string.h>

#include "lab/craft.h"

static const char *const call_words[] = {
    [CALL_LISTEN] = "listen",     [CALL_BIND] = "bind",   [CALL_CONNECT] = "connect",
    [CALL_ACCEPT] = "accept",     [CALL_SEND] = "send",   [CALL_RECV] = "recv",
    [CALL_SHUTDOWN] = "shutdown", [CALL_CLOSE] = "close", [CALL_SET] = "set"};

const char *lab_call_word(enum lab_call call)
{
    return call_words[call];
}

bool word_is_call(struct word word, enum lab_call *ret_call)
{
    for (int call = CALL_LISTEN; call <= CALL_SET; call++) {
        if (word_is(word, call_words[call])) {
            *ret_call = (enum lab_call)call;
            return true;
        }
    }
    return false;
}

bool read_host(struct reader *reader, enum place *ret_place)
{
    if (reader_accept(reader, "client"))
        *ret_place = PLACE_CLIENT;
    else if (reader_accept(reader, "server"))
        *ret_place = PLACE_SERVER;
    else
        return false;
    return true;
}

const char *read_socket_name(struct reader *reader)
{
    static const char *const reserved[] = {"is",    "timer",     "queue",
                                           "ports", "half-open", "sockets"};
    struct word word = reader_peek(reader);
    enum lab_call call;
    if (!word_is_name(word) || word_is_call(word, &call) || word_begins_packet(word))
        return "";
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (word_is(word, reserved[i]))
            return "";
    return reader_name(reader, "a socket's name");
}

/* --- What programs do --- */

static uint16_t read_port(struct reader *reader)
{
    return (uint16_t)reader_number(reader, 1, 65535, "a port (1 to 65535)");
}

static bool number_follows(struct reader *reader)
{
    struct word word = reader_peek(reader);
    return word.at && word.at[0] >= '0' && word.at[0] <= '9';
}

static void read_option(struct reader *reader, struct lab_do *act)
{
    struct word word = reader_peek(reader);
    act->value[0] = 1;
    if (reader_accept(reader, "reuseaddr")) {
        act->option = OPTION_REUSEADDR;
    } else if (reader_accept(reader, "nodelay")) {
        act->option = OPTION_NODELAY;
    } else if (reader_accept(reader, "rcvbuf")) {
        act->option = OPTION_RCVBUF;
        act->value[0] = (int)reader_number(reader, 0, 1 << 28, "a number of bytes");
    } else if (reader_accept(reader, "sndbuf")) {
        act->option = OPTION_SNDBUF;
        act->value[0] = (int)reader_number(reader, 0, 1 << 28, "a number of bytes");
    } else if (reader_accept(reader, "linger")) {
        act->option = OPTION_LINGER;
        act->value[0] =
            (int)reader_number(reader, 0, 0, "0: the only time it may linger");
    } else if (reader_accept(reader, "keepalive")) {
        act->option = OPTION_KEEPALIVE;
        for (int i = 0; i < 3; i++)
            act->value[i] = (int)reader_number(
                reader, 1, 32767, "seconds idle, seconds between, and how many probes");
    } else if (reader_accept(reader, "quickack")) {
        act->option = OPTION_QUICKACK;
        act->value[0] = !reader_accept(reader, "off");
    } else {
        reader_fail(reader, word,
                    "reuseaddr, nodelay, quickack, rcvbuf, sndbuf, linger or keepalive");
    }
}

/* "TEXT" or "N bytes". */
static void read_payload(struct reader *reader, struct lab_do *act)
{
    if (number_follows(reader)) {
        act->length = (size_t)reader_number(reader, 1, 1 << 24, "a number of bytes");
        if (!reader_accept(reader, "bytes") && !reader_accept(reader, "byte"))
            reader_fail(reader, reader_peek(reader), "'bytes'");
    } else {
        act->text = reader_string(reader, &act->length);
    }
}

static void read_arguments(struct reader *reader, struct lab_do *act)
{
    switch (act->call) {
    case CALL_LISTEN:
        act->backlog = 5;
        act->port = LAB_SERVER_PORT;
        if (number_follows(reader))
            act->port = read_port(reader);
        if (reader_accept(reader, "backlog"))
            act->backlog =
                (int)reader_number(reader, 0, 65535, "a number of connections");
        break;
    case CALL_BIND: act->port = read_port(reader); break;
    case CALL_CONNECT:
        if (number_follows(reader))
            act->port = read_port(reader);
        if (reader_accept(reader, "with"))
            act->text = reader_string(reader, &act->length);
        break;
    case CALL_ACCEPT:
        act->as = "";
        if (reader_accept(reader, "as"))
            act->as = reader_name(reader, "a name for the new socket");
        break;
    case CALL_SEND: read_payload(reader, act); break;
    case CALL_RECV:
        act->most = 65536;
        act->all = reader_accept(reader, "all");
        if (act->all || number_follows(reader))
            act->most = (size_t)reader_number(reader, 1, 1 << 24, "a number of bytes");
        if (reader_accept(reader, "then")) {
            act->then_close = true;
            if (!reader_accept(reader, "close"))
                reader_fail(reader, reader_peek(reader), "'close'");
        }
        break;
    case CALL_SET: read_option(reader, act); break;
    case CALL_SHUTDOWN:
    case CALL_CLOSE: break;
    }
}

static void read_do(struct reader *reader, struct lab_do *act)
{
    read_host(reader, &act->socket.place);
    struct word first = reader_peek(reader);
    act->socket.name = read_socket_name(reader);
    struct word word = reader_peek(reader);
    if (!word.at)
        word = first; /* it was meant for a call, and is no name */
    if (!word_is_call(word, &act->call)) {
        reader_fail(reader, word,
                    "listen, bind, connect, accept, send, recv, shutdown, close or set");
        return;
    }
    reader_take(reader);
    /* Who listens and who talks are two sockets; mostly nobody needs to name them. */
    if (!act->socket.name[0] && (act->call == CALL_LISTEN || act->call == CALL_ACCEPT))
        act->socket.name = "listener";
    read_arguments(reader, act);
}

/* --- What the wire does --- */

/* What the wire decides by is what a packet says itself, as it passes. */
static void check_rule(struct reader *reader, struct word word,
                       const struct lab_packet *packet)
{
    if (packet->again || packet->lost || packet->seq.given || packet->ack.given)
        reader_fail_say(
            reader, word,
            "the wire knows no 'again', 'lost', seq= or ack= of a packet that "
            "passes");
}

static void read_from(struct reader *reader, struct lab_packet *packet)
{
    struct word word = reader_peek(reader);
    packet->from = PLACE_WIRE;
    if (!read_host(reader, &packet->from)) {
        reader_fail(reader, word, "client or server, and which of its packets");
        return;
    }
    const char *name = read_socket_name(reader);
    packet->connection = name[0] ? name : NULL;
    read_packet(reader, packet);
}

static uint32_t read_times(struct reader *reader, uint32_t otherwise)
{
    if (reader_accept(reader, "always"))
        return LAB_ALWAYS;
    if (!number_follows(reader))
        return otherwise;
    uint32_t times = (uint32_t)reader_number(reader, 1, 1000, "how many times");
    if (!reader_accept(reader, "times"))
        reader_fail(reader, reader_peek(reader), "'times'");
    return times;
}

static void read_injection(struct reader *reader, struct lab_act *act)
{
    struct word word = reader_peek(reader);
    read_from(reader, &act->packet);
    if (act->packet.text && strlen(act->packet.text) > CRAFT_PAYLOAD)
        reader_fail_say(reader, word, "at most %d bytes of text can be slipped in",
                        CRAFT_PAYLOAD);
    for (;;) {
        if (reader_accept(reader, "port")) {
            act->port = read_port(reader);
        } else if (reader_accept(reader, "address")) {
            word = reader_peek(reader);
            if (inet_pton(AF_INET, reader_copy(reader, reader_take(reader)),
                          act->address) != 1)
                reader_fail(reader, word, "an IPv4 address");
        } else {
            break;
        }
    }
    act->times = read_times(reader, 1);
}

static void read_wire(struct reader *reader, struct lab_act *act)
{
    reader_take(reader);
    struct word word = reader_peek(reader);
    if (reader_accept(reader, "cut")) {
        act->what = LAB_CUT;
    } else if (reader_accept(reader, "mend")) {
        act->what = LAB_MEND;
    } else if (reader_accept(reader, "drop") || reader_accept(reader, "hold")) {
        act->what = word_is(word, "drop") ? LAB_DROP : LAB_HOLD;
        read_from(reader, &act->packet);
        check_rule(reader, word, &act->packet);
        act->times = read_times(reader, 1);
    } else if (reader_accept(reader, "delay") || reader_accept(reader, "duplicate")) {
        act->what = word_is(word, "delay") ? LAB_DELAY : LAB_DUPLICATE;
        read_from(reader, &act->packet);
        check_rule(reader, word, &act->packet);
        act->times = read_times(reader, 1);
        if (!reader_accept(reader, "by") && !reader_accept(reader, "after"))
            reader_fail(reader, reader_peek(reader), "'by' and a duration (by 150 ms)");
        act->delay_ns = reader_duration(reader);
    } else if (reader_accept(reader, "release")) {
        act->what = LAB_RELEASE;
        act->all = reader_accept(reader, "all");
        if (!act->all) {
            read_from(reader, &act->packet);
            check_rule(reader, word, &act->packet);
        }
    } else if (reader_accept(reader, "inject")) {
        act->what = LAB_INJECT;
        read_injection(reader, act);
    } else if (reader_accept(reader, "replay")) {
        act->what = LAB_REPLAY;
        read_from(reader, &act->packet);
        check_rule(reader, word, &act->packet);
    } else {
        reader_fail(reader, word,
                    "drop, hold, delay, duplicate, release, inject, replay, cut or mend");
    }
}

/* --- Steps --- */

bool is_step(struct word first)
{
    static const char *const words[] = {"setting", "client", "server", "wire",
                                        "wait",    "expect", "require"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (word_is(first, words[i]))
            return true;
    return false;
}

const char *reader_setting(struct reader *reader)
{
    static const char expected[] = "a setting's name under net.ipv4 (tcp_syn_retries)";
    struct word word = reader_take(reader);
    if (!word.at)
        reader_fail(reader, word, expected);
    for (size_t i = 0; word.at && i < word.length; i++)
        if (!(word.at[i] >= 'a' && word.at[i] <= 'z') &&
            !(word.at[i] >= '0' && word.at[i] <= '9') && word.at[i] != '_')
            reader_fail(reader, word, expected);
    return reader_copy(reader, word);
}

/* "setting server tcp_syncookies 0", "... if known". */
static void read_setting(struct reader *reader, struct lab_step *step)
{
    reader_take(reader);
    struct word word = reader_peek(reader);
    if (!read_host(reader, &step->setting.place))
        reader_fail(reader, word, "client or server");
    step->setting.name = reader_setting(reader);
    word = reader_take(reader);
    if (!word.at || !word.length || word.at[0] == '"')
        reader_fail(reader, word, "its value");
    step->setting.value = reader_copy(reader, word);
    if (reader_accept(reader, "if")) {
        step->setting.if_known = true;
        if (!reader_accept(reader, "known"))
            reader_fail(reader, reader_peek(reader), "'known'");
    }
}

struct lab_step *read_step(struct reader *reader)
{
    struct lab_step *step = reader_alloc(reader, sizeof *step);
    struct word first = reader_peek(reader);
    if (!step)
        return NULL;
    step->line = reader->number;
    step->words = reader_copy(
        reader, (struct word){reader->line, (size_t)(reader->line_end - reader->line)});
    if (word_is(first, "setting")) {
        step->kind = STEP_SETTING;
        read_setting(reader, step);
    } else if (word_is(first, "wire")) {
        step->kind = STEP_WIRE;
        read_wire(reader, &step->wire);
    } else if (word_is(first, "wait")) {
        step->kind = STEP_WAIT;
        reader_take(reader);
        step->wait_ns = reader_duration(reader);
    } else if (word_is(first, "client") || word_is(first, "server")) {
        step->kind = STEP_DO;
        read_do(reader, &step->act);
    } else {
        step->kind = STEP_EVIDENCE;
        step->evidence.required = word_is(reader_take(reader), "require");
        read_evidence(reader, &step->evidence);
    }
    reader_expect_end(reader);
    return reader->failed ? NULL : step;
}
