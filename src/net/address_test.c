#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void assert_words(const char *text, const char *host, bool has_port, uint16_t port)
{
    struct address_words words;
    assert_int_equal(address_parse(text, &words, NULL), 0);
    assert_string_equal(words.host, host);
    assert_int_equal(words.has_port, has_port);
    assert_int_equal(words.port, port);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct address_words words;
    struct error err = {0};
    assert_int_equal(address_parse(text, &words, &err), ERROR_ARGUMENT);
    assert_string_equal(err.sentence, sentence);
}

static void hosts_and_ports_are_taken_apart(void **state)
{
    (void)state;
    assert_words("10.9.0.2:30001", "10.9.0.2", true, 30001);
    assert_words("10.9.0.2", "10.9.0.2", false, 0);
    assert_words("example.org:80", "example.org", true, 80);
    assert_words("example.org", "example.org", false, 0);
    assert_words("30001", "", true, 30001);
    assert_words(":30001", "", true, 30001);
    assert_words("0", "", true, 0);
    assert_words("[2001:db8::1]:65535", "2001:db8::1", true, 65535);
    assert_words("[::]", "::", false, 0);
    assert_words("::1", "::1", false, 0);
    assert_words("fe80::1%lo", "fe80::1%lo", false, 0);
}

static void what_is_no_address_is_refused_in_a_sentence(void **state)
{
    (void)state;
    assert_refused("", "an address is missing");
    assert_refused("65536", "'65536' is not a port (0 to 65535)");
    assert_refused("99999999999999999999",
                   "'99999999999999999999' is not a port (0 to 65535)");
    assert_refused("host:", "'' is not a port (0 to 65535)");
    assert_refused("host:http", "'http' is not a port (0 to 65535)");
    assert_refused("host:-1", "'-1' is not a port (0 to 65535)");
    assert_refused("host:+1", "'+1' is not a port (0 to 65535)");
    assert_refused("[::1", "'[::1' is not an address ([IPv6]:PORT)");
    assert_refused("[]:1", "'[]:1' is not an address ([IPv6]:PORT)");
    assert_refused("[::1]30001", "'[::1]30001' is not an address ([IPv6]:PORT)");
    assert_refused("h\x1b[31m:x\n", "'x^J' is not a port (0 to 65535)");
    char endless[1000];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_refused(endless, "the host name is too long");
}

static struct endpoint first_endpoint(const char *text)
{
    struct address_list list;
    assert_int_equal(address_read(text, "127.0.0.1", 30001, &list, NULL), 0);
    assert_true(list.count > 0);
    return endpoint_from_address((struct sockaddr *)&list.addresses[0].storage);
}

static void assert_found(const char *text, const char *expected)
{
    char spelled[ENDPOINT_TEXT];
    struct endpoint endpoint = first_endpoint(text);
    assert_string_equal(endpoint_format(&endpoint, spelled), expected);
}

static void what_was_not_written_is_filled_in(void **state)
{
    (void)state;
    assert_found("10.9.0.2:1", "10.9.0.2:1");
    assert_found("10.9.0.2", "10.9.0.2:30001");
    assert_found("4000", "127.0.0.1:4000");
    assert_found(":4000", "127.0.0.1:4000");
    assert_found("[2001:db8::1]:5", "[2001:db8::1]:5");
    assert_found("::1", "[::1]:30001");
}

static void an_unknown_host_is_named(void **state)
{
    (void)state;
    struct address_list list;
    struct error err = {0};
    /* A space is in no host name, so that no name server is asked. */
    assert_int_equal(address_find("no such host", 1, &list, &err), ERROR_ABSENT);
    assert_ptr_equal(strstr(err.sentence, "unknown host 'no such host'"), err.sentence);
}

static void endpoints_and_system_addresses_turn_into_each_other(void **state)
{
    (void)state;
    struct endpoint ipv4 = endpoint_ipv4(10, 9, 0, 1, 40001), back;
    struct address address = address_from_endpoint(&ipv4);
    assert_int_equal(address.length, sizeof(struct sockaddr_in));
    back = endpoint_from_address((struct sockaddr *)&address.storage);
    assert_true(endpoint_equal(&ipv4, &back));

    struct endpoint ipv6 = first_endpoint("[2001:db8::7]:9");
    address = address_from_endpoint(&ipv6);
    assert_int_equal(address.length, sizeof(struct sockaddr_in6));
    back = endpoint_from_address((struct sockaddr *)&address.storage);
    assert_true(endpoint_equal(&ipv6, &back));

    struct endpoint none = {0};
    address = address_from_endpoint(&none);
    back = endpoint_from_address((struct sockaddr *)&address.storage);
    assert_true(endpoint_equal(&none, &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_are_taken_apart),
        cmocka_unit_test(what_is_no_address_is_refused_in_a_sentence),
        cmocka_unit_test(what_was_not_written_is_filled_in),
        cmocka_unit_test(an_unknown_host_is_named),
        cmocka_unit_test(endpoints_and_system_addresses_turn_into_each_other),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
