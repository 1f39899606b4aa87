/* Compressed bytes are made here by the libraries themselves. */
#include "capture/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"
#include "capture/file_sample.h"

/* More than two buffers of the source's, and nothing in it that repeats for long. */
enum { PLAIN = 1300000, ROOM = 2 * PLAIN };
static uint8_t plain[PLAIN], stored[ROOM];

static int make_plain(void **state)
{
    (void)state;
    uint32_t x = 1;
    for (size_t i = 0; i < PLAIN; i++) {
        if (i % 3 != 2)
            x = x * 1664525 + 1013904223;
        plain[i] = (uint8_t)(x >> 24);
    }
    return 0;
}

/* --- compressing --- */

static size_t as_it_is(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
    assert_true(length <= room);
    memcpy(to, bytes, length);
    return length;
}

static size_t with_gzip(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
    z_stream stream = {.next_in = (Bytef *)bytes,
                       .avail_in = (uInt)length,
                       .next_out = to,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static size_t with_zstd(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t written = ZSTD_compress2(context, to, room, bytes, length);
    ZSTD_freeCCtx(context);
    assert_false(ZSTD_isError(written));
    return written;
}

static size_t with_lz4(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
    LZ4F_preferences_t preferences = {.frameInfo.contentChecksumFlag =
                                          LZ4F_contentChecksumEnabled};
    size_t written = LZ4F_compressFrame(to, room, bytes, length, &preferences);
    assert_false(LZ4F_isError(written));
    return written;
}

static const struct packing {
    const char *name;
    size_t (*pack)(uint8_t *to, size_t room, const uint8_t *bytes, size_t length);
} packings[] = {
    {"", as_it_is}, {"gzip", with_gzip}, {"zstd", with_zstd}, {"lz4", with_lz4}};

enum { PACKINGS = sizeof packings / sizeof packings[0] };

/* --- reading --- */

/* How many bytes come, which must be plain's; `err` is why they end. Takes the source. */
static size_t read_in_steps(struct source *source, size_t step, struct error *err)
{
    const uint8_t *bytes;
    size_t total = 0, there;
    *err = (struct error){0};
    while ((there = source_need(source, step, &bytes)) > 0) {
        size_t count = there < step ? there : step;
        assert_true(total + count <= PLAIN);
        assert_memory_equal(bytes, plain + total, count);
        source_skip(source, count);
        total += count;
    }
    int code = source_failure(source, err);
    assert_int_equal(code, err->code);
    source_close(&source);
    assert_null(source);
    return total;
}

static struct source *open_memory(const uint8_t *bytes, size_t length)
{
    struct source *source;
    struct error err;
    assert_int_equal(source_memory(bytes, length, &source, &err), 0);
    return source;
}

static size_t read_memory(size_t length, struct error *err)
{
    return read_in_steps(open_memory(stored, length), 1000, err);
}

static void bytes_come_in_order_whatever_they_were_packed_with(void **state)
{
    (void)state;
    static const size_t steps[] = {1000, 65537, PLAIN};
    for (size_t i = 0; i < PACKINGS; i++)
        for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            char path[SAMPLE_PATH];
            struct source *source;
            struct error err;
            size_t length = packings[i].pack(stored, ROOM, plain, PLAIN);
            sample_write(stored, length, path);
            assert_int_equal(source_open(path, &source, &err), 0);
            unlink(path);
            assert_string_equal(source_compression(source), packings[i].name);
            assert_int_equal(source_size(source), length);
            assert_in_range(source_position(source), 4, length);
            assert_int_equal(read_in_steps(source, steps[j], &err), PLAIN);
            assert_int_equal(err.code, 0);
        }
}

static void memory_is_read_where_it_is(void **state)
{
    (void)state;
    const uint8_t *bytes;
    struct source *source = open_memory(plain, 5);
    assert_int_equal(source_need(source, 100, &bytes), 5);
    assert_ptr_equal(bytes, plain);
    source_skip(source, 5);
    assert_int_equal(source_need(source, 1, &bytes), 0);
    assert_int_equal(source_failure(source, NULL), 0);
    assert_int_equal(source_position(source), 5);
    source_close(&source);
    source = open_memory(NULL, 0);
    assert_int_equal(source_need(source, 1, &bytes), 0);
    source_close(&source);
    source_close(&source);
}

static void streams_behind_one_another_are_one(void **state)
{
    (void)state;
    for (size_t i = 1; i < PACKINGS; i++) {
        size_t length = 0;
        for (size_t part = 0; part < 4; part++)
            length += packings[i].pack(stored + length, ROOM - length,
                                       plain + part * (PLAIN / 4), PLAIN / 4);
        struct error err;
        assert_int_equal(read_memory(length, &err), PLAIN);
        assert_int_equal(err.code, 0);
    }
}

static void a_pipe_gives_its_bytes_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < PACKINGS; i++) {
        int ends[2];
        struct source *source;
        struct error err;
        size_t length = packings[i].pack(stored, ROOM, plain, 9000);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], stored, length), length);
        close(ends[1]);
        assert_int_equal(source_take(ends[0], &source, &err), 0);
        assert_int_equal(source_size(source), 0);
        assert_int_equal(read_in_steps(source, 7, &err), 9000);
        assert_int_equal(err.code, 0);
    }
}

static void what_is_there_does_not_wait_for_more(void **state)
{
    (void)state;
    int ends[2];
    struct source *source;
    const uint8_t *bytes;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], plain, 10), 10);
    assert_int_equal(source_take(ends[0], &source, NULL), 0);
    assert_int_equal(source_need(source, 8, &bytes), 10);
    source_skip(source, 8);
    assert_int_equal(source_need(source, 2, &bytes), 2);
    close(ends[1]);
    assert_int_equal(source_need(source, 3, &bytes), 2);
    source_close(&source);
}

static void nobody_needs_more_than_the_bound(void **state)
{
    (void)state;
    char path[SAMPLE_PATH];
    struct source *source;
    const uint8_t *bytes;
    sample_write(plain, PLAIN, path);
    assert_int_equal(source_open(path, &source, NULL), 0);
    unlink(path);
    assert_true(source_need(source, SOURCE_NEED_MAX + 1, &bytes) < PLAIN);
    assert_int_equal(source_need(source, SOURCE_NEED_MAX, &bytes), PLAIN);
    assert_memory_equal(bytes, plain, PLAIN);
    source_close(&source);
}

/* --- damage --- */

/* One stream that is cut gives its beginning, and the sentence; behind its end there is
 * nothing to miss. */
static void a_cut_stream_gives_what_it_can(void **state)
{
    (void)state;
    for (size_t i = 1; i < PACKINGS; i++) {
        size_t whole = packings[i].pack(stored, ROOM, plain, 3000), before = 0;
        for (size_t cut = 4; cut < whole; cut++) {
            struct error err;
            size_t count = read_memory(cut, &err);
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_non_null(strstr(err.sentence, packings[i].name));
            assert_non_null(strstr(err.sentence, "compression ends too early"));
            assert_in_range(count, before, 3000);
            before = count;
        }
        assert_int_equal(before, 3000);
    }
}

static size_t count_bytes(struct source *source)
{
    const uint8_t *bytes;
    size_t total = 0, there;
    while ((there = source_need(source, 1, &bytes)) > 0) {
        source_skip(source, there);
        total += there;
    }
    source_close(&source);
    return total;
}

static size_t all_that_zlib_gets(const uint8_t *bytes, size_t length, size_t room)
{
    uint8_t *to = malloc(room);
    z_stream stream = {.next_in = (Bytef *)bytes,
                       .avail_in = (uInt)length,
                       .next_out = to,
                       .avail_out = (uInt)room};
    assert_non_null(to);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    inflate(&stream, Z_SYNC_FLUSH);
    inflateEnd(&stream);
    free(to);
    return stream.total_out;
}

/* Where the buffer is full, zlib may have taken all input and hold output back: of zeros
 * a byte of input gives two thousand. */
static void a_cut_stream_gives_its_last_bytes_too(void **state)
{
    (void)state;
    enum { ZEROS = 600000 };
    uint8_t *zeros = calloc(1, ZEROS);
    assert_non_null(zeros);
    size_t whole = with_gzip(stored, ROOM, zeros, ZEROS);
    for (size_t cut = 20; cut < whole; cut++)
        assert_int_equal(count_bytes(open_memory(stored, cut)),
                         all_that_zlib_gets(stored, cut, ZEROS));
    free(zeros);
}

static void a_cut_between_streams_is_none(void **state)
{
    (void)state;
    for (size_t i = 1; i < PACKINGS; i++) {
        size_t first = packings[i].pack(stored, ROOM, plain, 3000);
        size_t both =
            first + packings[i].pack(stored + first, ROOM - first, plain + 3000, 3000);
        struct error err;
        assert_int_equal(read_memory(first, &err), 3000);
        assert_int_equal(err.code, 0);
        assert_in_range(read_memory(first + 5, &err), 3000, 6000);
        assert_int_equal(err.code, ERROR_CORRUPT);
        assert_int_equal(read_memory(both, &err), 6000);
        assert_int_equal(err.code, 0);
    }
}

/* What stands before the damage comes, and in the end the sum over all tells. */
static void a_broken_stream_gives_what_came_before(void **state)
{
    (void)state;
    for (size_t i = 1; i < PACKINGS; i++) {
        size_t whole = packings[i].pack(stored, ROOM, plain, PLAIN);
        memset(stored + whole / 2, 0xff, 4096);
        struct error err;
        size_t count = 0, there;
        const uint8_t *bytes;
        struct source *source = open_memory(stored, whole);
        while ((there = source_need(source, 1, &bytes)) > 0) {
            if (count == 0)
                assert_memory_equal(bytes, plain, 65536);
            source_skip(source, there);
            count += there;
        }
        assert_in_range(count, PLAIN / 4, PLAIN);
        assert_int_equal(source_failure(source, &err), ERROR_CORRUPT);
        assert_non_null(strstr(err.sentence, "compression is broken"));
        source_close(&source);
    }
}

static void no_damage_goes_astray(void **state)
{
    (void)state;
    for (size_t i = 1; i < PACKINGS; i++) {
        size_t whole = packings[i].pack(stored, ROOM, plain, 300);
        for (size_t at = 4; at < whole; at++)
            for (int bit = 0; bit < 8; bit++) {
                stored[at] ^= (uint8_t)(1 << bit);
                count_bytes(open_memory(stored, whole));
                stored[at] ^= (uint8_t)(1 << bit);
            }
    }
}

static void zeros_behind_gzip_are_padding_and_other_bytes_are_not(void **state)
{
    (void)state;
    struct error err;
    size_t whole = with_gzip(stored, ROOM, plain, 3000);
    memset(stored + whole, 0, 600);
    assert_int_equal(read_memory(whole + 600, &err), 3000);
    assert_int_equal(err.code, 0);
    size_t both = whole + 600 + with_gzip(stored + whole + 600, 9000, plain + 3000, 100);
    assert_int_equal(read_memory(both, &err), 3100);
    assert_int_equal(err.code, 0);
    stored[whole] = 'x';
    assert_int_equal(read_memory(both, &err), 3000);
    assert_int_equal(err.code, ERROR_CORRUPT);
}

static void zstd_may_begin_with_a_frame_to_be_skipped(void **state)
{
    (void)state;
    static const uint8_t skipped[] = {0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
    struct error err;
    memcpy(stored, skipped, sizeof skipped);
    size_t whole = sizeof skipped +
                   with_zstd(stored + sizeof skipped, ROOM - sizeof skipped, plain, 3000);
    assert_int_equal(read_memory(whole, &err), 3000);
    assert_int_equal(err.code, 0);
}

static void a_window_of_two_gigabytes_is_refused(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0};
    struct error err;
    assert_int_equal(read_in_steps(open_memory(frame, sizeof frame), 1, &err), 0);
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(err.sentence,
                        "its zstd compression asks for more memory than it gets");
}

static void what_cannot_be_opened_or_read_says_so(void **state)
{
    (void)state;
    struct source *source;
    struct error err;
    assert_int_equal(source_open("/nowhere/at/all", &source, &err), ERROR_ABSENT);
    assert_string_equal(err.sentence, "opening it: no such file or directory");
    assert_true(source_open("/", &source, &err) < 0);
    assert_string_equal(err.sentence, "reading it: is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_in_order_whatever_they_were_packed_with),
        cmocka_unit_test(memory_is_read_where_it_is),
        cmocka_unit_test(streams_behind_one_another_are_one),
        cmocka_unit_test(a_pipe_gives_its_bytes_in_pieces),
        cmocka_unit_test(what_is_there_does_not_wait_for_more),
        cmocka_unit_test(nobody_needs_more_than_the_bound),
        cmocka_unit_test(a_cut_stream_gives_what_it_can),
        cmocka_unit_test(a_cut_stream_gives_its_last_bytes_too),
        cmocka_unit_test(a_cut_between_streams_is_none),
        cmocka_unit_test(a_broken_stream_gives_what_came_before),
        cmocka_unit_test(no_damage_goes_astray),
        cmocka_unit_test(zeros_behind_gzip_are_padding_and_other_bytes_are_not),
        cmocka_unit_test(zstd_may_begin_with_a_frame_to_be_skipped),
        cmocka_unit_test(a_window_of_two_gigabytes_is_refused),
        cmocka_unit_test(what_cannot_be_opened_or_read_says_so),
    };
    return cmocka_run_group_tests(tests, make_plain, NULL);
}
