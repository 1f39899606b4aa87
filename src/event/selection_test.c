#include "event/selection.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "event/contract.h"

/* What an idle connection costs: one event, one selection. */
_Static_assert(sizeof(struct wo_event) + sizeof(struct selection) <= 256,
               "at most 256 bytes for an idle connection");

static uint64_t token_of(int fd)
{
    return selection_find(fd)->token;
}

static void report(wo_event *event, uint64_t token)
{
    struct poller *home = event_lock(event);

    selection_report(home, token, POLLIN);
    poller_unlock(home);
}

/* A thread may hold a report of a socket that is closed by now, its number used again. */
static void a_report_of_an_older_registration_is_dropped(void **state)
{
    struct pair pair = connect_pair();
    wo_event *event = new_event(WO_MANUAL_RESET);
    uint64_t old;

    (void)state;
    wo_select(pair.near, event, WO_READ);
    old = token_of(pair.near);
    wo_select(pair.near, NULL, 0);
    report(event, old);
    wo_select(pair.near, event, WO_READ);
    report(event, old);
    assert_false(is_set(event));
    report(event, token_of(pair.near));
    assert_true(is_set(event));
    close_pair(&pair);
    wo_event_free(&event);
}

/* Only what is fetched early hangs on it, which nobody would see fail. */
static void a_token_leads_to_the_event(void **state)
{
    struct pair pair = connect_pair();
    wo_event *events[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        events[i] = new_event(WO_MANUAL_RESET);
        assert_int_equal(wo_select(pair.near, events[i], WO_READ), 0);
        assert_int_equal(wo_select(pair.near, NULL, 0), 0);
        assert_ptr_equal(
            event_at(token_of(pair.near) >> TOKEN_FD_BITS & EVENT_PLACE_MASK), events[i]);
    }
    assert_null(event_at(EVENT_PLACE_MASK));
    close_pair(&pair);
    for (size_t i = 0; i < 200; i++)
        wo_event_free(&events[i]);
}

static void the_table_has_an_end(void **state)
{
    (void)state;
    assert_null(selection_find(-1));
    assert_null(selection_make(-1));
    assert_null(selection_find(1 << 24));
    assert_null(selection_make(1 << 24));
    assert_non_null(selection_make((1 << 24) - 1));
    assert_int_equal(selection_find((1 << 24) - 1)->fd, (1 << 24) - 1);
}

static void entries_stay_where_they_are_while_the_table_grows(void **state)
{
    struct selection *low = selection_make(3);

    (void)state;
    for (int fd = 0; fd < 1 << 16; fd += 512)
        assert_int_equal(selection_make(fd)->fd, fd);
    assert_ptr_equal(selection_find(3), low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_of_an_older_registration_is_dropped),
        cmocka_unit_test(a_token_leads_to_the_event),
        cmocka_unit_test(the_table_has_an_end),
        cmocka_unit_test(entries_stay_where_they_are_while_the_table_grows),
    };

    return cmocka_run_group_tests_name("selections", tests, NULL, NULL);
}
