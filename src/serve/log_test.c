/* The log: one line an event, whatever is in it, and not too many. */
#include "serve/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What was logged meanwhile, by standard error into a file. */
static char *logged(void (*run)(void))
{
    static char text[8192];
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    run();
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void log_hostile(void)
{
    struct endpoint peer = endpoint_ipv4(10, 9, 0, 1, 40001);
    log_event(LOG_WARNING, "hostile", &peer,
              "a \"quote\" \\ \x1b[31m\nerror all-lost \xff");
}

static void text_from_outside_stays_in_its_quotes(void **state)
{
    (void)state;
    const char *line = logged(log_hostile);
    assert_int_equal(strlen("2026-11-25T09:54:22.123Z"), strcspn(line, " "));
    assert_string_equal(
        strchr(line, ' '),
        " warning hostile peer=10.9.0.1:40001 text=\"a \\\"quote\\\" \\\\ "
        "^[[31m^Jerror all-lost <FF>\"\n");
}

static void log_thousand(void)
{
    for (int i = 0; i < 1000; i++)
        log_event(LOG_ERROR, "again", NULL, NULL);
    log_event(LOG_INFO, "other", NULL, NULL);
}

static void one_kind_does_not_fill_it(void **state)
{
    (void)state;
    const char *text = logged(log_thousand);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    /* The second may turn in between. */
    assert_in_range(lines, LOG_BURST + 1, 2 * LOG_BURST + 1);
    assert_non_null(strstr(text, " info other\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_from_outside_stays_in_its_quotes),
        cmocka_unit_test(one_kind_does_not_fill_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
