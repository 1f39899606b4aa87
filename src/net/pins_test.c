#include "net/pins.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

static char directory[32], inner[64], path[96];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/woshou-pins-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(inner, sizeof inner, "%s/state", directory);
    snprintf(path, sizeof path, "%s/known-servers", inner);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    rmdir(inner);
    return rmdir(directory);
}

static void assert_meeting(const char *host, uint16_t port, const char *fingerprint,
                           bool expected)
{
    bool first = !expected;
    assert_int_equal(pins_meet(path, host, port, fingerprint, &first, NULL), 0);
    assert_int_equal(first, expected);
}

static void assert_contents(const char *expected)
{
    char text[4096] = "";
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    assert_string_equal(text, expected);
}

static void write_file(const char *text)
{
    mkdir(inner, 0700);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_server_is_noted_once_and_known_from_then_on(void **state)
{
    (void)state;
    struct stat status;
    assert_meeting("example.org", 30000, "AB:CD", true);
    assert_meeting("example.org", 30000, "AB:CD", false);
    assert_meeting("EXAMPLE.org", 30000, "ab:cd", false);
    assert_meeting("example.org", 30001, "EE:FF", true);
    assert_meeting("example.or", 30000, "11:22", true);
    assert_meeting("::1", 30000, "33:44", true);
    assert_contents("example.org:30000 AB:CD\nexample.org:30001 EE:FF\n"
                    "example.or:30000 11:22\n[::1]:30000 33:44\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(inner, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void another_fingerprint_is_refused_and_not_noted(void **state)
{
    (void)state;
    struct error err;
    bool first;
    assert_meeting("h", 1, "AB:CD", true);
    assert_int_equal(pins_meet(path, "h", 1, "AB:CE", &first, &err), ERROR_PERMISSION);
    assert_non_null(strstr(err.sentence, "h:1 has another certificate than before"));
    assert_non_null(strstr(err.sentence, path));
    assert_int_equal(pins_meet(path, "h", 1, "AB", &first, &err), ERROR_PERMISSION);
    assert_int_equal(pins_meet(path, "h", 1, "AB:CD:EF", &first, &err), ERROR_PERMISSION);
    assert_contents("h:1 AB:CD\n");
}

static void people_may_edit_it(void **state)
{
    (void)state;
    write_file("# mine\r\n\nh:1\tAB:CD  laptop\r\nnonsense\nh:1 11:22\ng:1");
    assert_meeting("h", 1, "AB:CD", false);
    assert_meeting("h", 1, "11:22", false); /* a server may have two lines */
    assert_meeting("g", 1, "33:44", true);  /* a name alone is no pin */
    assert_contents(
        "# mine\r\n\nh:1\tAB:CD  laptop\r\nnonsense\nh:1 11:22\ng:1\ng:1 33:44\n");
}

static void several_processes_note_it_once(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pid_t children[8];
        int gate[2];
        char byte;
        assert_int_equal(pipe(gate), 0);
        for (size_t i = 0; i < 8; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) { /* all go when the gate is closed */
                bool first;
                close(gate[1]);
                _exit(read(gate[0], &byte, 1) ||
                      pins_meet(path, "h", 1, "AB:CD", &first, NULL));
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (size_t i = 0; i < 8; i++) {
            int status = -1;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        assert_contents("h:1 AB:CD\n");
        assert_int_equal(unlink(path), 0);
    }
}

static void a_place_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct error err;
    bool first;
    assert_int_equal(pins_meet("/proc/nowhere/known", "h", 1, "AB", &first, &err),
                     ERROR_ABSENT);
    assert_string_equal(err.sentence, "/proc/nowhere/known: no such file or directory");
}

int main(void)
{
#define in_directory(test)                                                               \
    cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        in_directory(a_server_is_noted_once_and_known_from_then_on),
        in_directory(another_fingerprint_is_refused_and_not_noted),
        in_directory(people_may_edit_it),
        in_directory(several_processes_note_it_once),
        cmocka_unit_test(a_place_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
