#include "net/identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

static char directory[32], path[64];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/woshou-id-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/identity.pem", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory); /* fails where something else was left in it */
}

static void write_file(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void it_is_made_once_and_stays(void **state)
{
    (void)state;
    struct identity *first, *second;
    struct stat status;
    assert_int_equal(identity_open(path, &first, NULL), 0);
    assert_true(identity_is_new(first));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(identity_open(path, &second, NULL), 0);
    assert_false(identity_is_new(second));
    assert_string_equal(identity_fingerprint(first), identity_fingerprint(second));
    const char *text = identity_fingerprint(first);
    assert_int_equal(strlen(text), FINGERPRINT_TEXT - 1);
    assert_int_equal(strspn(text, "0123456789ABCDEF:"), FINGERPRINT_TEXT - 1);
    identity_close(&first);
    identity_close(&second);
    identity_close(&second);
    assert_null(second);
}

static void two_are_never_the_same(void **state)
{
    (void)state;
    struct identity *first, *second;
    assert_int_equal(identity_open(path, &first, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(identity_open(path, &second, NULL), 0);
    assert_string_not_equal(identity_fingerprint(first), identity_fingerprint(second));
    identity_close(&first);
    identity_close(&second);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct identity *identity;
    struct error err;
    assert_int_equal(identity_open(path, &identity, NULL), 0);
    identity_close(&identity);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(identity_open(path, &identity, &err), ERROR_PERMISSION);
    assert_non_null(strstr(err.sentence, "chmod 600"));
    assert_null(identity);
}

static void what_is_no_identity_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "hello\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    struct identity *identity = NULL;
    struct stat status;
    struct error err;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i]);
        assert_int_equal(identity_open(path, &identity, &err), ERROR_CORRUPT);
        assert_null(identity);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, strlen(texts[i]));
    }
}

static void a_key_and_anothers_certificate_are_refused(void **state)
{
    (void)state;
    struct identity *identity = NULL;
    static char first[8192], second[8192], mixed[16384];
    assert_int_equal(identity_open(path, &identity, NULL), 0);
    identity_close(&identity);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(first, 1, sizeof first - 1, file) > 0);
    fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(identity_open(path, &identity, NULL), 0);
    identity_close(&identity);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(second, 1, sizeof second - 1, file) > 0);
    fclose(file);
    *strstr(first, "-----BEGIN CERTIFICATE") = '\0';
    snprintf(mixed, sizeof mixed, "%s%s", first,
             strstr(second, "-----BEGIN CERTIFICATE"));
    write_file(mixed);
    assert_int_equal(identity_open(path, &identity, NULL), ERROR_CORRUPT);
}

static void a_directory_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct identity *identity;
    struct error err;
    assert_int_equal(identity_open("/nowhere/at/all.pem", &identity, &err), ERROR_ABSENT);
    assert_string_equal(err.sentence, "/nowhere/at/all.pem: no such file or directory");
}

int main(void)
{
#define in_directory(test)                                                               \
    cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        in_directory(it_is_made_once_and_stays),
        in_directory(two_are_never_the_same),
        in_directory(a_key_that_others_can_read_is_refused),
        in_directory(what_is_no_identity_is_refused_and_left_alone),
        in_directory(a_key_and_anothers_certificate_are_refused),
        cmocka_unit_test(a_directory_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
