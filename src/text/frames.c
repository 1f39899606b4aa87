/* Members that speak frames: their requests, and the answers. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "text/desk.h"
#include "text/member.h"
#include "text/saying.h"

/* Of one member, before the others have their turn and its rooms are shown what it said. */
enum { TAKEN_AT_ONCE = 256 << 10 };

/* --- Answers --- */

static void put_error(struct member *member, uint64_t id, unsigned flags, unsigned code,
                      uint32_t retry_ms, const char *sentence)
{
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, FRAME_ERROR, flags, id);
    frame_put_u16(own, (uint16_t)code);
    frame_put_u32(own, retry_ms);
    frame_put_text(own, sentence, strlen(sentence));
    frame_end(own, begin);
}

static void refuse(struct member *member, uint64_t id, unsigned code,
                   const char *sentence)
{
    desk_count(&member->desk->refused, 1);
    put_error(member, id, 0, code, 0, sentence);
}

static void farewell(struct member *member, unsigned code, const char *sentence)
{
    put_error(member, 0, FRAME_FATAL, code, 0, sentence);
}

static void gap(struct member *member, const struct room *room, uint64_t next)
{
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_GAP, 0, 0);
    frame_put_u32(own, room->number);
    frame_put_u64(own, next);
    frame_end(own, begin);
}

static void acknowledge(struct member *member, const struct said *said)
{
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_SAID, 0, said->message.number);
    frame_put_u32(own, said->room->number);
    frame_put_u64(own, said->message.seq);
    frame_put_u64(own, (uint64_t)said->message.time_ns);
    frame_end(own, begin);
    desk_count(&member->desk->acknowledged, 1);
}

enum { RETRY_MS = 1000 };

static void answer(struct member *member, const struct said *said)
{
    uint64_t id = said->message.number;
    switch (said->message.result) {
    case KEEP_STORED:
    case KEEP_REPEATED: acknowledge(member, said); return;
    case KEEP_TOO_OLD:
        refuse(member, id, FRAME_ERROR_UNEXPECTED,
               "the number is too far behind this client's highest to tell a repetition");
        return;
    case KEEP_FULL:
        desk_count(&member->desk->refused, 1);
        put_error(member, id, 0, FRAME_ERROR_DISK_FULL, RETRY_MS,
                  "the server's disk is full: the message is not kept");
        return;
    case KEEP_FAILED:
        desk_count(&member->desk->refused, 1);
        put_error(member, id, 0, FRAME_ERROR_INTERNAL, RETRY_MS,
                  "the server could not keep the message");
        return;
    }
}

static void past(struct member *member, const struct asked *asked)
{
    if (asked->code == ERROR_ARGUMENT) {
        refuse(member, asked->request, FRAME_ERROR_MALFORMED,
               "there is no word to search for");
        return;
    }
    if (asked->code) {
        refuse(member, asked->request, FRAME_ERROR_INTERNAL,
               "the history could not be read");
        return;
    }
    struct buffer *own = member_reply(member);
    pthread_mutex_lock(&asked->room->lock);
    uint64_t last = asked->room->last;
    pthread_mutex_unlock(&asked->room->lock);
    buffer_append(own, asked->answer.bytes, asked->answer.length);
    size_t begin = frame_begin(own, TEXT_HISTORY_END, 0, asked->request);
    frame_put_u64(own, asked->next_seq);
    frame_put_u64(own, last);
    frame_put_u64(own, member->desk->text->options.keep->epoch);
    frame_end(own, begin);
}

static void direct(struct member *member, const struct letter *letter)
{
    buffer_append(member_reply(member), letter->frame, letter->length);
}

/* --- Requests: each returns 0, or -EBADMSG where the frame is malformed --- */

static void put_joined(struct member *member, uint64_t id, const struct room *room,
                       uint64_t last, uint32_t count)
{
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_JOINED, 0, id);
    frame_put_u32(own, room->number);
    frame_put_u32(own, member->sender);
    frame_put_u64(own, member->desk->text->options.keep->epoch);
    frame_put_u64(own, last);
    frame_put_u32(own, count);
    frame_end(own, begin);
}

static void join(struct member *member, const struct frame *frame, struct room *room,
                 bool speaker)
{
    struct place *place;
    int code = member_enter(member, room, speaker, &place);
    if (code == -EEXIST) {
        refuse(member, frame->id, FRAME_ERROR_EXISTS,
               "this connection is in the room already");
    } else if (code == -ENOSPC) {
        refuse(member, frame->id, FRAME_ERROR_TOO_MANY,
               "this connection is in as many rooms as it may");
    } else if (code) {
        refuse(member, frame->id, FRAME_ERROR_INTERNAL, "the server is out of memory");
    } else {
        pthread_mutex_lock(&room->lock);
        uint32_t count = room->count;
        pthread_mutex_unlock(&room->lock);
        put_joined(member, frame->id, room, place->last, count);
    }
}

static int on_join(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint8_t options = frame_read_u8(&reader);
    struct frame_text name = frame_read_text(&reader);
    struct room *room;
    if (reader.failed)
        return -EBADMSG;
    if (!text_name_valid(name.bytes, name.length)) {
        refuse(
            member, frame->id, FRAME_ERROR_NAME,
            "a room's name is 1 to 64 bytes of visible characters, no space at either end");
        return 0;
    }
    int code = room_open(&member->desk->text->rooms, name.bytes, name.length, &room);
    if (code == ERROR_LIMIT)
        refuse(member, frame->id, FRAME_ERROR_TOO_MANY,
               "the server has as many rooms as it may");
    else if (code)
        refuse(member, frame->id, FRAME_ERROR_INTERNAL, "the server is out of memory");
    else
        join(member, frame, room, options & TEXT_JOIN_SPEAKER);
    return 0;
}

/* Its place in the room, or null, having said so. */
static struct place *find_place(struct member *member, const struct frame *frame,
                                uint32_t number)
{
    struct place *place = member_place(member, number);
    if (!place)
        refuse(member, frame->id, FRAME_ERROR_NOT_FOUND,
               "this connection is in no such room");
    return place;
}

static int on_leave(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t number = frame_read_u32(&reader);
    if (reader.failed)
        return -EBADMSG;
    struct place *place = find_place(member, frame, number);
    if (!place)
        return 0;
    int code = member_release(member, place);
    if (code)
        return code;
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_LEFT, 0, frame->id);
    frame_put_u32(own, number);
    frame_end(own, begin);
    return 0;
}

static void say(struct member *member, const struct frame *frame, struct room *room,
                uint8_t kind, struct frame_text text)
{
    int code;
    if (frame->flags & TEXT_UNKEPT)
        code = member_say_unkept(member, room, kind, text.bytes, text.length);
    else
        code = member_say(member, room, frame->id, kind, text.bytes, text.length);
    if (code)
        refuse(member, frame->id, FRAME_ERROR_INTERNAL, "the server is out of memory");
}

static int on_say(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t number = frame_read_u32(&reader);
    uint8_t kind = frame_read_u8(&reader);
    struct frame_text text = frame_read_text(&reader);
    if (reader.failed || (frame->id == 0 && !(frame->flags & TEXT_UNKEPT)))
        return -EBADMSG;
    struct place *place = find_place(member, frame, number);
    if (!place)
        return 0;
    if (text.length > TEXT_BYTES)
        refuse(member, frame->id, FRAME_ERROR_TOO_LARGE,
               "a message's text is at most 32,768 bytes");
    else
        say(member, frame, place->room, kind, text);
    return 0;
}

static int on_tell(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    struct frame_text name = frame_read_text(&reader);
    struct frame_text text = frame_read_text(&reader);
    if (reader.failed)
        return -EBADMSG;
    if (text.length > TEXT_BYTES) {
        refuse(member, frame->id, FRAME_ERROR_TOO_LARGE,
               "a message's text is at most 32,768 bytes");
        return 0;
    }
    int64_t now_ns;
    if (!member_tell(member, name.bytes, name.length, text.bytes, text.length, &now_ns)) {
        refuse(member, frame->id, FRAME_ERROR_NOT_FOUND, "nobody of that name is here");
        return 0;
    }
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_SAID, 0, frame->id);
    frame_put_u32(own, 0);
    frame_put_u64(own, 0);
    frame_put_u64(own, (uint64_t)now_ns);
    frame_end(own, begin);
    return 0;
}

static int on_history(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    struct frame_text name = frame_read_text(&reader);
    struct keep_query wanted = {.since = frame_read_u64(&reader)};
    wanted.until = frame_read_u64(&reader);
    wanted.since_ns = (int64_t)frame_read_u64(&reader);
    wanted.limit = frame_read_u32(&reader);
    struct frame_text search = frame_read_text(&reader);
    struct room *room;
    if (reader.failed)
        return -EBADMSG;
    if (wanted.limit == 0 || wanted.limit > TEXT_HISTORY_MOST)
        wanted.limit = TEXT_HISTORY_MOST;
    if (!text_name_valid(name.bytes, name.length)) {
        refuse(
            member, frame->id, FRAME_ERROR_NAME,
            "a room's name is 1 to 64 bytes of visible characters, no space at either end");
    } else if (room_open(&member->desk->text->rooms, name.bytes, name.length, &room) ||
               member_ask(member, room, frame->id, &wanted,
                          search.length ? search.bytes : NULL, search.length)) {
        refuse(member, frame->id, FRAME_ERROR_INTERNAL, "the server is out of memory");
    }
    return 0;
}

static int on_members(struct member *member, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t number = frame_read_u32(&reader);
    if (reader.failed)
        return -EBADMSG;
    struct place *place = find_place(member, frame, number);
    if (!place)
        return 0;
    struct room *room = place->room;
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, TEXT_MEMBER_LIST, 0, frame->id);
    frame_put_u32(own, number);
    pthread_mutex_lock(&room->lock);
    uint32_t names = room->count < TEXT_NAMES_MOST ? room->count : TEXT_NAMES_MOST,
             put = 0;
    frame_put_u32(own, room->count);
    frame_put_u32(own, names);
    list_for_each (link, &room->members) {
        const struct member *other = list_member(link, struct place, in_room)->member;
        if (put++ == names)
            break;
        frame_put_text(own, other->name, other->name_length);
    }
    pthread_mutex_unlock(&room->lock);
    frame_end(own, begin);
    return 0;
}

static int on_ping(struct member *member, const struct frame *frame)
{
    enum { PING_BYTES = 64 };
    if (frame->length > PING_BYTES)
        return -EBADMSG;
    struct buffer *own = member_reply(member);
    size_t begin = frame_begin(own, FRAME_PONG, 0, frame->id);
    frame_put_bytes(own, frame->body, frame->length);
    frame_end(own, begin);
    return 0;
}

static int on_frame(struct member *member, const struct frame *frame)
{
    switch (frame->type) {
    case TEXT_SAY: return on_say(member, frame);
    case TEXT_JOIN: return on_join(member, frame);
    case TEXT_LEAVE: return on_leave(member, frame);
    case TEXT_TELL: return on_tell(member, frame);
    case TEXT_HISTORY: return on_history(member, frame);
    case TEXT_MEMBERS: return on_members(member, frame);
    case FRAME_PING: return on_ping(member, frame);
    case FRAME_PONG: return 0;
    case FRAME_BYE: return -ESHUTDOWN;
    default: return frame->flags & FRAME_OPTIONAL ? 0 : -EPROTONOSUPPORT;
    }
}

/* The end of a connection, in words. */
static void end(struct member *member, int code)
{
    switch (code) {
    case -EBADMSG:
        member_end(member, FRAME_ERROR_MALFORMED,
                   "a frame's fields are not what its type says");
        break;
    case -EPROTONOSUPPORT:
        member_end(member, FRAME_ERROR_UNKNOWN_TYPE,
                   "a frame is of a type that is not known here");
        break;
    default:
        member_end(member, FRAME_ERROR_TOO_LARGE, "a frame is longer than the limit");
        break;
    }
}

static int receive(struct member *member)
{
    struct frame frame;
    for (size_t taken = 0; taken < TAKEN_AT_ONCE;) {
        if (!member_may_read(member))
            return 0;
        int code = channel_next(&member->channel, member->desk->scratch, &frame);
        if (code == 1) {
            member->heard = true;
            taken += FRAME_HEADER_BYTES + frame.total;
            code = on_frame(member, &frame);
            if (code == 0)
                continue;
            if (code != -ESHUTDOWN) {
                end(member, code);
                return 0;
            }
        }
        if (code == -EMSGSIZE) {
            end(member, code);
            return 0;
        }
        return code == -EBADMSG ? -ECONNRESET : code;
    }
    return 1;
}

const struct member_kind member_frames = {.receive = receive,
                                          .show = member_show_reels,
                                          .answer = answer,
                                          .past = past,
                                          .direct = direct,
                                          .gap = gap,
                                          .farewell = farewell};
