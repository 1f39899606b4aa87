/* The outbox: what was sent, what was answered, and what is to be sent again. */
#include "text/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct outbox *outbox, const char *text)
{
    assert_non_null(outbox_add(outbox, "", 0, text, strlen(text)));
}

/* Sends what there is to send; the numbers in order. */
static const char *send_all(struct outbox *outbox)
{
    static char sent[64];
    sent[0] = 0;
    for (struct outgoing *message; (message = outbox_next(outbox));) {
        size_t length = strlen(sent);
        snprintf(sent + length, sizeof sent - length, "%u ", (unsigned)message->number);
        outbox_note_sent(outbox);
    }
    return sent;
}

static void each_is_sent_once(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    assert_null(outbox_next(&outbox));
    add(&outbox, "a");
    add(&outbox, "b");
    assert_string_equal(send_all(&outbox), "1 2 ");
    assert_string_equal(send_all(&outbox), "");
    add(&outbox, "c");
    assert_string_equal(send_all(&outbox), "3 ");
    outbox_done(&outbox);
}

static void what_was_not_answered_is_sent_again(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    for (int i = 0; i < 4; i++)
        add(&outbox, "x");
    send_all(&outbox);
    assert_true(outbox_remove(&outbox, 2));
    assert_false(outbox_remove(&outbox, 2));
    assert_int_equal(outbox.count, 3);
    outbox_forget_sent(&outbox);
    assert_string_equal(send_all(&outbox), "1 3 4 ");
    outbox_done(&outbox);
}

static void the_next_may_be_answered_before_it_is_sent(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    for (int i = 0; i < 3; i++)
        add(&outbox, "x");
    assert_true(outbox_remove(&outbox, 1)); /* it was sent over a connection before */
    assert_string_equal(send_all(&outbox), "2 3 ");
    assert_true(outbox_remove(&outbox, 3));
    assert_true(outbox_remove(&outbox, 2));
    assert_null(outbox_next(&outbox));
    add(&outbox, "y");
    assert_string_equal(send_all(&outbox), "4 ");
    outbox_done(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_sent_once),
        cmocka_unit_test(what_was_not_answered_is_sent_again),
        cmocka_unit_test(the_next_may_be_answered_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
