#include "capture/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/reading.h"

/* What tells a format, and all of pcap's header. */
enum { FORMAT_BYTES = 24 };

int capture_fail(struct capture *capture, const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return error_set(&capture->failure, ERROR_CORRUPT, "%s: %s", capture->name, sentence);
}

int capture_no_memory(struct capture *capture)
{
    return error_set(&capture->failure, ERROR_MEMORY, "%s: no memory to read it with",
                     capture->name);
}

/* Whether reading or decompressing failed, and where. */
static int source_failed(struct capture *capture)
{
    if (source_failure(capture->source, &capture->failure) == 0)
        return 0;
    return error_add(&capture->failure, "%s: after packet %" PRIu64, capture->name,
                     capture->number);
}

int capture_cut_packet(struct capture *capture)
{
    int code = source_failed(capture);
    if (code)
        return code;
    return capture_fail(capture,
                        "the file ends inside packet %" PRIu64 "; %" PRIu64
                        " before it were read",
                        capture->number + 1, capture->number);
}

int capture_cut_other(struct capture *capture)
{
    int code = source_failed(capture);
    if (code)
        return code;
    return capture_fail(capture, "the file ends inside what comes after packet %" PRIu64,
                        capture->number);
}

bool capture_at_end(const struct capture *capture, size_t there)
{
    return there == 0 && source_failure(capture->source, NULL) == 0;
}

/* A broken compression may still have given packets: then they come first. */
static int begin(struct capture *capture)
{
    const uint8_t *bytes;
    size_t length = source_need(capture->source, FORMAT_BYTES, &bytes);

    if (length < FORMAT_BYTES && source_failure(capture->source, &capture->failure))
        return error_add(&capture->failure, "%s", capture->name);
    if (length == 0)
        return capture_fail(capture, "the file is empty");
    int code = pcap_begin(capture, bytes, length);
    if (code == 0)
        code = pcapng_begin(capture, bytes, length);
    if (code == 0)
        return capture_fail(capture, "this is no capture file: neither pcap nor pcapng");
    return code < 0 ? code : 0;
}

int capture_open_source(struct source *source, const char *name,
                        struct capture **ret_capture, struct error *err)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture) {
        source_close(&source);
        return error_set(err, ERROR_MEMORY, "%s: no memory to read it with", name);
    }
    capture->source = source;
    capture->name = name;
    int code = begin(capture);
    if (code) {
        if (err)
            *err = capture->failure;
        capture_close(&capture);
        return code;
    }
    *ret_capture = capture;
    return 0;
}

int capture_open(const char *path, struct capture **ret_capture, struct error *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct source *source;
    int code = source_open(path, &source, err);

    if (code)
        return error_add(err, "%s", name);
    char *own_name = strdup(name);
    if (!own_name) {
        source_close(&source);
        return error_set(err, ERROR_MEMORY, "%s: no memory to read it with", name);
    }
    code = capture_open_source(source, own_name, ret_capture, err);
    if (code)
        free(own_name);
    else
        (*ret_capture)->own_name = own_name;
    return code;
}

void capture_close(struct capture **capture)
{
    struct capture *closed = *capture;
    if (!closed)
        return;
    source_close(&closed->source);
    free(closed->interfaces);
    free(closed->own_name);
    free(closed);
    *capture = NULL;
}

void capture_on_wait(struct capture *capture, int (*wait)(void *owner, int fd),
                     void *owner)
{
    source_on_wait(capture->source, wait, owner);
}

int capture_next(struct capture *capture, struct packet *ret_packet, struct error *err)
{
    int code = capture->ended ? capture->failure.code
                              : capture->format->next(capture, ret_packet);
    if (code == 1)
        return 1;
    capture->ended = true;
    if (code < 0 && err)
        *err = capture->failure;
    return code;
}

/* What fails inside the batch is told of by the next call. */
int capture_batch(struct capture *capture, struct packet *packets, size_t max,
                  size_t *ret_count, struct error *err)
{
    int code = capture_next(capture, packets, err);
    if (code != 1)
        return code;
    *ret_count = 1 + capture->format->take(capture, packets + 1, max - 1);
    return 1;
}

uint64_t capture_position(const struct capture *capture)
{
    return source_position(capture->source);
}

uint64_t capture_size(const struct capture *capture)
{
    return source_size(capture->source);
}

const char *capture_format(const struct capture *capture)
{
    return capture->format->name;
}

const char *capture_compression(const struct capture *capture)
{
    return source_compression(capture->source);
}
