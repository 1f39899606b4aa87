#include "file/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/client_state.h"
#include "file/dialer.h"

enum { READY_AT_ONCE = 64, MOST_DIALS = 200 };
#define TICK_NS (200 * NS_PER_MS)
#define READY_NS (30 * NS_PER_S)
#define LEAVE_NS (2 * NS_PER_S)
#define WORTH_BYTES (16 << 20) /* still to be moved, for one connection more */

/* A connection, and its place among those that come back without an event. */
struct wire {
    struct link link; /* first: a transfer knows it by this */
    struct wire *next;
    bool waits;
};

/* --- Beginning --- */

int client_open_session(struct client *client, struct session *ret_session,
                        struct session_refused *ret_refused, struct error *err)
{
    if (channel_scratch_init(&client->scratch, CHANNEL_SCRATCH_BYTES))
        return error_set(err, ERROR_MEMORY, "no memory for a connection");
    int code = session_open(&client->options->session, &client->scratch, ret_session,
                            ret_refused, err);
    if (!code && client->options->met)
        client->options->met(client->options->owner, ret_session);
    return code;
}

/* Sends the first frame, and waits for READY: how many connections the server allows. */
static int await_ready(struct client *client, struct session *session,
                       struct buffer *request, struct session_refused *ret_refused,
                       struct error *err)
{
    struct frame frame;
    if (request->failed ||
        channel_send(&session->channel, request->bytes, request->length))
        return error_set(err, ERROR_LIMIT, "too many files for one command");
    int code =
        session_await(&session->channel, &client->scratch, client->options->session.stop,
                      clock_monotonic_ns() + READY_NS, &frame, ret_refused, err);
    if (code)
        return code;
    struct frame_reader reader = frame_reader(&frame);
    unsigned most = frame_read_u16(&reader);
    if (frame.type != FILE_READY || reader.failed || most == 0)
        return error_set(err, ERROR_CORRUPT,
                         "the server gave an answer that makes no sense");
    if (client->most > most)
        client->most = most;
    return 0;
}

static void come_back(struct client *client, struct wire *wire)
{
    if (wire->waits)
        return;
    wire->waits = true;
    wire->next = client->again;
    client->again = wire;
}

/* Takes the channel, whatever comes of it. */
static int add_wire(struct client *client, struct channel *channel)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (!wire || link_init(&wire->link, channel, clock_monotonic_ns())) {
        channel_close(channel);
        free(wire);
        return ERROR_MEMORY;
    }
    transfer_attach(&client->transfer, &wire->link);
    if (!client->control)
        client->control = &wire->link;
    come_back(client, wire);
    return wo_set_add(client->set, wire->link.channel.event, wire) ? ERROR_MEMORY : 0;
}

static void drop_wire(struct client *client, struct wire *wire)
{
    for (struct wire **at = &client->again; *at; at = &(*at)->next)
        if (*at == wire) {
            *at = wire->next;
            break;
        }
    transfer_detach(&client->transfer, &wire->link);
    link_done(&wire->link);
    free(wire);
}

static struct wire *wire_of(struct list_link *place)
{
    return (struct wire *)list_member(place, struct link, place);
}

/* --- The loop --- */

static int lost(const struct client *client, int code, struct error *err)
{
    (void)client;
    switch (code) {
    case -EBADMSG:
        return error_set(err, ERROR_CORRUPT,
                         "the server said something that makes no sense");
    case -ESHUTDOWN:
        return error_set(err, ERROR_RESET, "the server closed the connection");
    case -ECONNABORTED:
        return error_set(err, ERROR_RESET, "the server broke the transfer off");
    case -ENOMEM: return error_set(err, ERROR_MEMORY, "no memory for the transfer");
    default: return error_set_system(err, -code, "the connection to the server was lost");
    }
}

/* A connection that is over: its work goes to the others. With the control connection it is all over. */
static int end_wire(struct client *client, struct wire *wire, int code, struct error *err)
{
    if (&wire->link == client->control)
        return lost(client, code, err);
    drop_wire(client, wire);
    return 0;
}

static int serve(struct client *client, struct wire *wire, struct error *err)
{
    int code =
        transfer_serve(&client->transfer, &wire->link, &client->scratch, client->now_ns);
    if (code == 1)
        come_back(client, wire);
    return code < 0 ? end_wire(client, wire, code, err) : 0;
}

static int serve_all(struct client *client, struct error *err)
{
    struct wire *round = client->again;
    client->again = NULL;
    for (struct wire *wire = round; wire; wire = wire->next)
        wire->waits = false;
    int code = 0;
    while (round && !code) {
        struct wire *wire = round;
        round = wire->next;
        code = serve(client, wire, err);
    }
    if (client->transfer.stirred) {
        client->transfer.stirred = false;
        list_for_each (place, &client->transfer.links)
            come_back(client, wire_of(place));
    }
    return code;
}

static int take_dialled(struct client *client)
{
    struct channel channel;
    while (dialer_take(client->dialer, &channel))
        add_wire(client, &channel); /* without it the transfer is slower, and no more */
    return 0;
}

/* Connections more, as long as there is enough to move for them. */
static void dial_more(struct client *client)
{
    const struct tally tally = transfer_tally(&client->transfer);
    uint64_t left = tally.bytes - tally.had_bytes - tally.moved_bytes;
    unsigned there = client->transfer.link_count + dialer_pending(client->dialer);
    while (there < client->most && client->dials < MOST_DIALS &&
           left > (uint64_t)there * WORTH_BYTES) {
        dialer_want(client->dialer);
        client->dials++;
        there++;
    }
}

static int look_at_stalls(struct client *client, struct error *err)
{
    struct transfer *transfer = &client->transfer;
    int64_t heard_ns = client->control->heard_ns;
    list_for_each_safe (place, &transfer->links) {
        struct wire *wire = wire_of(place);
        struct link *link = &wire->link;
        bool owes = transfer->sending && sending_waits_for(transfer->sending, link);
        heard_ns = link->heard_ns > heard_ns ? link->heard_ns : heard_ns;
        if (client->now_ns - link->heard_ns > client->stall_ns / 2 && !link->pinged_ns)
            link_ping(link, client->now_ns);
        if (owes && client->now_ns - link->moved_ns > client->stall_ns &&
            link != client->control)
            drop_wire(client, wire);
        else if (owes && client->now_ns - link->moved_ns > client->stall_ns)
            return error_set(err, ERROR_TIMED_OUT, "nothing moved for %lld s",
                             (long long)(client->stall_ns / NS_PER_S));
    }
    if (client->now_ns - heard_ns > 2 * client->stall_ns)
        return error_set(err, ERROR_TIMED_OUT,
                         "nothing was heard of the server for %lld s",
                         (long long)(2 * client->stall_ns / NS_PER_S));
    return 0;
}

static int look_at_clock(struct client *client, struct error *err)
{
    const struct tally tally = transfer_tally(&client->transfer);
    wo_event_reset(client->tick);
    if (client->options->progress)
        client->options->progress(client->options->owner, &tally);
    return look_at_stalls(client, err);
}

static void take_disk(struct client *client)
{
    for (struct disk_job *job; (job = disk_port_take(&client->port));)
        receiving_settle(job);
    client->transfer.stirred = true;
}

static int take_ready(struct client *client, const wo_ready *ready, struct error *err)
{
    if (ready->event == client->options->session.stop)
        return error_set(err, ERROR_INTERRUPTED, "stopped");
    if (ready->event == client->tick)
        return look_at_clock(client, err);
    if (ready->event == client->port.event)
        take_disk(client);
    else if (ready->event == dialer_event(client->dialer))
        take_dialled(client);
    else if (ready->owner)
        come_back(client, ready->owner);
    return 0;
}

static int run(struct client *client, struct error *err)
{
    wo_ready ready[READY_AT_ONCE];
    int code = 0;
    wo_timer_set(client->tick, TICK_NS, TICK_NS);
    while (!code && !transfer_is_over(&client->transfer)) {
        int count = wo_set_wait(client->set, ready, READY_AT_ONCE,
                                client->again ? 0 : WO_FOREVER);
        client->now_ns = clock_monotonic_ns();
        /* First who is dropped by nobody, then wires: an event may be of one just dropped. */
        for (int i = 0; i < count && !code; i++)
            if (ready[i].owner)
                code = take_ready(client, &ready[i], err);
        for (int i = 0; i < count && !code; i++)
            if (!ready[i].owner)
                code = take_ready(client, &ready[i], err);
        if (!code)
            code = serve_all(client, err);
        if (!code)
            dial_more(client);
    }
    const struct tally tally = transfer_tally(&client->transfer);
    if (client->options->progress)
        client->options->progress(client->options->owner, &tally);
    return code;
}

/* --- Ending --- */

/* Says that it leaves, and lets the server read what was said last. */
static void leave(struct client *client)
{
    struct link *control = client->control;
    struct buffer bye;
    if (!control || !transfer_is_over(&client->transfer))
        return;
    buffer_init(&bye, 0);
    greeting_encode_bye(&bye, "done");
    int code = link_send(control, &bye);
    buffer_done(&bye);
    if (!code)
        code = channel_finish(&control->channel);
    int64_t until_ns = clock_monotonic_ns() + LEAVE_NS;
    while (code == 0 && clock_monotonic_ns() < until_ns &&
           channel_drain(&control->channel, &client->scratch) == 0) {
        code = wo_wait(&control->channel.event, 1, WO_ANY,
                       until_ns - clock_monotonic_ns(), NULL);
        channel_enumerate(&control->channel, NULL);
    }
}

void client_end(struct client *client)
{
    dialer_free(&client->dialer);
    if (client->transfer.links.head.next) {
        leave(client);
        list_for_each_safe (place, &client->transfer.links)
            drop_wire(client, wire_of(place));
    }
    transfer_done(&client->transfer);
    if (client->port.event) {
        disk_port_wait(&client->port);
        for (struct disk_job *job; (job = disk_port_take(&client->port));)
            receiving_settle(job);
    }
    disk_port_done(&client->port);
    disk_free(&client->disk);
    shelf_close(&client->shelf);
    wo_event_free(&client->tick);
    wo_set_free(&client->set);
    channel_scratch_done(&client->scratch);
}

/* --- Both directions --- */

static void note_ended(void *owner, const struct transfer_result *result)
{
    struct client *client = owner;
    const struct transfer_reports *reports = &client->options->reports;
    client->failed |= result->code != 0;
    if (reports->ended)
        reports->ended(reports->owner, result);
}

static void note_passed(void *owner, const char *root, const char *name, const char *what)
{
    const struct transfer_reports *reports = &((struct client *)owner)->options->reports;
    if (reports->passed)
        reports->passed(reports->owner, root, name, what);
}

struct transfer_reports client_reports(struct client *client)
{
    return (struct transfer_reports){
        .ended = note_ended, .passed = note_passed, .owner = client};
}

int client_prepare(struct client *client, const struct file_client_options *options,
                   struct error *err)
{
    *client = (struct client){.options = options};
    client->most = options->connections ? options->connections : FILE_CONNECTIONS_USUAL;
    client->stall_ns =
        options->stall_ns ? options->stall_ns : FILE_STALL_USUAL_S * NS_PER_S;
    client->now_ns = clock_monotonic_ns();
    int code = wo_set_new(&client->set);
    if (!code)
        code = wo_event_new(WO_MANUAL_RESET, &client->tick);
    if (!code)
        code = wo_set_add(client->set, client->tick, NULL);
    if (!code && options->session.stop)
        code = wo_set_add(client->set, options->session.stop, NULL);
    return code ? error_set_system(err, -code, "waiting for a transfer") : 0;
}

int client_make_id(uint8_t id[FILE_ID_BYTES], struct error *err)
{
    return getrandom(id, FILE_ID_BYTES, 0) == FILE_ID_BYTES
               ? 0
               : error_set_system(err, errno, "asking for random numbers");
}

/* Opens the connection, says what it is for, and moves it all. Takes the engine. */
int client_move(struct client *client, const uint8_t id[FILE_ID_BYTES],
                struct buffer *request, struct sending *sending,
                struct receiving *receiving, struct session_refused *ret_refused,
                struct error *err)
{
    struct session session;
    transfer_init(&client->transfer, id, sending, receiving);
    int code = client_open_session(client, &session, ret_refused, err);
    if (code)
        return code;
    code = await_ready(client, &session, request, ret_refused, err);
    if (code) {
        session_close(&session, &client->scratch);
        return code;
    }
    code = add_wire(client, &session.channel);
    if (!code)
        code = dialer_new(&client->options->session, id, &client->dialer, err);
    if (!code && wo_set_add(client->set, dialer_event(client->dialer), NULL))
        code = error_set(err, ERROR_MEMORY, "no memory for connections");
    if (!code)
        code = run(client, err);
    if (!code && client->failed)
        code = ERROR_REFUSED;
    return code;
}
