/* Conditions on connections: what they hold for, and what is said of those that cannot be
 * read. */
#include "scope/where.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static struct row a_row(void)
{
    return (struct row){
        .id = 7,
        .client = endpoint_ipv4(10, 1, 2, 3, 54321),
        .server = {.family = 6, .address = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 443},
        .open = OPEN_THREE_WAY,
        .close = CLOSE_RESET,
        .reset_by = SIDE_SERVER,
        .handshake_ns = 50000000,
        .end_ns = INT64_C(90000000000),
        .packets = 12,
        .server_bytes = 2048,
        .anomalies = 1U << ANOMALY_ZERO_WINDOW};
}

static bool holds_for(const char *text, const struct row *row)
{
    struct where *where;
    struct error err = {0};
    if (where_new(text, &english, &where, &err))
        fail_msg("%s: %s", text, err.sentence);
    bool holds = where_holds(where, row);
    where_free(&where);
    assert_null(where);
    return holds;
}

static void expect_all(const char *const *texts, size_t count, bool expected)
{
    struct row row = a_row();
    for (size_t i = 0; i < count; i++)
        if (holds_for(texts[i], &row) != expected)
            fail_msg("%s", texts[i]);
}

static void what_holds(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "open=three-way",
        "OPEN = Three-Way",
        "close=reset and who=server",
        "close!=none",
        "rtt=50ms",
        "rtt>=0.05s",
        "rtt<50001us",
        "duration=1.5min",
        "duration>89",
        "bytes=2KiB",
        "bytes>2047",
        "packets<=12",
        "id=7",
        "anomalies",
        "anomalies=zero-window",
        "anomalies>=1",
        "client=10.1.2.3",
        "client=10.1.2.3:54321",
        "client=10.0.0.0/8",
        "client=10.1.2.3/31:54321",
        "client=0.0.0.0/0",
        "client=:54321",
        "server=2001:db8::1",
        "server=[2001:db8::1]:443",
        "server=2001:db8::/32",
        "server=[2001:db8::]/64:443",
        "server!=10.1.2.3",
        "not open=refused",
        "not not open=three-way",
        "open=refused or close=reset",
        "open=refused and id=1 or id=7",
        "id=7, packets=12",
        "(open=refused or id=7) and not (close=none)",
    };
    expect_all(texts, sizeof texts / sizeof *texts, true);
}

static void what_does_not_hold(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "open=refused",
        "close!=reset",
        "who=client",
        "rtt>50ms",
        "duration<90s",
        "bytes<2KB",
        "anomalies!=zero-window",
        "anomalies=rst-ignored",
        "client=10.1.2.2/32",
        "client=11.0.0.0/8",
        "client=:443",
        "client=::/0",
        "server=2001:db8::2",
        "server=[2001:db8::1]:80",
        "id=1 or id=2 and id=7",
        "not id=7",
    };
    expect_all(texts, sizeof texts / sizeof *texts, false);
}

static void a_handshake_that_was_not_seen_has_no_time(void **state)
{
    (void)state;
    struct row row = a_row();
    row.handshake_ns = UNSEEN_NS;
    assert_false(holds_for("rtt<1s", &row));
    assert_false(holds_for("rtt>=0", &row));
    assert_true(holds_for("not rtt>=0", &row));
}

static void what_cannot_be_read_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"", "at column 1 one of id, client, server"},
        {"colour=red", "at column 1 one of id, client, server"},
        {"open", "at column 5 one of = != < <= > >= is expected"},
        {"open>refused", "at column 6 = or != before a word is expected"},
        {"open=refusd", "at column 6: there is no word 'refusd' here; did you mean "
                        "'refused'?"},
        {"rtt>fast", "at column 5 a number is expected"},
        {"rtt>5kg", "at column 6 one of ns, us, ms, s, min, h is expected"},
        {"bytes>5ms", "at column 8 one of B, KB, MB, GB is expected"},
        {"client=nobody", "at column 8 an address or a port is expected"},
        {"client=10.1.2.3.4", "at column 8 an address is expected"},
        {"client=10.0.0.0/33", "at column 16 the bits of a network is expected"},
        {"client=:0", "at column 8 a port is expected"},
        {"client=:65536", "at column 8 a port is expected"},
        {"client=[2001:db8::1", "at column 20 ] is expected"},
        {"client=[", "at column 9 an address is expected"},
        {"client<10.0.0.1", "at column 8 = or != before an address is expected"},
        {"(id=1", "at column 6 ')', 'and' or 'or' is expected"},
        {"id=1 id=2", "at column 6 'and', 'or' or the end is expected"},
        {"id=1)", "at column 5 'and', 'or' or the end is expected"},
        {"id=1 and", "at column 9 one of id, client, server"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct where *where = NULL;
        struct error err = {0};
        assert_int_equal(where_new(bad[i].text, &english, &where, &err), ERROR_ARGUMENT);
        assert_null(where);
        if (strncmp(err.sentence, bad[i].sentence, strlen(bad[i].sentence)) != 0)
            fail_msg("%s: %s", bad[i].text, err.sentence);
    }
}

static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    static char text[8 * 300];
    struct where *where;
    struct error err = {0};
    memset(text, '(', 100);
    assert_int_equal(where_new(text, &english, &where, &err), ERROR_ARGUMENT);
    assert_non_null(strstr(err.sentence, "less nesting"));
    *text = '\0';
    for (int i = 0; i < 200; i++)
        strcat(text, i ? " or id=1" : "id=1");
    assert_int_equal(where_new(text, &english, &where, &err), ERROR_ARGUMENT);
    assert_string_equal(err.sentence, "there are too many conditions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds),
        cmocka_unit_test(what_does_not_hold),
        cmocka_unit_test(a_handshake_that_was_not_seen_has_no_time),
        cmocka_unit_test(what_cannot_be_read_is_told_with_its_place),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests_name("where", tests, NULL, NULL);
}
