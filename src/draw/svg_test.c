#include "draw/svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "draw/golden.h"
#include "draw/sample.h"

static const char *say_english(const char *message)
{
    return message;
}

static const struct words english = {"en", say_english};

static void print(const char *name, const struct svg_options *options, struct buffer *out)
{
    struct story *stories[3] = {0};
    struct ladder *ladder;
    size_t count = sample_named(name, stories);
    assert_int_equal(
        ladder_new((const struct story *const *)stories, count, &english, &ladder), 0);
    buffer_init(out, 0);
    assert_int_equal(svg_ladder(out, ladder, &english, options), 0);
    ladder_free(&ladder);
    for (int i = 0; i < 3; i++)
        story_free(&stories[i]);
}

static void each_sample_is_drawn_as_it_was_last_looked_at(void **state)
{
    (void)state;
    static const char *const names[] = {"hello", "refused", "lost",
                                        "three", "capture", "crossing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[64];
        struct buffer out;
        print(names[i],
              &(struct svg_options){
                  .title = names[i], .description = "A made-up story.", .id = names[i]},
              &out);
        snprintf(file, sizeof file, "svg-%s.svg", names[i]);
        assert_true(golden_matches(file, buffer_text(&out)));
        buffer_done(&out);
    }
}

static void titles_from_outside_stay_text(void **state)
{
    (void)state;
    struct buffer out;
    print("refused",
          &(struct svg_options){
              .title = "</title><script>", .description = "a & b", .id = "x"},
          &out);
    assert_non_null(strstr(buffer_text(&out), "&lt;/title&gt;&lt;script&gt;</title>"));
    assert_non_null(strstr(buffer_text(&out), "<desc id=\"x-desc\">a &amp; b</desc>"));
    buffer_done(&out);
}

static void only_a_standalone_picture_brings_its_style(void **state)
{
    (void)state;
    struct svg_options options = {.title = "t", .description = "d", .id = "x"};
    struct buffer alone, inside;
    print("refused", &options, &alone);
    options.inline_in_page = true;
    print("refused", &options, &inside);
    assert_non_null(strstr(buffer_text(&alone), "prefers-color-scheme:dark"));
    assert_null(strstr(buffer_text(&inside), "<style>"));
    buffer_done(&alone);
    buffer_done(&inside);
}

static void an_inferred_state_never_looks_observed(void **state)
{
    (void)state;
    struct buffer out;
    print("capture", &(struct svg_options){.title = "t", .description = "d", .id = "x"},
          &out);
    const char *svg = buffer_text(&out);
    assert_non_null(strstr(svg, ">(ESTABLISHED)<"));
    assert_null(strstr(svg, ">ESTABLISHED<"));
    for (const char *at = svg; (at = strstr(at, "class=\"bar ")); at++)
        assert_true(strstr(at, " guess\"") < strchr(at, '>'));
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_is_drawn_as_it_was_last_looked_at),
        cmocka_unit_test(titles_from_outside_stay_text),
        cmocka_unit_test(only_a_standalone_picture_brings_its_style),
        cmocka_unit_test(an_inferred_state_never_looks_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
