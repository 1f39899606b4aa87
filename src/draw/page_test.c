#include "draw/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/sample.h"

static const char *say_english(const char *message)
{
    return message;
}

static const char *say_chinese(const char *message)
{
    return strcmp(message, "A refusal") == 0 ? "一次拒绝" : message;
}

static const struct words english = {"en", say_english}, chinese = {"zh-CN", say_chinese};

/* A page with one scene of the sample "refused". */
struct fixture {
    struct story *stories[3];
    struct page_scene scene;
    struct page page;
    struct buffer out;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    sample_named("refused", fixture.stories);
    fixture.scene =
        (struct page_scene){.id = "refused",
                            .title = "A refusal",
                            .intro = "Nobody <listens>.",
                            .stories = (const struct story *const *)fixture.stories,
                            .story_count = 1};
    fixture.page = (struct page){.words = {&english, &chinese},
                                 .names = {"English", "中文"},
                                 .title = "A page",
                                 .intro = "",
                                 .scenes = &fixture.scene,
                                 .scene_count = 1};
    buffer_init(&fixture.out, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    story_free(&fixture->stories[0]);
    buffer_done(&fixture->out);
    return 0;
}

static const char *print(struct fixture *fixture)
{
    assert_int_equal(page_print(&fixture->out, &fixture->page), 0);
    return buffer_text(&fixture->out);
}

static void assert_holds(const char *html, const char *part)
{
    if (!strstr(html, part))
        fail_msg("the page does not hold: %s", part);
}

static void everything_is_said_in_both_languages(void **state)
{
    const char *html = print(*state);
    assert_holds(html, "<h2 class=\"l0\" lang=\"en\">A refusal</h2>");
    assert_holds(html, "<h2 class=\"l1\" lang=\"zh-CN\">一次拒绝</h2>");
    assert_holds(html, "id=\"refused-en-title\"");
    assert_holds(html, "id=\"refused-zh-CN-title\"");
}

static void the_caller_chooses_the_first_language(void **state)
{
    struct fixture *fixture = *state;
    fixture->page.first = 1;
    const char *html = print(fixture);
    assert_holds(html, "<html lang=\"zh-CN\">");
    assert_holds(html, "id=\"language-1\" checked>");
    assert_null(strstr(html, "id=\"language-0\" checked"));
}

static void texts_are_escaped_and_notes_shown(void **state)
{
    struct fixture *fixture = *state;
    const char *note = "<b>no TUN</b>";
    fixture->page.notes = &note;
    fixture->page.note_count = 1;
    const char *html = print(fixture);
    assert_holds(html, "Nobody &lt;listens&gt;.");
    assert_holds(html, "&lt;b&gt;no TUN&lt;/b&gt;");
}

static void the_table_tells_what_the_picture_shows(void **state)
{
    const char *html = print(*state);
    assert_holds(html, "connect() = ECONNREFUSED");
    assert_holds(html, "#2 RST ACK");
    assert_holds(html, "<td class=\"detail\">SYN_SENT</td><td>observed</td>");
}

static void a_scene_may_say_why_there_is_no_picture(void **state)
{
    struct fixture *fixture = *state;
    fixture->scene.story_count = 0;
    fixture->scene.absent = "It could not be captured.";
    const char *html = print(fixture);
    assert_holds(html, "It could not be captured.");
    assert_null(strstr(html, "<details"));
}

static void an_overview_lists_and_links_and_escapes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headings[] = {"id", "A refusal"};
    static const bool numbers[] = {true, false};
    static const char cells[] = "7\0<b>";
    const struct page_row row = {.cells = cells, .link = "refused", .tone = "failed"};
    const struct page_finding finding = {.title = {"one <refused>", "一个"},
                                         .text = "A refusal"};
    struct page_overview overview = {.summary = {"one & two\nthree", "一"},
                                     .findings = &finding,
                                     .finding_count = 1,
                                     .list = {.title = "A refusal",
                                              .headings = headings,
                                              .numbers = numbers,
                                              .column_count = 2,
                                              .rows = &row,
                                              .row_count = 1}};
    fixture->page.overview = &overview;
    const char *html = print(fixture);
    assert_holds(html, "<li>one &amp; two</li>\n<li>three</li>");
    assert_holds(html, "<dt>one &lt;refused&gt;</dt><dd>A refusal</dd>");
    assert_holds(html, "<dd>一次拒绝</dd>");
    assert_holds(html, "at the moment it passed the place of the capture");
    assert_null(strstr(html, "a packet that the wire lost"));
    assert_holds(html, "<tr class=\"failed\"><td class=\"number\"><a "
                       "href=\"#refused\">7</a></td><td>&lt;b&gt;</td></tr>");
}

static void too_many_stories_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct story *many[10];
    for (int i = 0; i < 10; i++)
        many[i] = fixture->stories[0];
    fixture->scene.stories = many;
    fixture->scene.story_count = 10;
    assert_int_equal(page_print(&fixture->out, &fixture->page), ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_said_in_both_languages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_caller_chooses_the_first_language, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_are_escaped_and_notes_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_table_tells_what_the_picture_shows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_scene_may_say_why_there_is_no_picture, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_overview_lists_and_links_and_escapes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_stories_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
