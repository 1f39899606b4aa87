#include "base/endpoint.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_spelled(const char *address, uint16_t port, const char *expected)
{
    struct endpoint endpoint = {.family = 6, .port = port};
    char text[ENDPOINT_TEXT];
    assert_int_equal(inet_pton(AF_INET6, address, endpoint.address), 1);
    assert_string_equal(endpoint_format(&endpoint, text), expected);
}

static void ipv4_is_written_with_dots_and_a_port(void **state)
{
    (void)state;
    char text[ENDPOINT_TEXT];
    struct endpoint endpoint = endpoint_ipv4(10, 9, 0, 1, 40001);
    assert_ptr_equal(endpoint_format(&endpoint, text), text);
    assert_string_equal(text, "10.9.0.1:40001");
    endpoint = endpoint_ipv4(255, 255, 255, 255, 65535);
    assert_string_equal(endpoint_format(&endpoint, text), "255.255.255.255:65535");
}

static void ipv6_is_written_as_rfc_5952_says(void **state)
{
    (void)state;
    assert_spelled("2001:DB8:0:0:0:0:0:1", 80, "[2001:db8::1]:80");
    assert_spelled("::", 0, "[::]:0");
    assert_spelled("2001:db8:0:1:1:1:1:1", 1, "[2001:db8:0:1:1:1:1:1]:1"); /* 4.2.2 */
    assert_spelled("2001:0:0:1:0:0:0:1", 1, "[2001:0:0:1::1]:1"); /* 4.2.3, longest */
    assert_spelled("2001:db8:0:0:1:0:0:1", 1,
                   "[2001:db8::1:0:0:1]:1");                       /* the first of two */
    assert_spelled("::ffff:192.0.2.1", 1, "[::ffff:192.0.2.1]:1"); /* 5, mixed */
    assert_spelled("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
                   "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void none_is_a_question_mark(void **state)
{
    (void)state;
    char text[ENDPOINT_TEXT];
    assert_string_equal(endpoint_format(&(struct endpoint){0}, text), "?");
}

static void ipv4_inside_ipv6_is_ipv4(void **state)
{
    (void)state;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    char text[ENDPOINT_TEXT];
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.9.0.1", &address.sin6_addr), 1);
    struct endpoint endpoint = endpoint_from_address((struct sockaddr *)&address);
    assert_string_equal(endpoint_format(&endpoint, text), "10.9.0.1:7");
}

static void an_address_of_another_family_is_none(void **state)
{
    (void)state;
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct endpoint endpoint = endpoint_from_address(&local), none = {0};
    assert_true(endpoint_equal(&endpoint, &none));
}

static void an_address_is_written_without_its_port(void **state)
{
    (void)state;
    char text[ENDPOINT_TEXT];
    struct endpoint ipv4 = endpoint_ipv4(10, 9, 0, 1, 7), none = {0};
    struct endpoint ipv6 = {.family = 6, .address = {0x20, 1, 0xd, 0xb8, [15] = 1}};
    assert_string_equal(endpoint_format_address(&ipv4, text), "10.9.0.1");
    assert_string_equal(endpoint_format_address(&ipv6, text), "2001:db8::1");
    assert_string_equal(endpoint_format_address(&none, text), "?");
}

static void loopback_is_a_whole_net_of_ipv4_and_one_address_of_ipv6(void **state)
{
    (void)state;
    const struct endpoint near[] = {endpoint_ipv4(127, 0, 0, 1, 1),
                                    endpoint_ipv4(127, 255, 255, 255, 0),
                                    {.family = 6, .address = {[15] = 1}}};
    const struct endpoint far[] = {endpoint_ipv4(128, 0, 0, 1, 1),
                                   endpoint_ipv4(0, 0, 0, 0, 1),
                                   {.family = 6, .address = {[15] = 2}},
                                   {.family = 6, .address = {127, [15] = 1}},
                                   {0}};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        assert_true(endpoint_is_loopback(&near[i]));
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        assert_false(endpoint_is_loopback(&far[i]));
}

static void equal_means_family_address_and_port(void **state)
{
    (void)state;
    struct endpoint a = endpoint_ipv4(10, 9, 0, 1, 40001), b = a;
    assert_true(endpoint_equal(&a, &b));
    b.port = 40002;
    assert_false(endpoint_equal(&a, &b));
    b = a;
    b.address[3] = 2;
    assert_false(endpoint_equal(&a, &b));
    b = a;
    b.family = 6;
    assert_false(endpoint_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_is_written_with_dots_and_a_port),
        cmocka_unit_test(ipv6_is_written_as_rfc_5952_says),
        cmocka_unit_test(none_is_a_question_mark),
        cmocka_unit_test(ipv4_inside_ipv6_is_ipv4),
        cmocka_unit_test(an_address_of_another_family_is_none),
        cmocka_unit_test(an_address_is_written_without_its_port),
        cmocka_unit_test(loopback_is_a_whole_net_of_ipv4_and_one_address_of_ipv6),
        cmocka_unit_test(equal_means_family_address_and_port),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
