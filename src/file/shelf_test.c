/* The shelf: names are kept for one sender, nothing is replaced, links lead nowhere. */
#include "file/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/beneath.h"

static char place[32], whole[64], arriving[64];
static struct shelf *shelf;
static const struct check key = {"0123456789abcdef"}, other_key = {"another client's"};

static int open_place(void **state)
{
    (void)state;
    strcpy(place, "/tmp/shelf-XXXXXX");
    if (!mkdtemp(place))
        return -1;
    snprintf(whole, sizeof whole, "%s/whole", place);
    snprintf(arriving, sizeof arriving, "%s/arriving", place);
    return shelf_open(whole, arriving, &shelf, NULL);
}

static int remove_place(void **state)
{
    (void)state;
    shelf_close(&shelf);
    int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = beneath_remove(tmp, place + strlen("/tmp/"));
    close(tmp);
    return code;
}

/* A file that is arriving. */
static void make(const char *name, const struct check *under)
{
    int fd = openat(shelf_arriving(shelf), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    if (under)
        shelf_note(fd, under, strlen(name), 1);
    close(fd);
}

static int put(const char *name, const struct check *under)
{
    make("x", under);
    return shelf_put(shelf, shelf_arriving(shelf), "x", name, NULL);
}

static void a_name_is_one_senders_until_it_is_given_back(void **state)
{
    (void)state;
    assert_int_equal(shelf_reserve(shelf, "a", &key, NULL), 0);
    assert_int_equal(shelf_reserve(shelf, "a", &key, NULL), ERROR_IN_USE);
    shelf_release(shelf, "a");
    assert_int_equal(shelf_reserve(shelf, "a", &other_key, NULL), 0);
}

static void what_stands_there_stays_and_its_sender_is_known(void **state)
{
    (void)state;
    assert_int_equal(shelf_reserve(shelf, "a", &key, NULL), 0);
    assert_int_equal(put("a", &key), 0);
    shelf_release(shelf, "a");
    struct error err;
    assert_int_equal(shelf_reserve(shelf, "a", &other_key, &err), ERROR_IN_USE);
    assert_string_equal(err.sentence, "'a' is there already");
    int again = shelf_reserve(shelf, "a", &key, NULL);
    if (again == ERROR_IN_USE) /* this file system keeps no notes */
        skip();
    assert_int_equal(again, 1);
}

static void nothing_is_replaced_even_if_it_came_in_between(void **state)
{
    (void)state;
    assert_int_equal(shelf_reserve(shelf, "a", &key, NULL), 0);
    close(openat(shelf_whole(shelf), "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(put("a", NULL), ERROR_IN_USE);
}

static void a_name_spelled_otherwise_is_the_same(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(put("caf\xc3\xa9", NULL), 0);
    assert_int_equal(shelf_reserve(shelf, "cafe\xcc\x81", &key, &err), ERROR_IN_USE);
    assert_string_equal(err.sentence,
                        "'cafe\xcc\x81' is there already, spelled in another way");
    /* Another program took it away; that is found out. */
    unlinkat(shelf_whole(shelf), "caf\xc3\xa9", 0);
    assert_int_equal(shelf_reserve(shelf, "cafe\xcc\x81", &key, NULL), 0);
}

static void what_other_programs_put_there_is_seen(void **state)
{
    (void)state;
    assert_int_equal(shelf_reserve(shelf, "z", &key, NULL), 0);
    close(openat(shelf_whole(shelf), "\xc3\xa9", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(shelf_reserve(shelf, "e\xcc\x81", &key, NULL), ERROR_IN_USE);
    assert_int_equal(shelf_reserve(shelf, "z", &key, NULL), ERROR_IN_USE);
}

static int count(void *owner, const struct shelf_item *item)
{
    assert_true(strcmp(item->name, "a") == 0 || strcmp(item->name, "d") == 0);
    assert_int_equal(item->folder, strcmp(item->name, "d") == 0);
    ++*(int *)owner;
    return 0;
}

static void only_files_and_folders_are_listed(void **state)
{
    (void)state;
    int counted = 0;
    assert_int_equal(put("a", NULL), 0);
    assert_int_equal(mkdirat(shelf_whole(shelf), "d", 0700), 0);
    assert_int_equal(symlinkat("/etc/passwd", shelf_whole(shelf), "link"), 0);
    assert_int_equal(mkfifoat(shelf_whole(shelf), "pipe", 0600), 0);
    assert_int_equal(shelf_list(shelf, count, &counted, NULL), 0);
    assert_int_equal(counted, 2);
}

static void a_folder_is_removed_with_all_in_it_and_no_link_followed(void **state)
{
    (void)state;
    char outside[64];
    snprintf(outside, sizeof outside, "%s/outside", place);
    close(open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    int folder = beneath_folder(shelf_whole(shelf), "d", 0700);
    assert_int_equal(mkdirat(folder, "sub", 0700), 0);
    assert_int_equal(symlinkat(outside, folder, "link"), 0);
    assert_int_equal(symlinkat(place, folder, "up"), 0);
    close(folder);
    assert_int_equal(shelf_remove(shelf, "d", NULL), 0);
    assert_int_equal(shelf_remove(shelf, "d", NULL), ERROR_ABSENT);
    assert_int_equal(access(outside, F_OK), 0);
    assert_int_equal(access(whole, F_OK), 0);
}

static void what_nobody_carries_on_expires(void **state)
{
    (void)state;
    struct timespec now;
    make("new", NULL);
    make("old", NULL);
    int folder = beneath_folder(shelf_arriving(shelf), "old-folder", 0700);
    close(openat(folder, "journal", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    clock_gettime(CLOCK_REALTIME, &now);
    const struct timespec long_ago[2] = {{.tv_sec = now.tv_sec - 1000},
                                         {.tv_sec = now.tv_sec - 1000}};
    utimensat(shelf_arriving(shelf), "old", long_ago, 0);
    utimensat(folder, "journal", long_ago, 0);
    close(folder);
    shelf_expire(shelf, now.tv_sec * NS_PER_S, 500 * NS_PER_S);
    assert_int_equal(faccessat(shelf_arriving(shelf), "new", F_OK, 0), 0);
    assert_int_equal(faccessat(shelf_arriving(shelf), "old", F_OK, 0), -1);
    assert_int_equal(faccessat(shelf_arriving(shelf), "old-folder", F_OK, 0), -1);
}

static void opening_beneath_follows_no_link_and_leads_nowhere_else(void **state)
{
    (void)state;
    int folder = shelf_whole(shelf);
    assert_int_equal(symlinkat("/etc", folder, "link"), 0);
    assert_int_equal(symlinkat("nowhere", folder, "dangling"), 0);
    assert_int_equal(beneath_open(folder, "link", O_RDONLY, 0), -ELOOP);
    assert_int_equal(beneath_open(folder, "link", O_RDONLY | O_DIRECTORY, 0) < 0, 1);
    assert_true(beneath_open(folder, "dangling", O_WRONLY | O_CREAT, 0600) < 0);
    assert_int_equal(beneath_open(folder, "..", O_RDONLY | O_DIRECTORY, 0), -EXDEV);
    assert_int_equal(beneath_open(folder, "/etc", O_RDONLY | O_DIRECTORY, 0), -EXDEV);
    assert_true(beneath_folder(folder, "link", 0700) < 0);
    assert_int_equal(faccessat(folder, "nowhere", F_OK, 0), -1);
}

static void two_file_systems_make_no_shelf(void **state)
{
    (void)state;
    struct shelf *none = NULL;
    struct error err;
    struct stat here, there;
    if (stat(place, &here) || stat("/dev/shm", &there) || here.st_dev == there.st_dev)
        skip();
    char elsewhere[] = "/dev/shm/shelf-XXXXXX";
    assert_non_null(mkdtemp(elsewhere));
    assert_int_equal(shelf_open(whole, elsewhere, &none, &err), ERROR_ARGUMENT);
    assert_null(none);
    rmdir(elsewhere);
}

int main(void)
{
#define ON_A_SHELF(test) cmocka_unit_test_setup_teardown(test, open_place, remove_place)
    const struct CMUnitTest tests[] = {
        ON_A_SHELF(a_name_is_one_senders_until_it_is_given_back),
        ON_A_SHELF(what_stands_there_stays_and_its_sender_is_known),
        ON_A_SHELF(nothing_is_replaced_even_if_it_came_in_between),
        ON_A_SHELF(a_name_spelled_otherwise_is_the_same),
        ON_A_SHELF(what_other_programs_put_there_is_seen),
        ON_A_SHELF(only_files_and_folders_are_listed),
        ON_A_SHELF(a_folder_is_removed_with_all_in_it_and_no_link_followed),
        ON_A_SHELF(what_nobody_carries_on_expires),
        ON_A_SHELF(opening_beneath_follows_no_link_and_leads_nowhere_else),
        ON_A_SHELF(two_file_systems_make_no_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
