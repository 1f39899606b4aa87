#include "draw/box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void boxes_side_by_side_share_only_an_edge(void **state)
{
    (void)state;
    struct box left = {0, 0, 10, 5, 0}, right = {20, 0, 10, 5, 0};
    assert_false(box_overlap(&left, &right));
    right.x = 19;
    assert_true(box_overlap(&left, &right));
}

static void a_turned_box_is_judged_by_its_own_edges(void **state)
{
    (void)state;
    /* Their upright frames overlap; the boxes, both leaning alike, do not. */
    struct box upper = {0, 0, 50, 5, 0.5}, lower = {0, 14, 50, 5, 0.5};
    assert_false(box_overlap(&upper, &lower));
    lower.angle = -0.5;
    assert_true(box_overlap(&upper, &lower));
}

static void a_line_crosses_a_box_or_passes_it(void **state)
{
    (void)state;
    struct box box = {50, 50, 20, 5, 0};
    assert_true(box_crossed(&box, 0, 0, 100, 100));
    assert_false(box_crossed(&box, 0, 0, 100, 0));
    assert_false(box_crossed(&box, 0, 0, 40, 40)); /* it ends before */
}

static void a_turned_box_needs_more_room_downwards(void **state)
{
    (void)state;
    struct box box = {50, 10, 40, 5, 0};
    assert_true(box_inside(&box, 0, 0, 100, 20));
    box.angle = 0.5;
    assert_false(box_inside(&box, 0, 0, 100, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_side_by_side_share_only_an_edge),
        cmocka_unit_test(a_turned_box_is_judged_by_its_own_edges),
        cmocka_unit_test(a_line_crosses_a_box_or_passes_it),
        cmocka_unit_test(a_turned_box_needs_more_room_downwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
