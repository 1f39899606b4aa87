/* Which packets are commented on, and with what. */
#include "scope/comments.h"

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

static void expect_comment(struct comments *comments, uint64_t number, const char *begin)
{
    struct buffer text;
    buffer_init(&text, 0);
    assert_int_equal(comments_of(comments, number, &text), begin != NULL);
    if (begin && strncmp(buffer_text(&text), begin, strlen(begin)) != 0)
        fail_msg("'%s' does not begin with '%s'", buffer_text(&text), begin);
    buffer_done(&text);
}

static void packets_are_commented_on_in_their_order(void **state)
{
    (void)state;
    struct comments *comments;
    struct story second = refused(2), first = refused(1);
    struct evidence *again = &first.verdict.anomalies[ANOMALY_SYN_RETRANSMITTED];
    *again = (struct evidence){.packets = {4}, .kept = 1, .count = 1};
    assert_int_equal(comments_new(&english, &comments), 0);
    comments_add(comments, &second);
    comments_add(comments, &first);
    comments_sort(comments);
    expect_comment(comments, 1, NULL);
    expect_comment(comments, 2,
                   "woshou: connection 1: 10.0.0.1:40000 → 10.0.0.2:81: refused: ");
    expect_comment(comments, 3,
                   "woshou: connection 1: 10.0.0.1:40000 → 10.0.0.2:81: refused: ");
    /* Packet 4 shows a thing of each connection. */
    expect_comment(
        comments, 4,
        "woshou: connection 1: the SYN was sent again\nwoshou: connection 2: ");
    expect_comment(comments, 6, NULL);
    assert_int_equal(comments_left_out(comments), 0);
    comments_free(&comments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_commented_on_in_their_order),
    };
    return cmocka_run_group_tests_name("comments", tests, NULL, NULL);
}
