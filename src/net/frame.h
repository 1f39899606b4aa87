/* Frames: what connections of our own protocol carry (doc/protocol.md). Pure: bytes in,
 * values out.
 *
 *     u32 length of the body | u16 type | u16 flags | u64 id | body      integers big-endian
 *
 * A body is fields, one behind the other; what stands behind the fields that are known is
 * ignored, so that later versions can append. A text is a u16 length and UTF-8 without a
 * zero, a blob a u32 length and bytes.
 *
 * To read one's fields, and look once, at the end:
 *
 *     struct frame_reader reader = frame_reader(frame);
 *     uint32_t room = frame_read_u32(&reader);
 *     struct frame_text text = frame_read_text(&reader);
 *     if (reader.failed) ...malformed
 *
 * To write one, into any buffer, behind others if there are some, and look once:
 *
 *     size_t begin = frame_begin(buffer, FRAME_SAY, 0, id);
 *     frame_put_u32(buffer, room);
 *     frame_put_text(buffer, text, length);
 *     code = frame_end(buffer, begin); */
#ifndef WOSHOU_NET_FRAME_H
#define WOSHOU_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum {
    FRAME_HEADER_BYTES = 16,
    FRAME_BODY_EARLY_BYTES = 64 << 10, /* the longest body until WELCOME */
    FRAME_BODY_BYTES = 1 << 20         /* and from then on */
};

/* Types, by what they belong to: 0x00 the session, 0x01 text, 0x02 files. Those of text
 * and files are named where they are spoken. */
enum frame_type {
    FRAME_HELLO = 0x0001,   /* the client's first: who it is and what it wants */
    FRAME_WELCOME = 0x0002, /* the server's answer */
    FRAME_ERROR = 0x0003,   /* a request (id), or the connection (0), was refused */
    FRAME_PING = 0x0004,
    FRAME_PONG = 0x0005, /* with the ping's body */
    FRAME_BYE = 0x0006,  /* the sender will close, and says why */
    FRAME_GROUP_TEXT = 0x0100,
    FRAME_GROUP_FILE = 0x0200
};

enum frame_flag {
    FRAME_FATAL = 0x0001,   /* of ERROR: the sender closes behind it */
    FRAME_OPTIONAL = 0x8000 /* of any: who does not know the type skips it */
};

struct frame {
    uint16_t type;
    uint16_t flags;
    uint64_t id;
    uint32_t total;  /* bytes of the body */
    uint32_t offset; /* of `body` in it; not 0 only in later pieces of a streamed frame */
    uint32_t
        length; /* bytes at `body`; less than `total` only in a streamed frame's pieces */
    const uint8_t *body; /* borrowed, as whoever gave the frame says */
};

/* The frame that begins at `bytes`: 1 where all of it is there; 0 where more is needed,
 * and then `ret_needed` says how many bytes there must be, as far as can be told by now;
 * -EMSGSIZE where its body is longer than `limit`. With 0 and at least FRAME_HEADER_BYTES
 * of `length` the header's values are in `ret_frame` all the same, with what there is of
 * the body. */
int frame_decode(const void *bytes, size_t length, uint32_t limit,
                 struct frame *ret_frame, size_t *ret_needed);
/* Type, flags, id and total as a header. */
void frame_encode_header(const struct frame *frame,
                         uint8_t ret_header[FRAME_HEADER_BYTES]);

/* --- Reading fields --- */

struct frame_reader {
    const uint8_t *at, *end;
    bool
        failed; /* sticky: a field was not all there, or a text no text; then all are 0 */
};

/* Not terminated. Never null: what failed is "". */
struct frame_text {
    const char *bytes;
    uint16_t length;
};
struct frame_blob {
    const uint8_t *bytes;
    uint32_t length;
};

struct frame_reader frame_reader(const struct frame *frame);
uint8_t frame_read_u8(struct frame_reader *reader);
uint16_t frame_read_u16(struct frame_reader *reader);
uint32_t frame_read_u32(struct frame_reader *reader);
uint64_t frame_read_u64(struct frame_reader *reader);
/* UTF-8 without a zero. */
struct frame_text frame_read_text(struct frame_reader *reader);
struct frame_blob frame_read_blob(struct frame_reader *reader);
/* `length` bytes as they are; null where they are not there. */
const uint8_t *frame_read_bytes(struct frame_reader *reader, size_t length);
/* All that is left: raw data behind the fields. */
struct frame_blob frame_read_rest(struct frame_reader *reader);

/* --- Writing fields: they append to the buffer, whose failure is sticky --- */

/* Where the frame begins, for frame_end. */
size_t frame_begin(struct buffer *buffer, unsigned type, unsigned flags, uint64_t id);
void frame_put_u8(struct buffer *buffer, uint8_t value);
void frame_put_u16(struct buffer *buffer, uint16_t value);
void frame_put_u32(struct buffer *buffer, uint32_t value);
void frame_put_u64(struct buffer *buffer, uint64_t value);
/* A text of more than 65,535 bytes fails the buffer with ERROR_LIMIT. */
void frame_put_text(struct buffer *buffer, const void *text, size_t length);
void frame_put_blob(struct buffer *buffer, const void *bytes, size_t length);
void frame_put_bytes(struct buffer *buffer, const void *bytes, size_t length);
/* Writes the length into the header: of the body as it stands, and `raw` bytes that will
 * follow it outside of the buffer (a file's). 0, or the buffer's failure; ERROR_LIMIT,
 * and the frame is taken away again, where the body is longer than FRAME_BODY_BYTES. */
int frame_end_raw(struct buffer *buffer, size_t begin, size_t raw);
int frame_end(struct buffer *buffer, size_t begin);

/* --- What an ERROR says --- */

/* Numbers and names are part of the protocol and of `--json`: they never change. */
enum frame_error {
    FRAME_ERROR_VERSION = 1,
    FRAME_ERROR_MALFORMED = 2,
    FRAME_ERROR_TOO_LARGE = 3,
    FRAME_ERROR_UNKNOWN_TYPE = 4,
    FRAME_ERROR_TLS_REQUIRED = 5,
    FRAME_ERROR_TOKEN_REQUIRED = 6,
    FRAME_ERROR_TOKEN_WRONG = 7,
    FRAME_ERROR_TOO_MANY = 8,
    FRAME_ERROR_SLOW_READER = 9,
    FRAME_ERROR_TIMEOUT = 10,
    FRAME_ERROR_NOT_FOUND = 11,
    FRAME_ERROR_EXISTS = 12,
    FRAME_ERROR_NAME = 13,
    FRAME_ERROR_DISK_FULL = 14,
    FRAME_ERROR_INTERNAL = 15,
    FRAME_ERROR_DRAINING = 16,
    FRAME_ERROR_UNEXPECTED = 17,  /* a frame that is known, at a time it has no meaning */
    FRAME_ERROR_BUSINESS = 18,    /* the server does not do what HELLO asks for */
    FRAME_ERROR_FORBIDDEN = 19,   /* the token does not allow it */
    FRAME_ERROR_CHECK = 20,       /* bytes that do not match their checksum */
    FRAME_ERROR_CHANGED = 21,     /* it is not what it was when the transfer began */
    FRAME_ERROR_UNSUPPORTED = 22, /* an option that this server does not have */
    FRAME_ERRORS
};

/* "too-large"; null for a number that has no name. */
const char *frame_error_name(unsigned code);

#endif
