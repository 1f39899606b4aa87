/* What is said of connections that failed. */
#include "scope/failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static struct story refused(uint32_t id)
{
    return (struct story){
        .id = id,
        .client = endpoint_ipv4(10, 0, 0, 1, 40000),
        .server = endpoint_ipv4(10, 0, 0, 2, 81),
        .verdict = {.open = OPEN_REFUSED,
                    .close = CLOSE_NONE,
                    .reset_seen = true,
                    .standing = STANDING_INFERRED,
                    .handshake_ns = UNSEEN_NS,
                    .evidence = {.packets = {2 * id, 2 * id + 1}, .kept = 2, .count = 2},
                    .proofs = {PROOF_SYN, PROOF_RST}}};
}

static void expect_title(const struct failures *failures, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    failure_title(failures, ADVICE_REFUSED, &english, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_done(&text);
}

static void the_first_are_named_in_the_order_of_ids(void **state)
{
    (void)state;
    static const uint32_t ids[] = {7, 3, 9, 1, 5};
    struct failures failures = {0};
    for (size_t i = 0; i < 5; i++) {
        struct story story = refused(ids[i]);
        failures_add(&failures, &story);
        if (i == 0)
            expect_title(&failures, "1 refused: connection 7 (packets 14, 15)");
    }
    expect_title(&failures, "5 refused: connections 1 (packets 2, 3), 3 (packets 6, 7), "
                            "5 (packets 10, 11), ...");
}

static void each_kind_is_advised_on_once_and_wrapped(void **state)
{
    (void)state;
    struct failures failures = {0};
    struct buffer text;
    struct story fine = {.id = 8, .verdict = {.close = CLOSE_FOUR_SEGMENT}};
    buffer_init(&text, 0);
    failures_add(&failures, &fine);
    failures_print(&failures, &english, 80, &text);
    assert_string_equal(buffer_text(&text), "");
    for (uint32_t id = 1; id < 100; id++) {
        struct story story = refused(id);
        failures_add(&failures, &story);
    }
    failures_print(&failures, &english, 60, &text);
    const char *said = buffer_text(&text), *advice = strstr(said, "Nothing listens");
    assert_non_null(advice);
    assert_null(strstr(advice + 1, "Nothing listens"));
    for (const char *line = said; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 60);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_are_named_in_the_order_of_ids),
        cmocka_unit_test(each_kind_is_advised_on_once_and_wrapped),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
