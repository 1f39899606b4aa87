/* A client's sending and getting. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "file/client_state.h"
#include "file/name.h"

enum { DISK_THREADS = 1 };
#define ARRIVING_NAME ".woshou-arriving"
#define EXPIRE_AGE_NS (INT64_C(30) * 24 * 3600 * NS_PER_S)

/* --- Sending --- */

/* The name that a path is sent under: of "." and its kin, the folder's own. */
static int name_of(const char *path, char ret_name[NAME_BYTES + 1], struct error *err)
{
    char copy[4096], real[4096];
    if (strlen(path) >= sizeof copy)
        return error_set(err, ERROR_ARGUMENT, "a path that is too long");
    memcpy(copy, path, strlen(path) + 1);
    const char *name = basename(copy);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "/") == 0) {
        if (!realpath(path, real))
            return error_set_system(err, errno, "'%s'", path);
        name = basename(real);
    }
    int code = name_check(name, strlen(name), err);
    if (!code)
        memcpy(ret_name, name, strlen(name) + 1);
    return code;
}

static int add_paths(struct sending *sending, const char *const *paths, size_t count,
                     struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        char name[NAME_BYTES + 1];
        int code = name_of(paths[i], name, err);
        if (!code)
            code = sending_add(sending, AT_FDCWD, paths[i], name, err);
        if (code)
            return code;
    }
    return 0;
}

static void put_offer(struct buffer *buffer, const uint8_t id[FILE_ID_BYTES],
                      bool preserve, const char *room)
{
    size_t begin = frame_begin(buffer, FILE_OFFER, 0, 1);
    frame_put_bytes(buffer, id, FILE_ID_BYTES);
    frame_put_u16(buffer, preserve ? FILE_PRESERVE : 0);
    frame_put_text(buffer, room ? room : "", room ? strlen(room) : 0);
    frame_end(buffer, begin);
}

int file_client_send(const struct file_client_options *options, const char *const *paths,
                     size_t count, const char *room, struct session_refused *ret_refused,
                     struct error *err)
{
    struct client client;
    struct sending *sending = NULL;
    uint8_t id[FILE_ID_BYTES];
    struct buffer offer;
    buffer_init(&offer, FRAME_BODY_BYTES + FRAME_HEADER_BYTES);
    int code = client_prepare(&client, options, err);
    const struct sending_options send = {.reports = client_reports(&client)};
    if (!code)
        code = sending_new(&send, &sending, err);
    if (!code)
        code = add_paths(sending, paths, count, err);
    if (!code)
        code = client_make_id(id, err);
    if (code) {
        sending_free(&sending);
    } else {
        put_offer(&offer, id, options->preserve, room);
        code = client_move(&client, id, &offer, sending, NULL, ret_refused, err);
    }
    buffer_done(&offer);
    client_end(&client);
    return code;
}

/* --- Getting --- */

static int open_shelf(struct client *client, const char *into, struct error *err)
{
    char arriving[4096];
    struct timespec now;
    if ((size_t)snprintf(arriving, sizeof arriving, "%s/%s", into, ARRIVING_NAME) >=
        sizeof arriving)
        return error_set(err, ERROR_ARGUMENT, "a path that is too long");
    /* A folder that is made is like any other of the user's; what arrives in it is not. */
    if (mkdir(into, 0777) < 0 && errno != EEXIST)
        return error_set_system(err, errno, "making the folder '%s'", into);
    int code = shelf_open(into, arriving, &client->shelf, err);
    if (code)
        return code;
    clock_gettime(CLOCK_REALTIME, &now);
    shelf_expire(client->shelf, now.tv_sec * NS_PER_S, EXPIRE_AGE_NS);
    code = disk_port_init(&client->port, err);
    if (!code)
        code = disk_new(DISK_THREADS, 0, &client->disk, err);
    if (!code && wo_set_add(client->set, client->port.event, NULL))
        code = error_set(err, ERROR_MEMORY, "no memory for a transfer");
    return code;
}

/* What one server left is not carried on with another's. */
static struct check identity_of(const struct session_options *session)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%s:%u", session->host, session->port);
    return check_of(text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

static void put_fetch(struct buffer *buffer, const uint8_t id[FILE_ID_BYTES],
                      const char *const *names, size_t count)
{
    size_t begin = frame_begin(buffer, FILE_FETCH, 0, 1);
    frame_put_bytes(buffer, id, FILE_ID_BYTES);
    frame_put_u16(buffer, 0);
    frame_put_u16(buffer, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        frame_put_text(buffer, names[i], strlen(names[i]));
    frame_end(buffer, begin);
}

int file_client_get(const struct file_client_options *options, const char *const *names,
                    size_t count, const char *into, struct session_refused *ret_refused,
                    struct error *err)
{
    struct client client;
    struct receiving *receiving = NULL;
    uint8_t id[FILE_ID_BYTES];
    struct buffer fetch;
    buffer_init(&fetch, FRAME_BODY_BYTES + FRAME_HEADER_BYTES);
    int code = client_prepare(&client, options, err);
    for (size_t i = 0; !code && i < count; i++)
        code = name_check(names[i], strlen(names[i]), err);
    if (!code)
        code = open_shelf(&client, into, err);
    const struct receiving_options receive = {
        .arrival = {.shelf = client.shelf,
                    .identity = identity_of(&options->session),
                    .preserve = options->preserve},
        .disk = client.disk,
        .port = &client.port,
        .reports = client_reports(&client)};
    if (!code)
        code = receiving_new(&receive, &receiving, err);
    if (!code)
        code = client_make_id(id, err);
    if (code) {
        receiving_close(&receiving);
    } else {
        put_fetch(&fetch, id, names, count);
        code = client_move(&client, id, &fetch, NULL, receiving, ret_refused, err);
    }
    buffer_done(&fetch);
    client_end(&client);
    return code;
}
