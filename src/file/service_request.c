/* What callers of the file service ask for, and what becomes of their transfers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/listing.h"
#include "file/name.h"
#include "file/service_state.h"
#include "file/shelf.h"

/* Whom to tell of what becomes of a transfer; lives as long as its engine does. */
struct errand {
    struct file_service *service;
    bool fetched;
    char from[GREETING_NAME_BYTES + 1];
    char room[256];
};

/* --- What becomes of transfers --- */

static void report_ended(void *owner, const struct transfer_result *result)
{
    struct errand *errand = owner;
    struct file_service *service = errand->service;
    const struct file_service_reports *reports = &service->options.reports;
    atomic_fetch_add(result->code      ? &service->failed_roots
                     : errand->fetched ? &service->sent_roots
                                       : &service->received_roots,
                     1);
    if (reports->ended)
        reports->ended(reports->owner, errand->from, errand->fetched, result);
    if (reports->arrived && errand->room[0] && !result->code && !result->already)
        reports->arrived(reports->owner, errand->room, errand->from, result);
}

static void report_closed(void *owner)
{
    free(owner);
}

static struct errand *new_errand(const struct caller *caller, bool fetched)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (!errand)
        return NULL;
    errand->service = caller->thread->service;
    errand->fetched = fetched;
    memcpy(errand->from, caller->name, sizeof errand->from);
    return errand;
}

static struct transfer_reports reports_to(struct errand *errand)
{
    return (struct transfer_reports){
        .ended = report_ended, .closed = report_closed, .owner = errand};
}

/* --- What callers ask for --- */

static int say_ready(struct caller *caller, uint64_t id)
{
    char array[64];
    struct buffer frame;
    buffer_init_fixed(&frame, array, sizeof array);
    size_t begin = frame_begin(&frame, FILE_READY, 0, id);
    frame_put_u16(&frame, (uint16_t)caller->thread->service->options.connections);
    frame_end(&frame, begin);
    return link_send(&caller->link, &frame);
}

/* Takes the engine. */
static int begin_transfer(struct caller *caller, const uint8_t *id, uint64_t request,
                          struct sending *sending, struct receiving *receiving)
{
    struct transfer *transfer = malloc(sizeof *transfer);
    if (!transfer) {
        sending_free(&sending);
        receiving_close(&receiving);
        return -ENOMEM;
    }
    transfer_init(transfer, id, sending, receiving);
    memcpy(transfer->client_id, caller->client_id, sizeof caller->client_id);
    list_append(&caller->thread->transfers, &transfer->place);
    caller->transfer = transfer;
    caller->state = CALLER_AT_WORK;
    int code = say_ready(caller, request);
    transfer_attach(transfer, &caller->link);
    return code;
}

/* Whose parts are carried on: of this client, and of whom his token says he is, where he has one. */
static struct check identity_of(const struct caller *caller)
{
    uint8_t bytes[GREETING_CLIENT_ID_BYTES + sizeof caller->name];
    memcpy(bytes, caller->client_id, GREETING_CLIENT_ID_BYTES);
    memcpy(bytes + GREETING_CLIENT_ID_BYTES, caller->name, sizeof caller->name);
    return check_of(bytes, sizeof bytes);
}

static int take_offer(struct caller *caller, const struct frame *frame)
{
    struct file_service *service = caller->thread->service;
    struct frame_reader reader = frame_reader(frame);
    const uint8_t *id = frame_read_bytes(&reader, FILE_ID_BYTES);
    uint16_t options = frame_read_u16(&reader);
    struct frame_text room = frame_read_text(&reader);
    struct errand *errand;
    if (reader.failed || !id || room.length >= sizeof errand->room)
        return -EBADMSG;
    if (!(errand = new_errand(caller, false)))
        return -ENOMEM;
    memcpy(errand->room, room.bytes, room.length);
    struct receiving_options receive = {.arrival = {.shelf = service->shelf,
                                                    .preserve = options & FILE_PRESERVE,
                                                    .sink = service->options.sink},
                                        .disk = service->disk,
                                        .port = &caller->thread->port,
                                        .reports = reports_to(errand)};
    receive.arrival.identity = identity_of(caller);
    struct receiving *receiving;
    if (receiving_new(&receive, &receiving, NULL)) {
        free(errand);
        return -ENOMEM;
    }
    return begin_transfer(caller, id, frame->id, NULL, receiving);
}

static int add_fetched(struct caller *caller, struct sending *sending,
                       const struct frame_text *name)
{
    struct error err;
    char terminated[NAME_BYTES + 1] = "";
    int code = name_check(name->bytes, name->length, &err);
    if (!code) {
        memcpy(terminated, name->bytes, name->length);
        code = sending_add(sending, shelf_whole(caller->thread->service->shelf),
                           terminated, terminated, &err);
    }
    if (code == ERROR_ABSENT)
        error_set(&err, ERROR_ABSENT, "there is no file '%s'", terminated);
    return code ? sending_add_failed(sending, terminated, file_error_code(&err),
                                     err.sentence)
                : 0;
}

static int take_fetch(struct caller *caller, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    const uint8_t *id = frame_read_bytes(&reader, FILE_ID_BYTES);
    frame_read_u16(&reader);
    uint16_t count = frame_read_u16(&reader);
    if (reader.failed || !id)
        return -EBADMSG;
    struct errand *errand = new_errand(caller, true);
    if (!errand)
        return -ENOMEM;
    const struct sending_options options = {.reports = reports_to(errand)};
    struct sending *sending;
    if (sending_new(&options, &sending, NULL)) {
        free(errand);
        return -ENOMEM;
    }
    int code = 0;
    for (unsigned i = 0; i < count && !code; i++) {
        struct frame_text name = frame_read_text(&reader);
        code = reader.failed ? -EBADMSG : add_fetched(caller, sending, &name);
    }
    if (code) {
        sending_free(&sending);
        return code == -EBADMSG ? code : -ENOMEM;
    }
    return begin_transfer(caller, id, frame->id, sending, NULL);
}

static struct transfer *find_transfer(struct caller *caller, const uint8_t *id)
{
    list_for_each (place, &caller->thread->transfers) {
        struct transfer *transfer = list_member(place, struct transfer, place);
        if (memcmp(transfer->id, id, FILE_ID_BYTES) == 0 &&
            memcmp(transfer->client_id, caller->client_id, sizeof caller->client_id) == 0)
            return transfer;
    }
    return NULL;
}

static int take_attach(struct caller *caller, const struct frame *frame)
{
    unsigned most = caller->thread->service->options.connections;
    struct frame_reader reader = frame_reader(frame);
    const uint8_t *id = frame_read_bytes(&reader, FILE_ID_BYTES);
    if (!id)
        return -EBADMSG;
    struct transfer *transfer = find_transfer(caller, id);
    if (!transfer) {
        service_refuse(caller, FRAME_ERROR_NOT_FOUND,
                       "there is no such transfer under way");
        return 0;
    }
    if (transfer->link_count >= most) {
        service_refuse(caller, FRAME_ERROR_TOO_MANY,
                       "the transfer has connections enough");
        return 0;
    }
    caller->transfer = transfer;
    caller->state = CALLER_AT_WORK;
    int code = say_ready(caller, frame->id);
    transfer_attach(transfer, &caller->link);
    return code;
}

static int take_remove(struct caller *caller, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    struct frame_text text = frame_read_text(&reader);
    char name[NAME_BYTES + 1] = "";
    struct error err;
    if (reader.failed)
        return -EBADMSG;
    int code = name_check(text.bytes, text.length, &err);
    if (!code) {
        memcpy(name, text.bytes, text.length);
        code = shelf_remove(caller->thread->service->shelf, name, &err);
    }
    if (code)
        return refusal_send(&caller->link.channel, frame->id, file_error_code(&err),
                            false, 0, err.sentence);
    char array[64];
    struct buffer answer;
    buffer_init_fixed(&answer, array, sizeof array);
    frame_end(&answer, frame_begin(&answer, FILE_REMOVED, 0, frame->id));
    return link_send(&caller->link, &answer);
}

/* A list on its way to a caller. */
struct answer {
    struct caller *caller;
    uint64_t id;
    struct buffer frames;
    struct listing_writer writer;
};

static int send_names(struct answer *answer)
{
    int code = listing_end(&answer->writer) ? -ENOMEM : 0;
    if (!code && answer->frames.length > 0)
        code = link_send(&answer->caller->link, &answer->frames);
    buffer_clear(&answer->frames);
    return code;
}

static int add_name(void *owner, const struct shelf_item *item)
{
    struct answer *answer = owner;
    if (listing_put(&answer->writer, item) == 0)
        return 0;
    int code = send_names(answer);
    listing_begin(&answer->writer, &answer->frames, answer->id);
    listing_put(&answer->writer, item);
    return code;
}

static int take_list(struct caller *caller, const struct frame *frame)
{
    struct shelf *shelf = caller->thread->service->shelf;
    struct answer answer = {.caller = caller, .id = frame->id};
    buffer_init(&answer.frames, 0);
    listing_begin(&answer.writer, &answer.frames, frame->id);
    int code = shelf_list(shelf, add_name, &answer, NULL);
    if (!code)
        code = send_names(&answer);
    frame_end(&answer.frames, frame_begin(&answer.frames, FILE_NAMES_END, 0, frame->id));
    if (!code)
        code = link_send(&caller->link, &answer.frames);
    buffer_done(&answer.frames);
    return code;
}

int service_take_request(struct caller *caller, const struct frame *frame)
{
    int code = link_take(&caller->link, frame);
    if (code)
        return code == 1 ? 0 : code;
    /* Of what is thrown away there is nothing to fetch. */
    bool shelf = caller->thread->service->shelf;
    if (!shelf && frame->type != FILE_OFFER && frame->type != FILE_ATTACH) {
        service_refuse(caller, FRAME_ERROR_UNSUPPORTED, "this server keeps no files");
        return 0;
    }
    switch (frame->type) {
    case FILE_OFFER: return take_offer(caller, frame);
    case FILE_FETCH: return take_fetch(caller, frame);
    case FILE_ATTACH: return take_attach(caller, frame);
    case FILE_LIST: return take_list(caller, frame);
    case FILE_REMOVE: return take_remove(caller, frame);
    default: return greeting_take_unknown(&caller->link.channel, frame);
    }
}
