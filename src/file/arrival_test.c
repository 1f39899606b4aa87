/* A root on its way to the shelf: carried on after it was left, begun anew where it changed, and never
 * there before it is whole. */
#include "file/arrival.h"

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
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "file/beneath.h"
#include "file/protocol.h"
#include "file/shelf.h"

enum { MIB = 1 << 20, BIG = 3 * MIB };

static char place[32];
static struct arrival_options options;
static uint8_t contents[BIG];

static int open_place(void **state)
{
    (void)state;
    char whole[64], arriving[64];
    strcpy(place, "/tmp/arrival-XXXXXX");
    if (!mkdtemp(place))
        return -1;
    snprintf(whole, sizeof whole, "%s/whole", place);
    snprintf(arriving, sizeof arriving, "%s/arriving", place);
    for (size_t i = 0; i < sizeof contents; i++)
        contents[i] = (uint8_t)(i * 7 + i / 251);
    options = (struct arrival_options){.identity = {"0123456789abcdef"}};
    return shelf_open(whole, arriving, &options.shelf, NULL);
}

static int remove_place(void **state)
{
    (void)state;
    shelf_close(&options.shelf);
    int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = beneath_remove(tmp, place + strlen("/tmp/"));
    close(tmp);
    return code;
}

static struct manifest_entry entry_of(uint8_t kind, uint32_t parent, uint64_t size,
                                      uint64_t version, const char *name)
{
    return (struct manifest_entry){.kind = kind,
                                   .mode = 0640,
                                   .parent = parent,
                                   .size = size,
                                   .version = version,
                                   .mtime_ns = INT64_C(1000000000123456789),
                                   .name = name,
                                   .name_length = (uint16_t)strlen(name)};
}

static struct arrival *open_root(const struct manifest_entry *root)
{
    struct arrival *arrival = NULL;
    uint32_t index;
    assert_int_equal(arrival_open(&options, root, &arrival, NULL), 0);
    assert_int_equal(arrival_add(arrival, root, &index, NULL), 0);
    assert_int_equal(index, 0);
    return arrival;
}

static uint32_t add(struct arrival *arrival, const struct manifest_entry *entry)
{
    uint32_t index;
    assert_int_equal(arrival_add(arrival, entry, &index, NULL), 0);
    return index;
}

static void write_chunk(struct arrival *arrival, uint32_t index, uint32_t chunk)
{
    struct check check = check_of(contents + chunk * MIB, MIB);
    assert_int_equal(arrival_write(arrival, index, (uint64_t)chunk * MIB,
                                   contents + chunk * MIB, MIB, NULL),
                     0);
    assert_int_equal(arrival_chunk(arrival, index, chunk, &check, NULL), 0);
}

static void commit(struct arrival *arrival)
{
    arrival_end(arrival);
    assert_true(arrival_complete(arrival));
    assert_int_equal(arrival_settle(arrival, NULL), 0);
    assert_int_equal(arrival_sync(arrival, NULL), 0);
    assert_int_equal(arrival_place(arrival, NULL), 0);
}

static int open_whole(const char *name)
{
    return openat(shelf_whole(options.shelf), name, O_RDONLY | O_CLOEXEC);
}

static void assert_stands(const char *name, size_t length)
{
    static uint8_t read_back[BIG + 1];
    int fd = open_whole(name);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, read_back, sizeof read_back), length);
    assert_memory_equal(read_back, contents, length);
    close(fd);
}

static void assert_nothing_arrives(void)
{
    char arriving[64];
    snprintf(arriving, sizeof arriving, "%s/arriving", place);
    assert_int_equal(rmdir(arriving), 0);
}

static void a_big_file_is_there_once_it_is_whole_and_not_before(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    const struct chunk_map *map;
    assert_int_equal(arrival_want(arrival, 0, &map), FILE_ALL);
    write_chunk(arrival, 0, 1);
    write_chunk(arrival, 0, 0);
    arrival_end(arrival);
    assert_false(arrival_complete(arrival));
    write_chunk(arrival, 0, 2);
    assert_int_equal(open_whole("f"), -1);
    commit(arrival);
    assert_stands("f", BIG);
    arrival_close(&arrival, ARRIVAL_DROP);
    assert_nothing_arrives();
}

static void one_that_was_left_is_carried_on(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    const struct chunk_map *map;
    write_chunk(arrival, 0, 2);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    arrival = open_root(&root);
    assert_true(arrival->resumed);
    assert_int_equal(arrival->had_bytes, MIB);
    assert_int_equal(arrival_want(arrival, 0, &map), FILE_SOME);
    assert_true(chunk_map_has(map, 2));
    assert_true(arrival_has_chunk(arrival, 0, 2));
    assert_false(arrival_has_chunk(arrival, 0, 0));
    write_chunk(arrival, 0, 0);
    write_chunk(arrival, 0, 1);
    commit(arrival);
    assert_stands("f", BIG);
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void the_check_of_a_file_is_that_of_its_chunks_checks(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    struct check checks[3], expected;
    for (uint32_t i = 0; i < 3; i++)
        checks[i] = check_of(contents + i * MIB, MIB);
    expected = check_of(checks, sizeof checks);
    write_chunk(arrival, 0, 0);
    arrival_close(&arrival, ARRIVAL_LEAVE); /* and it is known after that, too */
    arrival = open_root(&root);
    write_chunk(arrival, 0, 2);
    write_chunk(arrival, 0, 1);
    assert_true(check_equal(&arrival->entries[0].check, &expected));
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void another_version_or_another_sender_begins_anew(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct manifest_entry changed = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 2, "f");
    struct arrival *arrival = open_root(&root);
    write_chunk(arrival, 0, 2);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    arrival = open_root(&changed);
    assert_int_equal(arrival->had_bytes, 0);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    options.identity = (struct check){"another client's"};
    arrival = open_root(&root);
    assert_int_equal(arrival->had_bytes, 0);
    arrival_close(&arrival, ARRIVAL_LEAVE);
}

static void a_part_whose_data_went_away_is_not_believed(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    write_chunk(arrival, 0, 0);
    assert_int_equal(unlinkat(arrival->folder, "data", 0), 0);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    arrival = open_root(&root);
    assert_int_equal(arrival->had_bytes, 0);
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void put_small(struct arrival *arrival, uint32_t index, size_t length)
{
    struct check check = check_of(contents, length);
    assert_int_equal(arrival_put(arrival, index, contents, length, &check, NULL), 0);
    assert_int_equal(arrival_put(arrival, index, contents, length, &check, NULL), 0);
}

static void a_trifle_has_no_journal_and_leaves_nothing(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, 100, 1, "f");
    struct arrival *arrival = open_root(&root);
    put_small(arrival, 0, 100);
    assert_int_equal(open_whole("f"), -1);
    commit(arrival);
    assert_stands("f", 100);
    arrival_close(&arrival, ARRIVAL_DROP);
    struct manifest_entry left = entry_of(FILE_REGULAR, MANIFEST_ROOT, 100, 1, "g");
    arrival = open_root(&left);
    put_small(arrival, 0, 100);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    assert_nothing_arrives();
}

static void contents_of_another_length_are_refused(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, 100, 1, "f");
    struct arrival *arrival = open_root(&root);
    struct check check = check_of(contents, 99);
    assert_int_equal(arrival_put(arrival, 0, contents, 99, &check, NULL), ERROR_CORRUPT);
    arrival_close(&arrival, ARRIVAL_LEAVE);
}

static void a_folder_that_was_left_keeps_what_did_not_change(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, 1, "d");
    struct manifest_entry same = entry_of(FILE_REGULAR, 0, 10, 1, "same");
    struct manifest_entry changes = entry_of(FILE_REGULAR, 0, 10, 1, "changes");
    struct manifest_entry goes = entry_of(FILE_FOLDER, 0, 0, 1, "goes");
    struct arrival *arrival = open_root(&root);
    put_small(arrival, add(arrival, &same), 10);
    put_small(arrival, add(arrival, &changes), 10);
    goes.parent = 0;
    uint32_t folder = add(arrival, &goes);
    struct manifest_entry within = entry_of(FILE_REGULAR, folder, 10, 1, "within");
    put_small(arrival, add(arrival, &within), 10);
    arrival_close(&arrival, ARRIVAL_LEAVE);

    arrival = open_root(&root);
    const struct chunk_map *map;
    changes.size = 20;
    changes.version = 2;
    assert_int_equal(arrival_want(arrival, add(arrival, &same), &map), FILE_HAVE);
    uint32_t again = add(arrival, &changes);
    assert_int_equal(arrival_want(arrival, again, &map), FILE_ALL);
    put_small(arrival, again, 20);
    assert_int_equal(arrival->had_bytes, 10);
    commit(arrival);
    assert_stands("d/same", 10);
    assert_stands("d/changes", 20);
    assert_int_equal(open_whole("d/goes"), -1);
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void what_strays_in_a_folder_is_not_put_on_the_shelf(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, 1, "d");
    struct arrival *arrival = open_root(&root);
    int data = openat(arrival->folder, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(openat(data, "stray", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    close(data);
    arrival_close(&arrival, ARRIVAL_LEAVE);
    arrival = open_root(&root);
    commit(arrival);
    assert_true(open_whole("d") >= 0);
    assert_int_equal(open_whole("d/stray"), -1);
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void two_names_that_are_one_fail_the_folder(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, 1, "d");
    struct manifest_entry one = entry_of(FILE_REGULAR, 0, 1, 1, "caf\xc3\xa9");
    struct manifest_entry two = entry_of(FILE_REGULAR, 0, 1, 1, "cafe\xcc\x81");
    struct arrival *arrival = open_root(&root);
    uint32_t index;
    add(arrival, &one);
    assert_int_equal(arrival_add(arrival, &two, &index, NULL), ERROR_IN_USE);
    arrival_close(&arrival, ARRIVAL_LEAVE);
}

static void times_and_modes_are_kept_where_asked_for(void **state)
{
    (void)state;
    options.preserve = true;
    struct manifest_entry root = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, 1, "d");
    struct manifest_entry file = entry_of(FILE_REGULAR, 0, 10, 1, "f");
    struct stat status;
    file.mode = 0;
    file.mtime_ns = -1;
    struct arrival *arrival = open_root(&root);
    put_small(arrival, add(arrival, &file), 10);
    commit(arrival);
    arrival_close(&arrival, ARRIVAL_DROP);
    assert_int_equal(fstatat(shelf_whole(options.shelf), "d", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0740);
    assert_int_equal(status.st_mtim.tv_sec, 1000000000);
    assert_int_equal(status.st_mtim.tv_nsec, 123456789);
    assert_int_equal(fstatat(shelf_whole(options.shelf), "d/f", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777,
                     0600); /* the owner gets at it whatever the mode */
    assert_int_equal(status.st_mtim.tv_sec, -1);
    assert_int_equal(status.st_mtim.tv_nsec, 999999999);
}

static void a_checkpoint_notes_what_was_synced(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    struct arrival_checkpoint checkpoint;
    static const uint8_t later_boot[JOURNAL_BOOT_BYTES] = {0xff};
    static uint8_t journal[4096];
    write_chunk(arrival, 0, 0);
    assert_true(arrival_checkpoint_begin(arrival, &checkpoint));
    write_chunk(arrival, 0, 1); /* while the disk works */
    arrival_checkpoint_run(&checkpoint);
    assert_int_equal(checkpoint.code, 0);
    arrival_checkpoint_end(arrival, &checkpoint);
    assert_int_equal(arrival_note(arrival, NULL), 0);
    ssize_t length = pread(arrival->journal.fd, journal, sizeof journal, 0);
    assert_int_equal(journal_believed(journal, (size_t)length, later_boot),
                     checkpoint.synced);
    arrival_close(&arrival, ARRIVAL_DROP);
    assert_nothing_arrives();
}

static void one_that_is_left_while_the_disk_syncs_can_be_carried_on_at_once(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_REGULAR, MANIFEST_ROOT, BIG, 1, "f");
    struct arrival *arrival = open_root(&root);
    struct arrival_checkpoint checkpoint;
    write_chunk(arrival, 0, 0);
    assert_true(arrival_checkpoint_begin(arrival, &checkpoint));
    arrival_close(&arrival, ARRIVAL_LEAVE);
    arrival = open_root(&root);
    assert_int_equal(arrival->had_bytes, MIB);
    arrival_checkpoint_run(&checkpoint);
    assert_int_equal(checkpoint.code, 0);
    arrival_close(&arrival, ARRIVAL_DROP);
}

static void a_folder_put_where_a_link_is_leads_nowhere(void **state)
{
    (void)state;
    struct manifest_entry root = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, 1, "d");
    struct manifest_entry sub = entry_of(FILE_FOLDER, 0, 0, 1, "sub");
    struct arrival *arrival = open_root(&root);
    char outside[64];
    uint32_t folder = add(arrival, &sub), index;
    snprintf(outside, sizeof outside, "%s/outside", place);
    assert_int_equal(mkdir(outside, 0700), 0);
    /* Somebody with access to the disk swaps the folder for a link. */
    int data = openat(arrival->folder, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(unlinkat(data, "sub", AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat(outside, data, "sub"), 0);
    close(data);
    struct manifest_entry file = entry_of(FILE_REGULAR, folder, 10, 1, "f");
    struct check check = check_of(contents, 10);
    assert_int_equal(arrival_add(arrival, &file, &index, NULL), 0);
    assert_true(arrival_put(arrival, index, contents, 10, &check, NULL) < 0);
    assert_int_equal(rmdir(outside), 0);
    arrival_close(&arrival, ARRIVAL_DROP);
}

int main(void)
{
#define HERE(test) cmocka_unit_test_setup_teardown(test, open_place, remove_place)
    const struct CMUnitTest tests[] = {
        HERE(a_big_file_is_there_once_it_is_whole_and_not_before),
        HERE(one_that_was_left_is_carried_on),
        HERE(the_check_of_a_file_is_that_of_its_chunks_checks),
        HERE(another_version_or_another_sender_begins_anew),
        HERE(a_part_whose_data_went_away_is_not_believed),
        HERE(a_trifle_has_no_journal_and_leaves_nothing),
        HERE(contents_of_another_length_are_refused),
        HERE(a_folder_that_was_left_keeps_what_did_not_change),
        HERE(what_strays_in_a_folder_is_not_put_on_the_shelf),
        HERE(two_names_that_are_one_fail_the_folder),
        HERE(times_and_modes_are_kept_where_asked_for),
        HERE(a_checkpoint_notes_what_was_synced),
        HERE(one_that_is_left_while_the_disk_syncs_can_be_carried_on_at_once),
        HERE(a_folder_put_where_a_link_is_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
