/* The experiments that come with the program: each is whole, in both languages, and can
 * be spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "lab/article.h"
#include "lab/catalogue.h"
#include "lab/experiment.h"

static struct experiment *read_one(size_t index)
{
    struct experiment *experiment;
    struct error err = {0};
    if (catalogue_read(index, &experiment, &err))
        fail_msg("%s", err.sentence);
    return experiment;
}

static void assert_both(const char *name, const struct lab_text *text)
{
    if (!text->in[LAB_ENGLISH] || !text->in[LAB_CHINESE])
        fail_msg("%s lacks a text in one of the languages", name);
}

static void each_is_whole_in_both_languages(void **state)
{
    (void)state;
    assert_true(lab_texts_count >= 22);
    for (size_t i = 0; i < lab_texts_count; i++) {
        char name[CATALOGUE_NAME];
        struct experiment *experiment = read_one(i);
        assert_string_equal(experiment->name, catalogue_name(i, name));
        assert_int_equal(experiment->number, strtol(lab_texts[i].name, NULL, 10));
        assert_both(name, &experiment->title);
        assert_both(name, &experiment->claim);
        assert_both(name, &experiment->meaning);
        assert_int_equal(!experiment->belief.in[0], !experiment->belief.in[1]);
        assert_int_equal(!experiment->finding.in[0], !experiment->finding.in[1]);
        for (const struct lab_part *part = experiment->parts; part; part = part->next)
            if (part->name[0])
                assert_both(name, &part->title);
        experiment_free(&experiment);
    }
}

static void each_can_be_spoilt(void **state)
{
    (void)state;
    for (size_t i = 0; i < lab_texts_count; i++) {
        struct experiment *experiment = read_one(i);
        if (!experiment->sabotages)
            fail_msg("%s has no sabotage", experiment->name);
        for (const struct lab_sabotage *sabotage = experiment->sabotages; sabotage;
             sabotage = sabotage->next) {
            assert_both(experiment->name, &sabotage->title);
            assert_int_not_equal(sabotage->outcome, experiment->outcome);
        }
        experiment_free(&experiment);
    }
}

static void the_article_s_claims_name_experiments_there_are(void **state)
{
    (void)state;
    struct article article;
    struct error err = {0};
    size_t count = 0;
    if (article_read(&article, &err))
        fail_msg("%s", err.sentence);
    for (const struct article_claim *claim = article.claims; claim; claim = claim->next) {
        count++;
        assert_both("the article", &claim->sentence);
        assert_both("the article", &claim->remark);
        assert_non_null(claim->by[0]);
        for (int i = 0; claim->by[i]; i++)
            if (catalogue_find(claim->by[i]) < 0)
                fail_msg("there is no experiment %s", claim->by[i]);
    }
    assert_int_equal(count, 17);
    article_done(&article);
}

static void an_article_s_errors_point_at_their_place(void **state)
{
    (void)state;
    static const char text[] = "sentence en: x\nby Y\n";
    struct article article;
    struct error err = {0};
    assert_int_equal(article_read_text("a", text, sizeof text - 1, &article, &err),
                     ERROR_CORRUPT);
    assert_string_equal(err.sentence, "a:2:4: expected an experiment's name, not 'Y'");
}

static void they_are_found_by_name_and_number(void **state)
{
    (void)state;
    char name[CATALOGUE_NAME];
    int index = catalogue_find("lost-syn");
    assert_true(index >= 0);
    assert_string_equal(catalogue_name((size_t)index, name), "lost-syn");
    assert_int_equal(catalogue_find("2"), index);
    assert_int_equal(catalogue_find("02"), index);
    assert_int_equal(catalogue_find("lost"), -1);
    assert_int_equal(catalogue_find(""), -1);
    assert_int_equal(catalogue_find("2x"), -1);
}

static void a_misspelt_name_suggests_the_nearest(void **state)
{
    (void)state;
    char name[CATALOGUE_NAME];
    assert_string_equal(catalogue_nearest("lost-sin", name), "lost-syn");
    assert_string_equal(catalogue_nearest("timewait", name), "time-wait");
    assert_string_equal(catalogue_nearest("reuse", name), "reuseaddr");
    assert_null(catalogue_nearest("xyzzyxyzzy", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_whole_in_both_languages),
        cmocka_unit_test(each_can_be_spoilt),
        cmocka_unit_test(the_article_s_claims_name_experiments_there_are),
        cmocka_unit_test(an_article_s_errors_point_at_their_place),
        cmocka_unit_test(they_are_found_by_name_and_number),
        cmocka_unit_test(a_misspelt_name_suggests_the_nearest),
    };
    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
