/* What a journal is believed, after a program was killed, after the system was, and where it is torn. */
#include "file/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "file/beneath.h"
#include "file/protocol.h"

static const uint8_t this_boot[JOURNAL_BOOT_BYTES] = {1},
                     that_boot[JOURNAL_BOOT_BYTES] = {2};

static void add_begin(struct buffer *buffer, const uint8_t *boot)
{
    struct journal_record record = {.type = JOURNAL_BEGIN};
    memcpy(record.boot, boot, JOURNAL_BOOT_BYTES);
    journal_encode(buffer, &record);
}

static void add_chunk(struct buffer *buffer, uint32_t chunk)
{
    const struct journal_record record = {
        .type = JOURNAL_CHUNK, .entry = 7, .chunk = chunk, .check = check_of("x", 1)};
    journal_encode(buffer, &record);
}

static void add_synced(struct buffer *buffer, size_t synced)
{
    const struct journal_record record = {.type = JOURNAL_SYNCED, .synced = synced};
    journal_encode(buffer, &record);
}

static size_t believed(const struct buffer *buffer, const uint8_t *boot)
{
    return journal_believed((const uint8_t *)buffer->bytes, buffer->length, boot);
}

static void records_travel(void **state)
{
    (void)state;
    struct buffer buffer;
    struct journal_record record = {.type = JOURNAL_ENTRY}, read;
    struct check check = check_of("x", 1);
    buffer_init(&buffer, 0);
    record.written = (struct manifest_entry){.kind = FILE_REGULAR,
                                             .mode = 0755,
                                             .parent = 3,
                                             .size = 9,
                                             .version = 11,
                                             .mtime_ns = -1,
                                             .name = "名",
                                             .name_length = 3};
    journal_encode(&buffer, &record);
    add_chunk(&buffer, 5);
    size_t step = journal_decode((const uint8_t *)buffer.bytes, buffer.length, &read);
    assert_true(step > 0);
    assert_int_equal(read.written.parent, 3);
    assert_int_equal(read.written.mtime_ns, -1);
    assert_memory_equal(read.written.name, "名", 3);
    assert_int_equal(
        journal_decode((const uint8_t *)buffer.bytes + step, buffer.length - step, &read),
        buffer.length - step);
    assert_int_equal(read.entry, 7);
    assert_int_equal(read.chunk, 5);
    assert_true(check_equal(&read.check, &check));
    buffer_done(&buffer);
}

static void a_killed_program_loses_nothing_that_was_written(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    add_begin(&buffer, this_boot);
    add_chunk(&buffer, 1);
    assert_int_equal(believed(&buffer, this_boot), buffer.length);
    buffer_done(&buffer);
}

static void after_a_power_failure_only_what_was_synced_counts(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    add_begin(&buffer, that_boot);
    add_chunk(&buffer, 1);
    size_t synced = buffer.length;
    add_chunk(&buffer, 2); /* while the disk was syncing */
    add_synced(&buffer, synced);
    add_chunk(&buffer, 3);
    assert_int_equal(believed(&buffer, this_boot), synced);
    assert_int_equal(believed(&buffer, that_boot), buffer.length);
    buffer_done(&buffer);
}

static void a_boot_id_that_cannot_be_learnt_is_nobodys(void **state)
{
    (void)state;
    static const uint8_t unknown[JOURNAL_BOOT_BYTES];
    struct buffer buffer;
    buffer_init(&buffer, 0);
    add_begin(&buffer, unknown);
    add_chunk(&buffer, 1);
    assert_int_equal(believed(&buffer, unknown), 0);
    buffer_done(&buffer);
}

static void a_journal_torn_anywhere_is_believed_up_to_its_last_whole_record(void **state)
{
    (void)state;
    struct buffer buffer;
    size_t ends[4] = {0};
    buffer_init(&buffer, 0);
    add_begin(&buffer, this_boot);
    ends[1] = buffer.length;
    add_chunk(&buffer, 1);
    ends[2] = buffer.length;
    add_chunk(&buffer, 2);
    ends[3] = buffer.length;
    for (size_t length = 0, whole = 0; length <= ends[3]; length++) {
        uint8_t *copy = malloc(length + !length);
        memcpy(copy, buffer.bytes, length);
        whole += whole < 3 && length == ends[whole + 1];
        assert_int_equal(journal_believed(copy, length, this_boot), ends[whole]);
        free(copy);
    }
    buffer_done(&buffer);
}

static void a_damaged_record_ends_belief(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    add_begin(&buffer, this_boot);
    size_t end = buffer.length;
    add_chunk(&buffer, 1);
    add_chunk(&buffer, 2);
    for (size_t at = end; at < end + 16; at++) {
        buffer.bytes[at] ^= 0x40;
        assert_int_equal(believed(&buffer, this_boot), end);
        buffer.bytes[at] ^= 0x40;
    }
    buffer_done(&buffer);
}

static void a_synced_that_speaks_of_what_comes_later_is_not_heeded(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    add_begin(&buffer, that_boot);
    add_synced(&buffer, 4000);
    assert_int_equal(believed(&buffer, this_boot), 0);
    buffer_done(&buffer);
}

static void a_journal_is_one_programs_and_goes_on_where_it_ended(void **state)
{
    (void)state;
    char folder[] = "/tmp/journal-XXXXXX";
    struct journal journal, other;
    struct buffer records;
    struct error err;
    assert_non_null(mkdtemp(folder));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buffer_init(&records, 0);
    assert_int_equal(journal_open(&journal, fd, "journal", &records, NULL), 0);
    assert_int_equal(records.length, 0);
    assert_int_equal(journal_open(&other, fd, "journal", &records, &err), ERROR_IN_USE);
    const struct journal_record record = {.type = JOURNAL_GONE, .entry = 3};
    journal_add(&journal, &record);
    assert_int_equal(journal_write(&journal, NULL), 0);
    uint64_t length = journal.length;
    journal_close(&journal);
    journal_close(&journal);
    assert_int_equal(journal_open(&journal, fd, "journal", &records, NULL), 0);
    assert_int_equal(records.length, length);
    journal_close(&journal);
    buffer_done(&records);
    close(fd);
    fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(beneath_remove(fd, folder + 5), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_travel),
        cmocka_unit_test(a_killed_program_loses_nothing_that_was_written),
        cmocka_unit_test(after_a_power_failure_only_what_was_synced_counts),
        cmocka_unit_test(a_boot_id_that_cannot_be_learnt_is_nobodys),
        cmocka_unit_test(a_journal_torn_anywhere_is_believed_up_to_its_last_whole_record),
        cmocka_unit_test(a_damaged_record_ends_belief),
        cmocka_unit_test(a_synced_that_speaks_of_what_comes_later_is_not_heeded),
        cmocka_unit_test(a_journal_is_one_programs_and_goes_on_where_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
