#include "draw/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

static void expect(const struct canvas *canvas, bool colour, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    canvas_write(canvas, colour, &buffer);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void later_texts_lie_over_earlier_ones(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 10);
    canvas_put(&canvas, 0, STYLE_PLAIN, "--------");
    canvas_put(&canvas, 2, STYLE_PLAIN, "SYN");
    expect(&canvas, false, "--SYN---\n");
}

static void what_falls_outside_is_left_out(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 5);
    canvas_put(&canvas, -2, STYLE_PLAIN, "abc");
    canvas_put(&canvas, 3, STYLE_PLAIN, "xyz");
    expect(&canvas, false, "c  xy\n");
}

static void a_wide_character_is_never_shown_by_half(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 5);
    canvas_put(&canvas, 0, STYLE_PLAIN,
               "握手握"); /* the last does not fit five columns */
    expect(&canvas, false, "握手\n");
    canvas_put(&canvas, 1, STYLE_PLAIN, "|"); /* on the first one's right half */
    expect(&canvas, false, " |手\n");
    canvas_put(&canvas, 2, STYLE_PLAIN, "|"); /* on the second one's left half */
    expect(&canvas, false, " ||\n");
}

static void combining_marks_stay_with_their_letter(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 5);
    canvas_put(&canvas, 0, STYLE_PLAIN, "e\u0301x");
    expect(&canvas, false, "e\u0301x\n");
    assert_false(canvas_blank(&canvas, 1, 2));
    assert_true(canvas_blank(&canvas, 2, 5));
}

static void blanks_at_the_end_are_left_out(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 80);
    expect(&canvas, false, "\n");
    canvas_put(&canvas, 3, STYLE_FAINT, "x");
    expect(&canvas, false, "   x\n");
}

static void colours_are_begun_and_ended(void **state)
{
    (void)state;
    struct canvas canvas;
    canvas_clear(&canvas, 80);
    canvas_put(&canvas, 0, STYLE_FAINT, "ab");
    canvas_put(&canvas, 2, STYLE_BREAKS, "c");
    canvas_put(&canvas, 4, STYLE_PLAIN, "d");
    expect(&canvas, true, "\033[2mab\033[0m\033[31mc\033[0m d\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_texts_lie_over_earlier_ones),
        cmocka_unit_test(what_falls_outside_is_left_out),
        cmocka_unit_test(a_wide_character_is_never_shown_by_half),
        cmocka_unit_test(combining_marks_stay_with_their_letter),
        cmocka_unit_test(blanks_at_the_end_are_left_out),
        cmocka_unit_test(colours_are_begun_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
