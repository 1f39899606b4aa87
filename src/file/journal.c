#include "file/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "file/beneath.h"

/* u8 type, u8 0, u16 length of the fields, u32 of the check of all this, fields. */
enum { HEAD_BYTES = 8, CHECK_OFFSET = 4, JOURNAL_MOST_BYTES = 1 << 30 };

/* --- Records --- */

static void put_entry(struct buffer *buffer, const struct manifest_entry *entry)
{
    frame_put_u8(buffer, entry->kind);
    frame_put_u16(buffer, entry->mode);
    frame_put_u32(buffer, entry->parent);
    frame_put_u64(buffer, entry->size);
    frame_put_u64(buffer, entry->version);
    frame_put_u64(buffer, (uint64_t)entry->mtime_ns);
    frame_put_text(buffer, entry->name, entry->name_length);
}

static void put_fields(struct buffer *buffer, const struct journal_record *record)
{
    switch (record->type) {
    case JOURNAL_BEGIN: frame_put_bytes(buffer, record->boot, JOURNAL_BOOT_BYTES); break;
    case JOURNAL_ENTRY: put_entry(buffer, &record->written); break;
    case JOURNAL_CHUNK:
        frame_put_u32(buffer, record->entry);
        frame_put_u32(buffer, record->chunk);
        frame_put_bytes(buffer, record->check.bytes, CHECK_BYTES);
        break;
    case JOURNAL_WHOLE:
        frame_put_u32(buffer, record->entry);
        frame_put_bytes(buffer, record->check.bytes, CHECK_BYTES);
        break;
    case JOURNAL_GONE: frame_put_u32(buffer, record->entry); break;
    case JOURNAL_SYNCED: frame_put_u64(buffer, record->synced); break;
    default: break;
    }
}

/* The check's first bytes, of the record with zeros in their place. */
static void sign(const uint8_t *record, size_t length, uint8_t ret_sign[4])
{
    uint8_t copy[HEAD_BYTES + 1024];
    memcpy(copy, record, length);
    memset(copy + CHECK_OFFSET, 0, 4);
    struct check check = check_of(copy, length);
    memcpy(ret_sign, check.bytes, 4);
}

void journal_encode(struct buffer *buffer, const struct journal_record *record)
{
    size_t begin = buffer->length;
    frame_put_u8(buffer, record->type);
    frame_put_u8(buffer, 0);
    frame_put_u16(buffer, 0);
    frame_put_u32(buffer, 0);
    put_fields(buffer, record);
    if (buffer->failed)
        return;
    uint8_t *bytes = (uint8_t *)buffer->bytes + begin;
    size_t length = buffer->length - begin;
    bytes[2] = (uint8_t)((length - HEAD_BYTES) >> 8);
    bytes[3] = (uint8_t)(length - HEAD_BYTES);
    sign(bytes, length, bytes + CHECK_OFFSET);
}

static void read_entry(struct frame_reader *fields, struct manifest_entry *ret_entry)
{
    struct manifest_entry entry = {.kind = frame_read_u8(fields)};
    entry.mode = frame_read_u16(fields);
    entry.parent = frame_read_u32(fields);
    entry.size = frame_read_u64(fields);
    entry.version = frame_read_u64(fields);
    entry.mtime_ns = (int64_t)frame_read_u64(fields);
    struct frame_text name = frame_read_text(fields);
    entry.name = name.bytes;
    entry.name_length = name.length;
    *ret_entry = entry;
}

static void read_bytes(struct frame_reader *fields, uint8_t *ret_bytes, size_t length)
{
    const uint8_t *bytes = frame_read_bytes(fields, length);
    if (bytes)
        memcpy(ret_bytes, bytes, length);
}

size_t journal_decode(const uint8_t *bytes, size_t length,
                      struct journal_record *ret_record)
{
    if (length < HEAD_BYTES)
        return 0;
    struct journal_record record = {.type = bytes[0]};
    size_t whole = HEAD_BYTES + ((size_t)bytes[2] << 8 | bytes[3]);
    uint8_t signed_as[4];
    if (whole > length || whole > HEAD_BYTES + 1024 || record.type == 0 ||
        record.type > JOURNAL_MOST_TYPE)
        return 0;
    sign(bytes, whole, signed_as);
    if (memcmp(signed_as, bytes + CHECK_OFFSET, 4) != 0)
        return 0;
    struct frame frame = {.length = (uint32_t)(whole - HEAD_BYTES),
                          .total = (uint32_t)(whole - HEAD_BYTES),
                          .body = bytes + HEAD_BYTES};
    struct frame_reader fields = frame_reader(&frame);
    if (record.type == JOURNAL_BEGIN)
        read_bytes(&fields, record.boot, JOURNAL_BOOT_BYTES);
    else if (record.type == JOURNAL_ENTRY)
        read_entry(&fields, &record.written);
    else if (record.type == JOURNAL_SYNCED)
        record.synced = frame_read_u64(&fields);
    else
        record.entry = frame_read_u32(&fields);
    if (record.type == JOURNAL_CHUNK)
        record.chunk = frame_read_u32(&fields);
    if (record.type == JOURNAL_CHUNK || record.type == JOURNAL_WHOLE)
        read_bytes(&fields, record.check.bytes, CHECK_BYTES);
    if (fields.failed)
        return 0;
    *ret_record = record;
    return whole;
}

size_t journal_believed(const uint8_t *bytes, size_t length,
                        const uint8_t boot[JOURNAL_BOOT_BYTES])
{
    static const uint8_t unknown[JOURNAL_BOOT_BYTES];
    struct journal_record record;
    uint8_t last[JOURNAL_BOOT_BYTES] = {0};
    uint64_t synced = 0;
    size_t at = 0;
    for (size_t step; (step = journal_decode(bytes + at, length - at, &record)) > 0;
         at += step) {
        if (record.type == JOURNAL_BEGIN)
            memcpy(last, record.boot, JOURNAL_BOOT_BYTES);
        if (record.type == JOURNAL_SYNCED && record.synced <= at)
            synced = record.synced;
    }
    bool same = memcmp(last, boot, JOURNAL_BOOT_BYTES) == 0 &&
                memcmp(boot, unknown, JOURNAL_BOOT_BYTES) != 0;
    return same ? at : (size_t)synced;
}

/* --- The file --- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void journal_boot_id(uint8_t ret_boot[JOURNAL_BOOT_BYTES])
{
    uint8_t boot[JOURNAL_BOOT_BYTES] = {0};
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    int digits = 0;
    for (ssize_t i = 0; i < length && digits < 2 * JOURNAL_BOOT_BYTES; i++) {
        int digit = digit_of(text[i]);
        if (digit >= 0) {
            boot[digits / 2] = (uint8_t)(boot[digits / 2] << 4 | digit);
            digits++;
        }
    }
    if (digits < 2 * JOURNAL_BOOT_BYTES)
        memset(boot, 0, sizeof boot);
    memcpy(ret_boot, boot, sizeof boot);
}

static int read_all(int fd, struct buffer *ret_bytes, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_set_system(err, errno, "journal");
    if (status.st_size > JOURNAL_MOST_BYTES)
        return error_set(err, ERROR_LIMIT, "a journal of more than 1 GiB");
    int code = buffer_reserve(ret_bytes, (size_t)status.st_size);
    for (off_t at = 0; !code && at < status.st_size;) {
        ssize_t got = pread(fd, ret_bytes->bytes + ret_bytes->length,
                            (size_t)(status.st_size - at), at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_system(err, errno, "reading the journal");
        if (got == 0)
            break;
        at += got;
        ret_bytes->length += (size_t)got;
    }
    return code ? error_set(err, code, "no memory for the journal") : 0;
}

/* Reads it, cuts off what is not believed, and writes BEGIN. */
static int take_over(struct journal *journal, struct buffer *ret_records,
                     struct error *err)
{
    struct journal_record begin = {.type = JOURNAL_BEGIN};
    journal_boot_id(begin.boot);
    size_t before = ret_records->length;
    int code = read_all(journal->fd, ret_records, err);
    if (code)
        return code;
    size_t believed = journal_believed((const uint8_t *)ret_records->bytes + before,
                                       ret_records->length - before, begin.boot);
    ret_records->length = before + believed;
    if (ftruncate(journal->fd, (off_t)believed) < 0 ||
        lseek(journal->fd, 0, SEEK_END) < 0)
        return error_set_system(err, errno, "journal");
    journal->length = believed;
    journal_add(journal, &begin);
    return journal_write(journal, err);
}

int journal_open(struct journal *ret_journal, int folder, const char *name,
                 struct buffer *ret_records, struct error *err)
{
    struct journal journal = {.fd = beneath_open(folder, name, O_RDWR | O_CREAT, 0600)};
    if (journal.fd < 0)
        return error_set_system(err, -journal.fd, "journal");
    buffer_init(&journal.unwritten, 0);
    int code = 0;
    if (flock(journal.fd, LOCK_EX | LOCK_NB) < 0)
        code = errno == EWOULDBLOCK
                   ? error_set(err, ERROR_IN_USE, "this transfer is under way already")
                   : error_set_system(err, errno, "journal");
    if (!code)
        code = take_over(&journal, ret_records, err);
    if (code) {
        journal_close(&journal);
        return code;
    }
    *ret_journal = journal;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    journal->fd = -1;
    buffer_done(&journal->unwritten);
}

void journal_add(struct journal *journal, const struct journal_record *record)
{
    journal_encode(&journal->unwritten, record);
}

int journal_write(struct journal *journal, struct error *err)
{
    struct buffer *unwritten = &journal->unwritten;
    if (unwritten->failed)
        return error_set(err, unwritten->failed, "no memory for the journal");
    for (size_t at = 0; at < unwritten->length;) {
        ssize_t put = write(journal->fd, unwritten->bytes + at, unwritten->length - at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_system(err, errno, "writing the journal");
        at += (size_t)put;
    }
    journal->length += unwritten->length;
    buffer_clear(unwritten);
    return 0;
}
