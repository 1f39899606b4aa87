/* The frames of text: what stands in them, for the server and for clients alike
 * (doc/protocol.md). Pure. */
#ifndef WOSHOU_TEXT_PROTOCOL_H
#define WOSHOU_TEXT_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/frame.h"

enum text_type {
    TEXT_JOIN = 0x0101,   /* u8 options, text room */
    TEXT_JOINED = 0x0102, /* u32 room, u32 sender, u64 epoch, u64 last, u32 members */
    TEXT_LEAVE = 0x0103,  /* u32 room */
    TEXT_LEFT = 0x0104,   /* u32 room */
    TEXT_SAY = 0x0105,    /* u32 room, u8 kind, text text */
    TEXT_SAID = 0x0106,   /* u32 room, u64 seq, u64 time_ns */
    TEXT_MESSAGE =
        0x0107, /* u32 room, u32 sender, u64 time_ns, u8 kind, text name, text text */
    TEXT_TELL = 0x0108,   /* text name, text text */
    TEXT_DIRECT = 0x0109, /* u64 time_ns, text from, text text */
    TEXT_GAP = 0x010a,    /* u32 room, u64 next */
    TEXT_HISTORY =
        0x010b, /* text room, u64 since, u64 until, u64 since_ns, u32 limit, text search */
    TEXT_PAST = 0x010c,        /* u32 request, u32 0, then as MESSAGE */
    TEXT_HISTORY_END = 0x010d, /* u64 next, u64 last, u64 epoch */
    TEXT_MEMBERS = 0x010e,     /* u32 room */
    TEXT_MEMBER_LIST =
        0x010f,            /* u32 room, u32 members, u32 names, then so many: text name */
    TEXT_PRESENCE = 0x0110 /* u32 room, u8 what, u32 members, text name */
};

enum text_flag {
    TEXT_UNKEPT = 0x0001 /* of SAY, MESSAGE: neither kept nor acknowledged */
};

enum text_join_option {
    TEXT_JOIN_SPEAKER = 1 << 0 /* only to say something: no messages come */
};

enum text_kind {
    TEXT_KIND_SAID = 0, /* a person said it */
    TEXT_KIND_FILE = 1  /* a file is there: its name */
};

enum text_presence { TEXT_CAME = 1, TEXT_WENT = 2 };

enum {
    TEXT_BYTES = 32 << 10,   /* the longest text of a message */
    TEXT_NAME_BYTES = 64,    /* of a member or a room */
    TEXT_ROOMS = 64,         /* rooms that one connection may be in */
    TEXT_OUTSTANDING = 1000, /* messages that one connection may have unacknowledged */
    TEXT_PRESENCE_MOST = 64, /* members up to which a room tells who comes and goes */
    TEXT_NAMES_MOST = 1000,  /* names in one list of members */
    TEXT_HISTORY_MOST = 1000 /* messages in one answer */
};

/* A message as MESSAGE and PAST carry it. */
struct text_message {
    bool past;   /* PAST, and `room` is the request's id */
    bool unkept; /* then seq is 0 */
    uint32_t room, sender;
    uint64_t seq;
    int64_t time_ns; /* since 1970 */
    uint8_t kind;
    uint16_t name_length, text_length;
    const char *name, *text;
};

size_t text_message_bytes(const struct text_message *message);
/* Writes text_message_bytes of it, header and all. */
void text_message_encode(const struct text_message *message, uint8_t *ret_bytes);
/* Of a MESSAGE or PAST; name and text are borrowed from the frame. -EBADMSG where it is
 * malformed. */
int text_message_decode(const struct frame *frame, struct text_message *ret_message);

/* Whether that is a name for a member or a room: 1 to TEXT_NAME_BYTES bytes of UTF-8, every
 * character visible, no space at either end. So it can be shown as it is. */
bool text_name_valid(const char *name, size_t length);

#endif
