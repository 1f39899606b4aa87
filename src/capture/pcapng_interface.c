/* pcapng's descriptions of interfaces, and the options that every block may end with. */
#include <inttypes.h>
#include <stdlib.h>

#include "capture/pcapng.h"
#include "capture/pcapng_time.h"

enum { MICROSECONDS = 6, OPTION_HEADER = 4 };

bool pcapng_next_option(const struct capture *capture, struct pcapng_options *options,
                        struct pcapng_option *ret_option)
{
    if (options->length < OPTION_HEADER)
        return false;
    uint16_t code = read16(capture, options->bytes);
    uint16_t length = read16(capture, options->bytes + 2);
    if (code == OPTION_END || length > options->length - OPTION_HEADER)
        return false;
    *ret_option = (struct pcapng_option){options->bytes + OPTION_HEADER, code, length};
    uint32_t step = OPTION_HEADER + ((length + 3u) & ~3u);
    if (step > options->length) /* the last one, not padded */
        step = options->length;
    options->bytes += step;
    options->length -= step;
    return true;
}

static int64_t read_offset(const struct capture *capture, const uint8_t *value)
{
    uint64_t first = read32(capture, value), second = read32(capture, value + 4);
    return (int64_t)(capture->big_endian ? first << 32 | second : second << 32 | first);
}

static void read_option(const struct capture *capture,
                        struct capture_interface *interface,
                        const struct pcapng_option *option)
{
    if (option->code == OPTION_INTERFACE_RESOLUTION && option->length >= 1)
        interface->resolution = option->value[0];
    if (option->code == OPTION_INTERFACE_FCS && option->length >= 1)
        interface->fcs_bytes = option->value[0] / 8;
    if (option->code == OPTION_INTERFACE_OFFSET && option->length >= 8)
        interface->offset_s = read_offset(capture, option->value);
}

/* Room for one more: the capacity is the next power of two. */
static int make_room(struct capture *capture)
{
    size_t count = capture->interface_count;
    if (count == INTERFACES_MAX)
        return capture_fail(capture,
                            "after packet %" PRIu64 " a section has more than %d "
                            "interfaces",
                            capture->number, INTERFACES_MAX);
    if (count & (count - 1))
        return 0;
    struct capture_interface *more =
        realloc(capture->interfaces, (count ? 2 * count : 1) * sizeof *more);
    if (!more)
        return capture_no_memory(capture);
    capture->interfaces = more;
    return 0;
}

int pcapng_add_interface(struct capture *capture, const struct pcapng_block *block)
{
    if (block->length < INTERFACE_FIXED + 4)
        return capture_fail(capture,
                            "after packet %" PRIu64 " an interface is described in too "
                            "few bytes: the file is damaged there",
                            capture->number);
    int code = make_room(capture);
    if (code)
        return code;
    struct capture_interface *interface =
        &capture->interfaces[capture->interface_count++];
    *interface = (struct capture_interface){
        .link_type = read16(capture, block->bytes + BLOCK_HEADER),
        .resolution = MICROSECONDS,
        .snap_length = read32(capture, block->bytes + BLOCK_HEADER + 4)};
    struct pcapng_options options = {block->bytes + INTERFACE_FIXED,
                                     block->length - INTERFACE_FIXED - 4};
    struct pcapng_option option;
    while (pcapng_next_option(capture, &options, &option))
        read_option(capture, interface, &option);
    pcapng_time_prepare(interface);
    return 0;
}
