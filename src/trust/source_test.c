#include "trust/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static int make_sources(void **state)
{
    return sources_new((struct sources **)state, NULL);
}

static int free_sources(void **state)
{
    sources_free((struct sources **)state);
    sources_free((struct sources **)state);
    return 0;
}

static struct endpoint numbered(unsigned number)
{
    return endpoint_ipv4(10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                         (uint8_t)number, 1);
}

static void a_few_mistakes_are_free_and_then_there_is_one_guess_a_debt(void **state)
{
    struct sources *sources = *state;
    const struct endpoint one = numbered(1), other = numbered(2);
    int64_t now_ns = NS_PER_S;
    assert_int_equal(sources_refused_ns(sources, &one, now_ns), 0);
    for (int guess = 0; guess < 3; guess++) {
        assert_int_equal(sources_refused_ns(sources, &one, now_ns), 0);
        sources_owe(sources, &one, now_ns, 5 * NS_PER_S);
    }
    assert_true(sources_refused_ns(sources, &one, now_ns) > 0);
    assert_int_equal(sources_refused_ns(sources, &other, now_ns), 0);
    int64_t wait_ns = sources_refused_ns(sources, &one, now_ns);
    assert_true(sources_refused_ns(sources, &one, now_ns + wait_ns - 1) > 0);
    now_ns += wait_ns;
    assert_int_equal(sources_refused_ns(sources, &one, now_ns), 0);
    sources_owe(sources, &one, now_ns, 5 * NS_PER_S);
    wait_ns = sources_refused_ns(sources, &one, now_ns);
    assert_true(wait_ns > 4 * NS_PER_S && wait_ns <= 5 * NS_PER_S);
}

static void no_debt_is_without_end(void **state)
{
    struct sources *sources = *state;
    const struct endpoint one = numbered(1);
    for (int i = 0; i < 10000; i++)
        sources_owe(sources, &one, 0, 5 * NS_PER_S);
    assert_true(sources_refused_ns(sources, &one, 0) <= SOURCES_DEBT_MOST_NS);
    assert_int_equal(sources_refused_ns(sources, &one, SOURCES_DEBT_MOST_NS), 0);
}

static void of_ipv6_a_whole_site_is_one_source(void **state)
{
    struct sources *sources = *state;
    struct endpoint one = {
        .family = 6, .address = {0x20, 1, [7] = 1, [15] = 1}, .port = 1};
    struct endpoint same_site = one, other_site = one;
    same_site.address[12] = 9;
    same_site.port = 2;
    other_site.address[7] = 2;
    sources_owe(sources, &one, 0, 60 * NS_PER_S);
    assert_true(sources_refused_ns(sources, &same_site, 0) > 0);
    assert_int_equal(sources_refused_ns(sources, &other_site, 0), 0);
}

static void strangers_are_counted_by_source(void **state)
{
    struct sources *sources = *state;
    const struct endpoint one = numbered(1), other = numbered(2);
    assert_int_equal(sources_enter(sources, &one, 0), 1);
    assert_int_equal(sources_enter(sources, &one, 0), 2);
    assert_int_equal(sources_enter(sources, &other, 0), 1);
    sources_leave(sources, &one, 0);
    assert_int_equal(sources_enter(sources, &one, 0), 2);
    sources_leave(sources, &other, 0);
    sources_leave(sources, &other, 0); /* counted no further down than none */
    assert_int_equal(sources_enter(sources, &other, 0), 1);
}

/* Many who owe little do not push out the one who owes much. */
static void the_table_is_bounded_and_forgets_who_owes_least(void **state)
{
    struct sources *sources = *state;
    const struct endpoint worst = numbered(0);
    sources_owe(sources, &worst, 0, 600 * NS_PER_S);
    for (unsigned i = 1; i < 100000; i++) {
        const struct endpoint one = numbered(i);
        sources_owe(sources, &one, 0, 20 * NS_PER_S);
    }
    assert_true(sources_refused_ns(sources, &worst, 0) > 500 * NS_PER_S);
}

int main(void)
{
#define with_sources(test)                                                               \
    cmocka_unit_test_setup_teardown(test, make_sources, free_sources)
    const struct CMUnitTest tests[] = {
        with_sources(a_few_mistakes_are_free_and_then_there_is_one_guess_a_debt),
        with_sources(no_debt_is_without_end),
        with_sources(of_ipv6_a_whole_site_is_one_source),
        with_sources(strangers_are_counted_by_source),
        with_sources(the_table_is_bounded_and_forgets_who_owes_least),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
