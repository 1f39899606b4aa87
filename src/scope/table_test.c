/* A table in a terminal of some width. */
#include "scope/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/visible.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static struct row row_of_ipv4(void)
{
    return (struct row){.id = 7,
                        .client = endpoint_ipv4(192, 168, 100, 200, 54321),
                        .server = endpoint_ipv4(10, 0, 0, 2, 80),
                        .close = CLOSE_THREE_SEGMENT,
                        .closed_first = SIDE_CLIENT,
                        .handshake_ns = 1230000,
                        .end_ns = 4560000,
                        .packets = 8,
                        .client_bytes = 1500,
                        .anomalies =
                            1U << ANOMALY_SYN_RETRANSMITTED | 1U << ANOMALY_ZERO_WINDOW};
}

static struct row row_of_ipv6(void)
{
    struct row row = row_of_ipv4();
    for (uint8_t i = 0; i < 16; i++)
        row.client.address[i] = row.server.address[i] = (uint8_t)(0x20 + i);
    row.client.family = row.server.family = 6;
    return row;
}

/* Header and row at that width; every line fits it. */
static void print(struct table table, const struct row *row, struct buffer *text)
{
    buffer_init(text, 0);
    table.words = &english;
    table_fit(&table, row, 1);
    table_header(&table, text);
    table_row(&table, row, text);
    for (const char *line = buffer_text(text); *line; line += strcspn(line, "\n") + 1)
        if (table.width && visible_width(line, strcspn(line, "\n")) > table.width)
            fail_msg("wider than %d: %s", table.width, line);
}

static void without_bounds_everything_is_there(void **state)
{
    (void)state;
    struct buffer text;
    struct row row = row_of_ipv4();
    print((struct table){0}, &row, &text);
    assert_string_equal(
        buffer_text(&text),
        "id  client                 server       open       close          who         rtt"
        "  duration     bytes  packets  anomalies\n"
        " 7  192.168.100.200:54321  10.0.0.2:80  three-way  three-segment  client  1.23 ms"
        "   4.56 ms  1.46 KiB        8  syn-retransmitted zero-window\n");
    buffer_done(&text);
}

static void a_narrow_terminal_has_fewer_columns(void **state)
{
    (void)state;
    struct buffer text;
    struct row row = row_of_ipv4();
    print((struct table){.width = 80}, &row, &text);
    assert_non_null(strstr(buffer_text(&text), "client"));
    assert_null(strstr(buffer_text(&text), "packets"));
    buffer_done(&text);
}

static void what_is_sorted_by_stays(void **state)
{
    (void)state;
    struct buffer text;
    struct row row = row_of_ipv4();
    print((struct table){.width = 80, .wanted = COLUMN_BYTES}, &row, &text);
    assert_non_null(strstr(buffer_text(&text), "1.46 KiB"));
    buffer_done(&text);
    print((struct table){.width = 80, .wanted = COLUMN_ANOMALIES}, &row, &text);
    assert_non_null(strstr(buffer_text(&text), "syn-retransmi"));
    buffer_done(&text);
}

static void long_addresses_lose_their_middle(void **state)
{
    (void)state;
    struct buffer text;
    struct row row = row_of_ipv6();
    print((struct table){.width = 80}, &row, &text);
    assert_non_null(strstr(buffer_text(&text), "[2021:"));
    assert_non_null(strstr(buffer_text(&text), "]:54321"));
    buffer_done(&text);
}

static void anomalies_are_cut_at_the_edge(void **state)
{
    (void)state;
    struct buffer text;
    struct row row = row_of_ipv4();
    print((struct table){.width = 110}, &row, &text);
    assert_non_null(strstr(buffer_text(&text), "syn-retransmit"));
    assert_non_null(strstr(buffer_text(&text), "...\n"));
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_bounds_everything_is_there),
        cmocka_unit_test(a_narrow_terminal_has_fewer_columns),
        cmocka_unit_test(what_is_sorted_by_stays),
        cmocka_unit_test(long_addresses_lose_their_middle),
        cmocka_unit_test(anomalies_are_cut_at_the_edge),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
