/* The table, cell by cell, against RFC 9293. Each test says one rule and names every cell
 * it answers for; the last checks that no cell is left unsaid. */
#include "tcp/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const events[STATE_EVENT_COUNT] = {
    [SENT_SYN] = "sending SYN",
    [SENT_SYN_ACK] = "sending SYN ACK",
    [SENT_OTHER] = "sending ACK or data",
    [SENT_FIN] = "sending FIN",
    [SENT_RST] = "sending RST",
    [RECEIVED_SYN] = "receiving SYN",
    [RECEIVED_SYN_ACK] = "receiving SYN ACK",
    [RECEIVED_ACK] = "receiving ACK",
    [RECEIVED_ACK_OF_FIN] = "receiving ACK of FIN",
    [RECEIVED_FIN] = "receiving FIN",
    [RECEIVED_FIN_ACK_OF_FIN] = "receiving FIN and ACK of FIN",
    [RECEIVED_RST] = "receiving RST",
};

static bool said[STATE_COUNT][STATE_EVENT_COUNT];

static void leads(enum tcp_state from, enum state_event event, enum tcp_state to)
{
    enum tcp_state after = state_after(from, event);
    if (after != to)
        fail_msg("%s, on %s, leads to %s and not to %s", state_word(from), events[event],
                 state_word(after), state_word(to));
    said[from][event] = true;
}

/* The event changes nothing in these states. */
#define stays(event, ...)                                                                \
    do {                                                                                 \
        const enum tcp_state among[] = {__VA_ARGS__};                                    \
        for (size_t i = 0; i < sizeof among / sizeof among[0]; i++)                      \
            leads(among[i], event, among[i]);                                            \
    } while (0)

#define SYNCHRONISED                                                                     \
    STATE_ESTABLISHED, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT,             \
        STATE_CLOSING, STATE_LAST_ACK

/* Figure 5: active OPEN / snd SYN; TIME_WAIT may be taken over (3.10.7.4, RFC 6191). */
static void a_syn_sent_opens(void **state)
{
    (void)state;
    leads(STATE_NONE, SENT_SYN, STATE_SYN_SENT);
    leads(STATE_CLOSED, SENT_SYN, STATE_SYN_SENT);
    leads(STATE_LISTEN, SENT_SYN, STATE_SYN_SENT);
    leads(STATE_TIME_WAIT, SENT_SYN, STATE_SYN_SENT);
    stays(SENT_SYN, STATE_SYN_SENT, STATE_SYN_RECEIVED, SYNCHRONISED);
}

/* Figure 5: rcv SYN / snd SYN,ACK: the sending shows that the SYN was taken. */
static void a_syn_ack_sent_is_syn_received(void **state)
{
    (void)state;
    leads(STATE_NONE, SENT_SYN_ACK, STATE_SYN_RECEIVED);
    leads(STATE_CLOSED, SENT_SYN_ACK, STATE_SYN_RECEIVED);
    leads(STATE_LISTEN, SENT_SYN_ACK, STATE_SYN_RECEIVED);
    leads(STATE_SYN_SENT, SENT_SYN_ACK, STATE_SYN_RECEIVED);
    leads(STATE_TIME_WAIT, SENT_SYN_ACK, STATE_SYN_RECEIVED);
    stays(SENT_SYN_ACK, STATE_SYN_RECEIVED, SYNCHRONISED);
}

/* Before a SYN-ACK has come nothing is acknowledged: an ACK shows that one has. */
static void an_ack_sent_from_syn_sent_shows_the_syn_ack(void **state)
{
    (void)state;
    leads(STATE_SYN_SENT, SENT_OTHER, STATE_ESTABLISHED);
    stays(SENT_OTHER, STATE_NONE, STATE_CLOSED, STATE_LISTEN, STATE_SYN_RECEIVED,
          SYNCHRONISED, STATE_TIME_WAIT);
}

/* Figure 5: CLOSE / snd FIN. The first FIN seen of an unknown end is an active close. */
static void a_fin_sent_closes(void **state)
{
    (void)state;
    leads(STATE_NONE, SENT_FIN, STATE_FIN_WAIT_1);
    leads(STATE_SYN_SENT, SENT_FIN, STATE_FIN_WAIT_1);
    leads(STATE_SYN_RECEIVED, SENT_FIN, STATE_FIN_WAIT_1);
    leads(STATE_ESTABLISHED, SENT_FIN, STATE_FIN_WAIT_1);
    leads(STATE_CLOSE_WAIT, SENT_FIN, STATE_LAST_ACK);
    stays(SENT_FIN, STATE_CLOSED, STATE_LISTEN, STATE_FIN_WAIT_1, STATE_FIN_WAIT_2,
          STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT);
}

/* 3.10.5 ABORT; 3.5.2: SYN_SENT answers old segments with resets, and goes on. */
static void a_reset_sent_ends_all_but_a_syn_on_its_way(void **state)
{
    (void)state;
    static const enum tcp_state ends[] = {STATE_NONE, STATE_CLOSED, STATE_SYN_RECEIVED,
                                          SYNCHRONISED, STATE_TIME_WAIT};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        leads(ends[i], SENT_RST, STATE_CLOSED);
    stays(SENT_RST, STATE_LISTEN, STATE_SYN_SENT);
}

/* Figure 5: LISTEN and, simultaneously, SYN_SENT; a closed port answers with a reset;
 * 3.10.7.4: later a SYN is only challenged. */
static void a_syn_received_counts_where_one_listens_or_opens(void **state)
{
    (void)state;
    leads(STATE_LISTEN, RECEIVED_SYN, STATE_SYN_RECEIVED);
    leads(STATE_SYN_SENT, RECEIVED_SYN, STATE_SYN_RECEIVED);
    stays(RECEIVED_SYN, STATE_NONE, STATE_CLOSED, STATE_SYN_RECEIVED, SYNCHRONISED,
          STATE_TIME_WAIT);
}

/* Figure 5: rcv SYN,ACK / snd ACK; 3.5: in a simultaneous open it is the ACK of SYN. */
static void a_syn_ack_received_establishes(void **state)
{
    (void)state;
    leads(STATE_NONE, RECEIVED_SYN_ACK, STATE_ESTABLISHED);
    leads(STATE_SYN_SENT, RECEIVED_SYN_ACK, STATE_ESTABLISHED);
    leads(STATE_SYN_RECEIVED, RECEIVED_SYN_ACK, STATE_ESTABLISHED);
    stays(RECEIVED_SYN_ACK, STATE_CLOSED, STATE_LISTEN, SYNCHRONISED, STATE_TIME_WAIT);
}

/* Figure 5: rcv ACK of SYN. */
static void an_ack_received_completes_the_handshake_and_nothing_else(void **state)
{
    (void)state;
    leads(STATE_SYN_RECEIVED, RECEIVED_ACK, STATE_ESTABLISHED);
    stays(RECEIVED_ACK, STATE_NONE, STATE_CLOSED, STATE_LISTEN, STATE_SYN_SENT,
          SYNCHRONISED, STATE_TIME_WAIT);
}

/* Figure 5: rcv ACK of FIN. Of states that have sent none it says no more than an ACK. */
static void an_ack_of_the_fin_moves_each_closer_on(void **state)
{
    (void)state;
    leads(STATE_NONE, RECEIVED_ACK_OF_FIN, STATE_FIN_WAIT_2);
    leads(STATE_SYN_RECEIVED, RECEIVED_ACK_OF_FIN, STATE_ESTABLISHED);
    leads(STATE_FIN_WAIT_1, RECEIVED_ACK_OF_FIN, STATE_FIN_WAIT_2);
    leads(STATE_CLOSING, RECEIVED_ACK_OF_FIN, STATE_TIME_WAIT);
    leads(STATE_LAST_ACK, RECEIVED_ACK_OF_FIN, STATE_CLOSED);
    stays(RECEIVED_ACK_OF_FIN, STATE_CLOSED, STATE_LISTEN, STATE_SYN_SENT,
          STATE_ESTABLISHED, STATE_FIN_WAIT_2, STATE_CLOSE_WAIT, STATE_TIME_WAIT);
}

/* Figure 5: rcv FIN / snd ACK; 3.10.7.4, eighth: not in CLOSED, LISTEN, SYN_SENT. */
static void a_fin_received_ends_the_other_direction(void **state)
{
    (void)state;
    leads(STATE_NONE, RECEIVED_FIN, STATE_CLOSE_WAIT);
    leads(STATE_SYN_RECEIVED, RECEIVED_FIN, STATE_CLOSE_WAIT);
    leads(STATE_ESTABLISHED, RECEIVED_FIN, STATE_CLOSE_WAIT);
    leads(STATE_FIN_WAIT_1, RECEIVED_FIN, STATE_CLOSING);
    leads(STATE_FIN_WAIT_2, RECEIVED_FIN, STATE_TIME_WAIT);
    stays(RECEIVED_FIN, STATE_CLOSED, STATE_LISTEN, STATE_SYN_SENT, STATE_CLOSE_WAIT,
          STATE_CLOSING, STATE_LAST_ACK, STATE_TIME_WAIT);
}

/* 3.6: the three-segment close, FIN_WAIT_1 straight to TIME_WAIT. */
static void a_fin_that_acknowledges_ours_does_both(void **state)
{
    (void)state;
    leads(STATE_NONE, RECEIVED_FIN_ACK_OF_FIN, STATE_TIME_WAIT);
    leads(STATE_SYN_RECEIVED, RECEIVED_FIN_ACK_OF_FIN, STATE_CLOSE_WAIT);
    leads(STATE_ESTABLISHED, RECEIVED_FIN_ACK_OF_FIN, STATE_CLOSE_WAIT);
    leads(STATE_FIN_WAIT_1, RECEIVED_FIN_ACK_OF_FIN, STATE_TIME_WAIT);
    leads(STATE_FIN_WAIT_2, RECEIVED_FIN_ACK_OF_FIN, STATE_TIME_WAIT);
    leads(STATE_CLOSING, RECEIVED_FIN_ACK_OF_FIN, STATE_TIME_WAIT);
    leads(STATE_LAST_ACK, RECEIVED_FIN_ACK_OF_FIN, STATE_CLOSED);
    stays(RECEIVED_FIN_ACK_OF_FIN, STATE_CLOSED, STATE_LISTEN, STATE_SYN_SENT,
          STATE_CLOSE_WAIT, STATE_TIME_WAIT);
}

/* 3.5.3: any connection ends; what listens does not hear it. */
static void a_reset_received_ends_any_connection(void **state)
{
    (void)state;
    static const enum tcp_state ends[] = {STATE_NONE,     STATE_CLOSED,
                                          STATE_SYN_SENT, STATE_SYN_RECEIVED,
                                          SYNCHRONISED,   STATE_TIME_WAIT};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        leads(ends[i], RECEIVED_RST, STATE_CLOSED);
    stays(RECEIVED_RST, STATE_LISTEN);
}

static void every_cell_was_said(void **state)
{
    (void)state;
    for (int from = 0; from < STATE_COUNT; from++)
        for (int event = 0; event < STATE_EVENT_COUNT; event++)
            if (!said[from][event])
                fail_msg("nothing is said of %s on %s", state_word((enum tcp_state)from),
                         events[event]);
}

/* --- the document --- */

enum { TABLE_BYTES = 16384, DOCUMENT_BYTES = 32768 };

__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TABLE_BYTES - length, format, arguments);
    va_end(arguments);
}

static const char *shown(enum tcp_state state)
{
    return state == STATE_NONE ? "UNKNOWN" : state_word(state);
}

/* Markdown: a row a state, a column an event, and a dot where the state stays. */
static void print_table(char table[TABLE_BYTES])
{
    table[0] = '\0';
    add(table, "| state |");
    for (int event = 0; event < STATE_EVENT_COUNT; event++)
        add(table, " %s |", events[event]);
    add(table, "\n|---|");
    for (int event = 0; event < STATE_EVENT_COUNT; event++)
        add(table, "---|");
    for (int from = 0; from < STATE_COUNT; from++) {
        add(table, "\n| **%s** |", shown((enum tcp_state)from));
        for (int event = 0; event < STATE_EVENT_COUNT; event++) {
            enum tcp_state to =
                state_after((enum tcp_state)from, (enum state_event)event);
            add(table, " %s |", to == (enum tcp_state)from ? "·" : shown(to));
        }
    }
    add(table, "\n");
}

/* Fails, and prints what the document should hold. */
static void the_document_has_the_table(void **state)
{
    (void)state;
    static char table[TABLE_BYTES], document[DOCUMENT_BYTES];
    FILE *file = fopen(STATES_DOCUMENT, "r");
    assert_non_null(file);
    document[fread(document, 1, sizeof document - 1, file)] = '\0';
    fclose(file);
    print_table(table);
    if (strstr(document, table))
        return;
    fputs(table, stderr);
    fail_msg("doc/states.md does not hold the table above");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_sent_opens),
        cmocka_unit_test(a_syn_ack_sent_is_syn_received),
        cmocka_unit_test(an_ack_sent_from_syn_sent_shows_the_syn_ack),
        cmocka_unit_test(a_fin_sent_closes),
        cmocka_unit_test(a_reset_sent_ends_all_but_a_syn_on_its_way),
        cmocka_unit_test(a_syn_received_counts_where_one_listens_or_opens),
        cmocka_unit_test(a_syn_ack_received_establishes),
        cmocka_unit_test(an_ack_received_completes_the_handshake_and_nothing_else),
        cmocka_unit_test(an_ack_of_the_fin_moves_each_closer_on),
        cmocka_unit_test(a_fin_received_ends_the_other_direction),
        cmocka_unit_test(a_fin_that_acknowledges_ours_does_both),
        cmocka_unit_test(a_reset_received_ends_any_connection),
        cmocka_unit_test(every_cell_was_said),
        cmocka_unit_test(the_document_has_the_table),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
