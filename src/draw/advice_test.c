/* Which advice a connection gets, by what came of it. */
#include "draw/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct verdict verdict, enum advice expected)
{
    struct story story = {.verdict = verdict};
    assert_int_equal(advice_of(&story), expected);
}

static struct icmp_note icmp(uint8_t family, uint8_t type, uint8_t code)
{
    return (struct icmp_note){.family = family, .type = type, .code = code};
}

static void an_opening_that_failed(void **state)
{
    (void)state;
    expect((struct verdict){.open = OPEN_REFUSED, .reset_seen = true}, ADVICE_REFUSED);
    expect((struct verdict){.open = OPEN_REFUSED, .icmp = icmp(4, 3, 3)},
           ADVICE_REFUSED_BY_ICMP);
    expect((struct verdict){.open = OPEN_UNREACHABLE, .icmp = icmp(4, 3, 13)},
           ADVICE_FORBIDDEN);
    expect((struct verdict){.open = OPEN_UNREACHABLE, .icmp = icmp(6, 1, 1)},
           ADVICE_FORBIDDEN);
    expect((struct verdict){.open = OPEN_UNREACHABLE, .icmp = icmp(4, 11, 0)},
           ADVICE_TOO_FAR);
    expect((struct verdict){.open = OPEN_UNREACHABLE, .icmp = icmp(6, 3, 0)},
           ADVICE_TOO_FAR);
    expect((struct verdict){.open = OPEN_UNREACHABLE, .icmp = icmp(4, 3, 1)},
           ADVICE_UNREACHABLE);
    expect((struct verdict){.open = OPEN_NO_ANSWER, .syns = 1}, ADVICE_ONE_SYN);
    expect((struct verdict){.open = OPEN_NO_ANSWER, .syns = 4}, ADVICE_NO_ANSWER);
    expect((struct verdict){.open = OPEN_HALF_OPEN}, ADVICE_HALF_OPEN);
    expect((struct verdict){.open = OPEN_ABORTED, .reset_by = SIDE_CLIENT},
           ADVICE_ABORTED_BY_CLIENT);
    expect((struct verdict){.open = OPEN_ABORTED, .reset_by = SIDE_SERVER},
           ADVICE_ABORTED_BY_SERVER);
    struct verdict stale = {.open = OPEN_NO_ANSWER, .syns = 2};
    stale.anomalies[ANOMALY_CHALLENGE_ACK].count = 1;
    expect(stale, ADVICE_STALE);
}

static void a_reset_by_who_sent_it_and_what_came_before(void **state)
{
    (void)state;
    struct verdict verdict = {.close = CLOSE_RESET, .reset_by = SIDE_SERVER};
    expect(verdict, ADVICE_RESET_AT_ONCE);
    verdict.server_bytes = 1;
    expect(verdict, ADVICE_RESET_BY_SERVER);
    verdict.closed_first = SIDE_CLIENT;
    expect(verdict, ADVICE_RESET_BY_SERVER);
    verdict.closed_first = SIDE_SERVER;
    expect(verdict, ADVICE_RESET_AFTER_CLOSE);
    expect((struct verdict){.close = CLOSE_RESET, .reset_by = SIDE_CLIENT},
           ADVICE_RESET_BY_CLIENT);
}

static void what_went_wrong_in_one_that_opened(void **state)
{
    (void)state;
    static const enum advice advices[ANOMALY_KIND_COUNT] = {
        [ANOMALY_SYN_RETRANSMITTED] = ADVICE_SLOW_SERVER,
        [ANOMALY_SYNACK_RETRANSMITTED] = ADVICE_LOSS,
        [ANOMALY_FIN_RETRANSMITTED] = ADVICE_LOSS,
        [ANOMALY_DATA_RETRANSMITTED] = ADVICE_LOSS,
        [ANOMALY_ZERO_WINDOW] = ADVICE_ZERO_WINDOW,
        [ANOMALY_DATA_AFTER_CLOSE] = ADVICE_NONE,
        [ANOMALY_RST_IGNORED] = ADVICE_FORGED_RESET,
        [ANOMALY_FIN_IGNORED] = ADVICE_FORGED_RESET,
        [ANOMALY_CHALLENGE_ACK] = ADVICE_NONE,
        [ANOMALY_KEEPALIVE_UNANSWERED] = ADVICE_VANISHED,
        [ANOMALY_SEQUENCE_GAP] = ADVICE_GAP,
        [ANOMALY_PAWS_REJECTED] = ADVICE_TIMESTAMPS,
        [ANOMALY_FOUR_TUPLE_REUSED] = ADVICE_NONE,
        [ANOMALY_CAPTURED_TWICE] = ADVICE_NONE,
        [ANOMALY_CAPTURED_OUT_OF_ORDER] = ADVICE_NONE,
    };
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++) {
        struct verdict verdict = {.close = CLOSE_FOUR_SEGMENT};
        verdict.anomalies[kind].count = 1;
        expect(verdict, advices[kind]);
    }
    expect((struct verdict){.close = CLOSE_HALF_CLOSED, .server_state = STATE_CLOSE_WAIT},
           ADVICE_NOT_CLOSED);
    expect((struct verdict){.open = OPEN_NOT_SEEN, .close = CLOSE_STILL_OPEN},
           ADVICE_NOT_SEEN);
    expect((struct verdict){.close = CLOSE_FOUR_SEGMENT}, ADVICE_NONE);
    expect((struct verdict){.open = OPEN_REFUSED, .evicted = true}, ADVICE_EVICTED);
}

static void every_advice_says_something_to_check(void **state)
{
    (void)state;
    for (int advice = 0; advice < ADVICE_NONE; advice++) {
        const char *text = advice_text((enum advice)advice);
        assert_non_null(advice_title((enum advice)advice));
        assert_non_null(text);
        assert_int_equal(text[strlen(text) - 1], '.');
    }
    assert_null(advice_text(ADVICE_NONE));
}

static void the_packets_are_those_of_what_is_advised_about(void **state)
{
    (void)state;
    struct verdict verdict = {0};
    verdict.anomalies[ANOMALY_FIN_RETRANSMITTED].count = 1;
    assert_ptr_equal(advice_evidence(ADVICE_LOSS, &verdict),
                     &verdict.anomalies[ANOMALY_FIN_RETRANSMITTED]);
    assert_ptr_equal(advice_evidence(ADVICE_ZERO_WINDOW, &verdict),
                     &verdict.anomalies[ANOMALY_ZERO_WINDOW]);
    assert_ptr_equal(advice_evidence(ADVICE_REFUSED, &verdict), &verdict.evidence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opening_that_failed),
        cmocka_unit_test(a_reset_by_who_sent_it_and_what_came_before),
        cmocka_unit_test(what_went_wrong_in_one_that_opened),
        cmocka_unit_test(every_advice_says_something_to_check),
        cmocka_unit_test(the_packets_are_those_of_what_is_advised_about),
    };
    return cmocka_run_group_tests_name("advice", tests, NULL, NULL);
}
