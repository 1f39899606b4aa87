#include "capture/output.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

/* Every test has a folder of its own, in which nothing may be left but `capture`. */
static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/woshou-test.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/capture", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* which fails where anything is left */
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file(const char *text)
{
    char bytes[100] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes - 1, file), strlen(text));
    fclose(file);
    assert_string_equal(bytes, text);
}

static void the_file_is_there_once_it_is_committed(void **state)
{
    (void)state;
    struct output *output;
    struct stat about;
    mode_t mask = umask(027);
    assert_int_equal(output_open(path, &output, NULL), 0);
    output_append(output, "one ", 4);
    output_append(output, NULL, 0);
    output_append(output, "two", 3);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(output_commit(output, NULL), 0);
    output_close(&output);
    assert_null(output);
    output_close(&output);
    assert_file("one two");
    umask(mask);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

static void without_a_commit_all_is_as_it_was(void **state)
{
    (void)state;
    struct output *output;
    write_file("before");
    assert_int_equal(output_open(path, &output, NULL), 0);
    output_append(output, "after", 5);
    output_close(&output);
    assert_file("before");
    assert_int_equal(output_open(path, &output, NULL), 0);
    output_append(output, "after", 5);
    assert_int_equal(output_commit(output, NULL), 0);
    output_close(&output);
    assert_file("after");
}

static void two_may_write_at_once(void **state)
{
    (void)state;
    struct output *first, *second;
    assert_int_equal(output_open(path, &first, NULL), 0);
    assert_int_equal(output_open(path, &second, NULL), 0);
    output_append(first, "first", 5);
    output_append(second, "second", 6);
    assert_int_equal(output_commit(second, NULL), 0);
    assert_int_equal(output_commit(first, NULL), 0);
    output_close(&first);
    output_close(&second);
    assert_file("first");
}

static void only_ordinary_files_are_replaced(void **state)
{
    (void)state;
    struct output *output;
    struct error err;
    assert_int_equal(output_open("/dev/null", &output, &err), ERROR_ARGUMENT);
    assert_string_equal(err.sentence,
                        "/dev/null: a capture is written to ordinary files only");
    assert_int_equal(output_open(folder, &output, &err), ERROR_ARGUMENT);
    assert_int_equal(output_open("/nowhere/at/all", &output, &err), ERROR_ABSENT);
    assert_string_equal(err.sentence, "/nowhere/at/all: no such file or directory");
}

static void a_commit_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct output *output;
    struct error err;
    assert_int_equal(output_open(path, &output, NULL), 0);
    assert_int_equal(mkdir(path, 0777), 0); /* meanwhile, somebody else */
    output_append(output, "bytes", 5);
    assert_true(output_commit(output, &err) < 0);
    assert_memory_equal(err.sentence, path, strlen(path));
    assert_true(output_failure(output, NULL) < 0);
    output_append(output, "more", 4);
    output_close(&output);
    assert_int_equal(rmdir(path), 0);
}

static void a_full_disk_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    struct output *output;
    struct error err;
    struct rlimit was, small = {.rlim_cur = 1000};
    char *bytes = calloc(1, 1000000);
    assert_non_null(bytes);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(output_open(path, &output, NULL), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    output_append(output, bytes, 1000000);
    int code = output_failure(output, &err);
    int again = output_commit(output, NULL);
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, SIG_DFL);
    output_close(&output);
    free(bytes);
    assert_true(code < 0);
    assert_int_equal(again, code);
    assert_non_null(strstr(err.sentence, "/capture: file too large"));
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        in_a_folder(the_file_is_there_once_it_is_committed),
        in_a_folder(without_a_commit_all_is_as_it_was),
        in_a_folder(two_may_write_at_once),
        in_a_folder(only_ordinary_files_are_replaced),
        in_a_folder(a_commit_that_fails_leaves_nothing),
        in_a_folder(a_full_disk_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
