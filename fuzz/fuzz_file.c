/* Any bytes, as a capture file, read from memory; then annotated from file to file, and
 * what came out read too. What must hold: a packet's bytes are all there (each is looked
 * at), numbers count up, a fault stays; and the annotated capture has the same packets. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/annotate.h"
#include "capture/file.h"
#include "capture/source.h"

/* A few bytes can decompress to millions of packets. */
enum { PACKETS_MAX = 3000 };

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint32_t sum_of(const struct packet *packet)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < packet->captured; i++)
        sum = sum * 31 + packet->bytes[i];
    return sum;
}

static void check_packet(const struct packet *packet, uint64_t number)
{
    require(packet->number == number);
    require(packet->captured <= packet->length);
    require(packet->captured <= 262144);
    require(packet->direction <= DIRECTION_OUT);
}

/* Null where it is no capture. */
static struct capture *open_bytes(const uint8_t *bytes, size_t length)
{
    struct source *source;
    struct capture *capture = NULL;
    struct error err;
    require(source_memory(bytes, length, &source, &err) == 0);
    int code = capture_open_source(source, "input", &capture, &err);
    require(code == 0 || (code == err.code && strncmp(err.sentence, "input: ", 7) == 0));
    return capture;
}

/* How many packets there are, PACKETS_MAX at most. */
static uint64_t read_all(struct capture *capture)
{
    struct packet packet;
    struct error err;
    uint64_t count = 0;
    int code = 1;
    while (count < PACKETS_MAX && (code = capture_next(capture, &packet, &err)) == 1) {
        check_packet(&packet, ++count);
        sum_of(&packet);
    }
    if (code != 1)
        require(capture_next(capture, &packet, &err) == code);
    require(code >= 0 || (err.code == code && strncmp(err.sentence, "input: ", 7) == 0));
    return count;
}

/* Every third packet gets a comment. False where not even a beginning can be kept. */
static bool annotate(const char *path_in, const char *path_out, uint64_t count)
{
    struct annotate *annotate;
    struct packet packet;
    require(annotate_open(path_in, path_out, &annotate, NULL) == 0);
    for (uint64_t number = 1; number <= count; number++) {
        require(annotate_next(annotate, &packet, NULL) == 1);
        check_packet(&packet, number);
        if (number % 3 == 1)
            annotate_comment(annotate, "of ours");
    }
    if (count == 0)
        require(annotate_next(annotate, &packet, NULL) != 1);
    int code = annotate_commit(annotate, NULL);
    require(code == 0 || count == 0);
    annotate_close(&annotate);
    return code == 0;
}

static void compare(struct capture *in, const char *path_out, uint64_t count)
{
    struct capture *out;
    struct packet was, is;
    require(capture_open(path_out, &out, NULL) == 0);
    for (uint64_t number = 1; number <= count; number++) {
        require(capture_next(in, &was, NULL) == 1);
        require(capture_next(out, &is, NULL) == 1);
        check_packet(&is, number);
        require(sum_of(&is) == sum_of(&was));
        require(is.t_ns == was.t_ns && is.captured == was.captured);
        require(is.length == was.length && is.interface == was.interface);
        require(is.link_type == was.link_type && is.fcs_bytes == was.fcs_bytes);
        require(is.direction == was.direction);
    }
    require(capture_next(out, &is, NULL) == 0);
    capture_close(&out);
}

static void try_annotating(const uint8_t *bytes, size_t length, uint64_t count)
{
    char path_in[64], path_out[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    snprintf(path_in, sizeof path_in, "/proc/self/fd/%d", fd);
    snprintf(path_out, sizeof path_out, "/tmp/woshou-fuzz-%d", (int)getpid());
    struct capture *capture = open_bytes(bytes, length);
    if (annotate(path_in, path_out, count))
        compare(capture, path_out, count);
    capture_close(&capture);
    unlink(path_out);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct capture *capture = open_bytes(bytes, length);
    if (!capture)
        return 0;
    uint64_t count = read_all(capture);
    capture_close(&capture);
    try_annotating(bytes, length, count);
    return 0;
}
