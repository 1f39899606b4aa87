#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct guest {
    int number;
    struct list_link seat;
};

static void assert_order(const struct list *list, const int *numbers, size_t count)
{
    size_t i = 0;
    list_for_each (link, list) {
        assert_true(i < count);
        assert_int_equal(list_member(link, struct guest, seat)->number, numbers[i++]);
    }
    assert_int_equal(i, count);
}

static void members_stay_in_the_order_of_arrival(void **state)
{
    (void)state;
    struct list list;
    struct guest guests[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    list_init(&list);
    assert_true(list_empty(&list));
    assert_null(list_first(&list));
    for (int i = 0; i < 3; i++)
        list_append(&list, &guests[i].seat);
    assert_false(list_empty(&list));
    assert_ptr_equal(list_first(&list), &guests[0].seat);
    assert_order(&list, (int[]){0, 1, 2}, 3);
}

static void one_may_sit_down_in_front_of_another(void **state)
{
    (void)state;
    struct list list;
    struct guest first = {.number = 1}, second = {.number = 2};
    list_init(&list);
    list_append(&list, &second.seat);
    list_insert_before(&second.seat, &first.seat);
    assert_order(&list, (int[]){1, 2}, 2);
}

static void leaving_from_anywhere_keeps_the_rest(void **state)
{
    (void)state;
    for (int leaving = 0; leaving < 3; leaving++) {
        struct list list;
        struct guest guests[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
        list_init(&list);
        for (int i = 0; i < 3; i++)
            list_append(&list, &guests[i].seat);
        list_remove(&guests[leaving].seat);
        assert_false(list_linked(&guests[leaving].seat));
        list_remove(&guests[leaving].seat); /* one in no list stays so */
        int rest[2], count = 0;
        for (int i = 0; i < 3; i++)
            if (i != leaving)
                rest[count++] = i;
        assert_order(&list, rest, 2);
    }
}

static void all_may_leave_during_the_walk(void **state)
{
    (void)state;
    struct list list;
    struct guest guests[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&list);
    for (int i = 0; i < 4; i++)
        list_append(&list, &guests[i].seat);
    int seen = 0;
    list_for_each_safe (link, &list) {
        assert_int_equal(list_member(link, struct guest, seat)->number, seen++);
        list_remove(link);
    }
    assert_int_equal(seen, 4);
    assert_true(list_empty(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stay_in_the_order_of_arrival),
        cmocka_unit_test(one_may_sit_down_in_front_of_another),
        cmocka_unit_test(leaving_from_anywhere_keeps_the_rest),
        cmocka_unit_test(all_may_leave_during_the_walk),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
