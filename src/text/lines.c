/* Members that speak plain lines of UTF-8: for nc, and whatever else can write a line.
 *
 * What comes is said in the room they are in, but a line that begins with / is a command. What the
 * room says comes as "NAME: TEXT", made visible; what the server says begins with "* ". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf.h"
#include "base/visible.h"
#include "text/desk.h"
#include "text/member.h"
#include "text/saying.h"

enum {
    RECEIVE_BYTES = 4096,
    RECEIVE_TURNS = 16,    /* of RECEIVE_BYTES, before the others have their turn */
    SHOW_BYTES = 64 << 10, /* of lines written out at once */
    HISTORY_USUAL = 20
};

struct lines {
    struct buffer line; /* what has come of it */
    bool too_long;      /* and the rest is left out */
    bool any;           /* a line has come */
    uint64_t number;    /* of the last message */
};

int lines_start(struct member *member)
{
    struct room *room;
    struct place *place;
    const char *name = member->desk->text->options.lines_room;
    member->lines = calloc(1, sizeof *member->lines);
    if (!member->lines)
        return -ENOMEM;
    buffer_init(&member->lines->line, 0);
    if (room_open(&member->desk->text->rooms, name, strlen(name), &room))
        return -ENOMEM;
    int code = member_enter(member, room, false, &place);
    if (!code)
        buffer_append_format(member_reply(member),
                             "* you are %s in %s; /help says what else can be done\n",
                             member->name, room->name);
    return code;
}

void lines_free(struct lines **lines)
{
    if (*lines)
        buffer_done(&(*lines)->line);
    free(*lines);
    *lines = NULL;
}

/* --- What is shown --- */

static void show_message(struct buffer *own, const struct text_message *message)
{
    if (message->kind == TEXT_KIND_FILE)
        buffer_append_text(own, "* file from ");
    buffer_append(own, message->name, message->name_length);
    buffer_append_text(own, ": ");
    visible_append(own, message->text, message->text_length);
    buffer_append_char(own, '\n');
}

static void show_presence(struct buffer *own, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    frame_read_u32(&reader);
    uint8_t what = frame_read_u8(&reader);
    frame_read_u32(&reader);
    struct frame_text name = frame_read_text(&reader);
    buffer_append_text(own, "* ");
    buffer_append(own, name.bytes, name.length);
    buffer_append_text(own, what == TEXT_CAME ? " came\n" : " went\n");
}

static void show_frame(struct member *member, const struct frame *frame)
{
    struct text_message message;
    if (frame->type == TEXT_PRESENCE)
        show_presence(member_reply(member), frame);
    /* His own he has on his screen. */
    else if (frame->type == TEXT_MESSAGE && text_message_decode(frame, &message) == 0 &&
             message.sender != member->sender)
        show_message(member_reply(member), &message);
}

static int show(struct member *member)
{
    for (struct place *place = member->places; place; place = place->next) {
        const uint8_t *bytes;
        size_t length;
        while ((length = cursor_look(&place->cursor, &bytes)) > 0) {
            struct frame frame;
            size_t taken;
            if (member_own_bytes(member) >= SHOW_BYTES) {
                member->flush_again = true;
                return 1;
            }
            if (frame_decode(bytes, length, UINT32_MAX, &frame, &taken) != 1)
                return -EBADMSG;
            show_frame(member, &frame);
            cursor_advance(&place->cursor, taken);
        }
    }
    return 1;
}

static void answer(struct member *member, const struct said *said)
{
    switch (said->message.result) {
    case KEEP_STORED:
    case KEEP_REPEATED: desk_count(&member->desk->acknowledged, 1); return;
    case KEEP_FULL:
        buffer_append_text(member_reply(member),
                           "* the server's disk is full: your message is not kept\n");
        break;
    case KEEP_TOO_OLD:
    case KEEP_FAILED:
        buffer_append_text(member_reply(member),
                           "* the server could not keep your message\n");
        break;
    }
    desk_count(&member->desk->refused, 1);
}

static void past(struct member *member, const struct asked *asked)
{
    struct buffer *own = member_reply(member);
    if (asked->code) {
        buffer_append_text(own, "* the history could not be read\n");
        return;
    }
    for (size_t at = 0, taken; at < asked->answer.length; at += taken) {
        struct frame frame;
        struct text_message message;
        if (frame_decode(asked->answer.bytes + at, asked->answer.length - at, UINT32_MAX,
                         &frame, &taken) != 1 ||
            text_message_decode(&frame, &message))
            return;
        show_message(own, &message);
    }
    buffer_append_text(own, "* that was the history\n");
}

static void direct(struct member *member, const struct letter *letter)
{
    struct frame frame;
    size_t taken;
    if (frame_decode(letter->frame, letter->length, UINT32_MAX, &frame, &taken) != 1)
        return;
    struct frame_reader reader = frame_reader(&frame);
    frame_read_u64(&reader);
    struct frame_text from = frame_read_text(&reader), text = frame_read_text(&reader);
    struct buffer *own = member_reply(member);
    buffer_append_text(own, "* to you alone from ");
    buffer_append(own, from.bytes, from.length);
    buffer_append_text(own, ": ");
    visible_append(own, text.bytes, text.length);
    buffer_append_char(own, '\n');
}

static void gap(struct member *member, const struct room *room, uint64_t next)
{
    (void)next;
    buffer_append_format(member_reply(member),
                         "* you read too slowly and missed something in %s\n",
                         room->name);
}

static void farewell(struct member *member, unsigned code, const char *sentence)
{
    (void)code;
    buffer_append_format(member_reply(member), "* good-bye: %s\n", sentence);
}

/* --- Commands --- */

static void help(struct member *member, const char *rest, size_t length)
{
    (void)rest, (void)length;
    buffer_append_text(member_reply(member), "* /name NAME        be called so\n"
                                             "* /join ROOM        go there\n"
                                             "* /who              who is here\n"
                                             "* /tell NAME TEXT   say it to one person\n"
                                             "* /history [N]      the last messages\n"
                                             "* /quit             leave\n");
}

static void rename_to(struct member *member, const char *rest, size_t length)
{
    if (!text_name_valid(rest, length)) {
        buffer_append_text(
            member_reply(member),
            "* a name is 1 to 64 bytes of visible characters, no space at either end\n");
        return;
    }
    member_rename(member, rest, length);
    buffer_append_format(member_reply(member), "* you are %s now\n", member->name);
}

static void join(struct member *member, const char *rest, size_t length)
{
    struct room *room;
    struct place *place;
    if (!text_name_valid(rest, length)) {
        buffer_append_text(member_reply(member),
                           "* a room's name is 1 to 64 bytes of visible "
                           "characters, no space at either end\n");
        return;
    }
    if (room_open(&member->desk->text->rooms, rest, length, &room)) {
        buffer_append_text(member_reply(member),
                           "* there is no place for another room\n");
        return;
    }
    struct place *before = member->places;
    int code = before->room == room ? 0 : member_enter(member, room, false, &place);
    if (code) {
        buffer_append_text(member_reply(member), "* the server is out of memory\n");
        return;
    }
    if (before->room != room)
        member_leave(member, before);
    buffer_append_format(member_reply(member), "* you are in %s now\n", room->name);
}

static void who(struct member *member, const char *rest, size_t length)
{
    (void)rest, (void)length;
    struct room *room = member->places->room;
    struct buffer *own = member_reply(member);
    uint32_t named = 0;
    pthread_mutex_lock(&room->lock);
    buffer_append_format(own, "* %u in %s:", room->count, room->name);
    list_for_each (link, &room->members) {
        const struct member *other = list_member(link, struct place, in_room)->member;
        if (named++ == TEXT_NAMES_MOST)
            break;
        buffer_append_char(own, ' ');
        buffer_append(own, other->name, other->name_length);
    }
    pthread_mutex_unlock(&room->lock);
    buffer_append_char(own, '\n');
}

static void tell(struct member *member, const char *rest, size_t length)
{
    const char *space = memchr(rest, ' ', length);
    size_t name = space ? (size_t)(space - rest) : length;
    if (!space || name + 1 == length) {
        buffer_append_text(member_reply(member), "* /tell NAME TEXT\n");
        return;
    }
    if (!member_tell(member, rest, name, space + 1, length - name - 1, NULL))
        buffer_append_text(member_reply(member), "* nobody of that name is here\n");
}

static void history(struct member *member, const char *rest, size_t length)
{
    struct room *room = member->places->room;
    unsigned long wanted = length ? strtoul(rest, NULL, 10) : HISTORY_USUAL;
    if (wanted == 0 || wanted > TEXT_HISTORY_MOST)
        wanted = HISTORY_USUAL;
    pthread_mutex_lock(&room->lock);
    uint64_t last = room->last;
    pthread_mutex_unlock(&room->lock);
    const struct keep_query query = {.since = last > wanted ? last - wanted + 1 : 1,
                                     .limit = (uint32_t)wanted};
    if (member_ask(member, room, 0, &query, NULL, 0))
        buffer_append_text(member_reply(member), "* the server is out of memory\n");
}

static void quit(struct member *member, const char *rest, size_t length)
{
    (void)rest, (void)length;
    member_finish(member);
}

static const struct command {
    const char *word;
    void (*run)(struct member *member, const char *rest, size_t length);
} commands[] = {{"help", help}, {"name", rename_to},  {"join", join}, {"who", who},
                {"tell", tell}, {"history", history}, {"quit", quit}};

static void command(struct member *member, const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    size_t word = space ? (size_t)(space - line) : length;
    size_t rest = space ? word + 1 : word;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strlen(commands[i].word) == word &&
            memcmp(commands[i].word, line, word) == 0) {
            commands[i].run(member, line + rest, length - rest);
            return;
        }
    buffer_append_text(member_reply(member),
                       "* there is no such command; /help lists them\n");
}

/* --- What comes --- */

/* A browser that a page has talked into speaking to us says this first. */
static bool is_http(const char *line, size_t length)
{
    static const char mark[] = " HTTP/1.";
    enum { MARK = sizeof mark - 1 };
    return length > MARK && memcmp(line + length - MARK - 1, mark, MARK) == 0;
}

static void take_line(struct member *member, const char *line, size_t length)
{
    struct lines *lines = member->lines;
    bool first = !lines->any;
    lines->any = true;
    if (length && line[length - 1] == '\r')
        length--;
    if (first && is_http(line, length)) {
        member_end(member, FRAME_ERROR_UNEXPECTED, "this is no web server");
        return;
    }
    if (length == 0)
        return;
    if (!utf8_valid(line, length) || memchr(line, 0, length)) {
        buffer_append_text(member_reply(member),
                           "* that line is not UTF-8 and was left out\n");
    } else if (line[0] == '/') {
        command(member, line + 1, length - 1);
    } else if (member_say(member, member->places->room, ++lines->number, TEXT_KIND_SAID,
                          line, length)) {
        buffer_append_text(member_reply(member), "* the server is out of memory\n");
    }
}

/* The end of a line, or the end of the connection, has come. */
static void end_line(struct member *member)
{
    struct lines *lines = member->lines;
    if (lines->too_long)
        buffer_append_text(member_reply(member),
                           "* that line is longer than 32,768 bytes and was left out\n");
    else
        take_line(member, buffer_text(&lines->line), lines->line.length);
    if (member->lines) {
        buffer_clear(&lines->line);
        lines->too_long = false;
    }
}

static void gather(struct lines *lines, const char *bytes, size_t length)
{
    if (lines->line.length + length > TEXT_BYTES + 1) /* and a \r */
        lines->too_long = true;
    if (!lines->too_long && buffer_append(&lines->line, bytes, length))
        lines->too_long = true;
}

static void take_bytes(struct member *member, const char *bytes, size_t length)
{
    while (length && member->state == MEMBER_OPEN) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        gather(member->lines, bytes, part);
        if (end)
            end_line(member);
        part += end != NULL;
        bytes += part;
        length -= part;
    }
}

static int receive(struct member *member)
{
    char bytes[RECEIVE_BYTES];
    for (int i = 0; i < RECEIVE_TURNS; i++) {
        if (member->state != MEMBER_OPEN || !member_may_read(member))
            return 0;
        ssize_t length = carrier_receive(&member->channel.carrier, bytes, sizeof bytes);
        if (length == -EAGAIN)
            return 0;
        if (length == 0 && member->lines->line.length)
            end_line(member);
        if (length <= 0)
            return length ? (int)length : -ESHUTDOWN;
        member->heard = true;
        take_bytes(member, bytes, (size_t)length);
    }
    return 1;
}

const struct member_kind member_lines = {.receive = receive,
                                         .show = show,
                                         .answer = answer,
                                         .past = past,
                                         .direct = direct,
                                         .gap = gap,
                                         .farewell = farewell,
                                         .silent = true};
