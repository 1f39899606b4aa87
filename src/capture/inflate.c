#include "capture/inflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"

/* --- gzip --- */

struct gzip {
    z_stream stream;
    bool ended; /* a member has; another may follow */
};

static void *gzip_open(void)
{
    struct gzip *gzip = calloc(1, sizeof *gzip);
    if (gzip && inflateInit2(&gzip->stream, 15 + 16) != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

static void gzip_close(void *state)
{
    struct gzip *gzip = state;
    inflateEnd(&gzip->stream);
    free(gzip);
}

static unsigned as_unsigned(size_t count)
{
    return count > 1u << 30 ? 1u << 30 : (unsigned)count;
}

/* Behind a member, zeros may fill a block up, as on tape. False where nothing follows. */
static bool begin_member(struct gzip *gzip, struct inflate_step *step)
{
    for (; step->in_left > 0 && *step->in == 0; step->in_left--)
        step->in++;
    if (step->in_left == 0)
        return false;
    gzip->ended = false;
    return inflateReset(&gzip->stream) == Z_OK;
}

static int gzip_step(void *state, struct inflate_step *step, _Bool *ret_whole)
{
    struct gzip *gzip = state;
    z_stream *stream = &gzip->stream;

    /* With no input left it may still hold output back. */
    for (bool moved = true; moved && step->out_left > 0;) {
        if (gzip->ended && !begin_member(gzip, step))
            break;
        unsigned in = as_unsigned(step->in_left), out = as_unsigned(step->out_left);
        stream->next_in = (Bytef *)step->in; /* zlib does not write there */
        stream->avail_in = in;
        stream->next_out = step->out;
        stream->avail_out = out;
        int code = inflate(stream, Z_NO_FLUSH);
        moved = stream->avail_in < in || stream->avail_out < out;
        step->in += in - stream->avail_in;
        step->in_left -= in - stream->avail_in;
        step->out += out - stream->avail_out;
        step->out_left -= out - stream->avail_out;
        gzip->ended = code == Z_STREAM_END;
        if (code == Z_MEM_ERROR)
            return ERROR_MEMORY;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return ERROR_CORRUPT;
    }
    *ret_whole = gzip->ended && step->in_left == 0;
    return 0;
}

/* --- zstd --- */

struct zstd {
    ZSTD_DStream *stream;
    size_t more; /* 0 at the end of a frame */
};

static void *zstd_open(void)
{
    struct zstd *zstd = calloc(1, sizeof *zstd);
    if (zstd && !(zstd->stream = ZSTD_createDStream())) {
        free(zstd);
        return NULL;
    }
    return zstd;
}

static void zstd_close(void *state)
{
    struct zstd *zstd = state;
    ZSTD_freeDStream(zstd->stream);
    free(zstd);
}

static int zstd_code(size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_no_error: return 0;
    case ZSTD_error_memory_allocation: return ERROR_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge: return ERROR_LIMIT;
    default: return ERROR_CORRUPT;
    }
}

static int zstd_step(void *state, struct inflate_step *step, _Bool *ret_whole)
{
    struct zstd *zstd = state;
    ZSTD_inBuffer in = {step->in, step->in_left, 0};
    ZSTD_outBuffer out = {step->out, step->out_left, 0};
    int code = 0;

    /* With no input left it may still hold output back. */
    do {
        size_t before = in.pos + out.pos;
        size_t more = ZSTD_decompressStream(zstd->stream, &out, &in);
        code = zstd_code(more);
        if (in.pos + out.pos == before)
            break;         /* and the answer is about a frame that has not begun */
        zstd->more = more; /* an error is not 0 */
    } while (code == 0 && out.pos < out.size);
    step->in += in.pos;
    step->in_left -= in.pos;
    step->out += out.pos;
    step->out_left -= out.pos;
    *ret_whole = zstd->more == 0 && step->in_left == 0;
    return code;
}

/* --- lz4 --- */

struct lz4 {
    LZ4F_dctx *context;
    size_t more; /* 0 at the end of a frame */
};

static void *lz4_open(void)
{
    struct lz4 *lz4 = calloc(1, sizeof *lz4);
    if (lz4 &&
        LZ4F_isError(LZ4F_createDecompressionContext(&lz4->context, LZ4F_VERSION))) {
        free(lz4);
        return NULL;
    }
    return lz4;
}

static void lz4_close(void *state)
{
    struct lz4 *lz4 = state;
    LZ4F_freeDecompressionContext(lz4->context);
    free(lz4);
}

static int lz4_step(void *state, struct inflate_step *step, _Bool *ret_whole)
{
    struct lz4 *lz4 = state;
    bool moved = true;

    while (moved && step->out_left > 0) {
        size_t in = step->in_left, out = step->out_left;
        size_t more = LZ4F_decompress(lz4->context, step->out, &out, step->in, &in, NULL);
        if (LZ4F_isError(more))
            return ERROR_CORRUPT;
        step->in += in;
        step->in_left -= in;
        step->out += out;
        step->out_left -= out;
        moved = in > 0 || out > 0;
        lz4->more = moved ? more : lz4->more;
    }
    *ret_whole = lz4->more == 0 && step->in_left == 0;
    return 0;
}

/* --- which --- */

/* A magic number and the bits of its first byte that count: a frame to be skipped, with
 * which some of zstd's and lz4's writers begin, has sixteen. zstd's library steps over it
 * as lz4's would, and pzstd always writes one. */
static const struct {
    uint8_t magic[INFLATE_MAGIC_BYTES];
    uint8_t first_mask;
    size_t length;
    struct inflate inflate;
} kinds[] = {
    {{0x1f, 0x8b, 0x08, 0}, 0xff, 3, {"gzip", gzip_open, gzip_close, gzip_step}},
    {{0x28, 0xb5, 0x2f, 0xfd}, 0xff, 4, {"zstd", zstd_open, zstd_close, zstd_step}},
    {{0x50, 0x2a, 0x4d, 0x18}, 0xf0, 4, {"zstd", zstd_open, zstd_close, zstd_step}},
    {{0x04, 0x22, 0x4d, 0x18}, 0xff, 4, {"lz4", lz4_open, lz4_close, lz4_step}},
};

const struct inflate *inflate_find(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (length >= kinds[i].length &&
            (bytes[0] & kinds[i].first_mask) == kinds[i].magic[0] &&
            memcmp(bytes + 1, kinds[i].magic + 1, kinds[i].length - 1) == 0)
            return &kinds[i].inflate;
    return NULL;
}
