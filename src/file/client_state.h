/* A client's transfer, and what its files say to each other. Private to client*.c. */
#ifndef WOSHOU_FILE_CLIENT_STATE_H
#define WOSHOU_FILE_CLIENT_STATE_H

#include "file/client.h"
#include "file/disk.h"
#include "file/transfer.h"

struct dialer;
struct error;

struct client {
    const struct file_client_options *options;
    unsigned most; /* connections */
    int64_t stall_ns;
    struct channel_scratch scratch;
    struct transfer transfer;
    struct link *control;
    struct dialer *dialer;
    unsigned dials;
    struct disk *disk;
    struct disk_port port;
    struct shelf *shelf;
    wo_set *set;
    wo_event *tick;
    struct wire *again; /* wires with something to do without an event */
    int64_t now_ns;
    bool failed; /* some root did */
};

/* What the transfer has around it: a wait set, a clock. client_end also where it failed. */
int client_prepare(struct client *client, const struct file_client_options *options,
                   struct error *err);
/* Connects, and has `met` called. */
int client_open_session(struct client *client, struct session *ret_session,
                        struct session_refused *ret_refused, struct error *err);
/* Where the engine's reports are to go. */
struct transfer_reports client_reports(struct client *client);
int client_make_id(uint8_t ret_id[FILE_ID_BYTES], struct error *err);
/* Opens the connection, sends the request, and moves it all. Takes the engine. */
int client_move(struct client *client, const uint8_t id[FILE_ID_BYTES],
                struct buffer *request, struct sending *sending,
                struct receiving *receiving, struct session_refused *ret_refused,
                struct error *err);
void client_end(struct client *client);

#endif
