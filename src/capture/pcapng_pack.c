#include "capture/pcapng_pack.h"

#include <string.h>

#include "capture/output.h"

void pcapng_append32(struct output *output, enum byte_order order, uint32_t value)
{
    uint8_t bytes[4];
    pack32(order, bytes, value);
    output_append(output, bytes, sizeof bytes);
}

void pcapng_append_padded(struct output *output, const void *bytes, uint32_t length)
{
    static const uint8_t zeros[3];
    output_append(output, bytes, length);
    output_append(output, zeros, pcapng_padded(length) - length);
}

void pcapng_append_option(struct output *output, enum byte_order order, uint16_t code,
                          const void *value, uint16_t length)
{
    uint8_t header[4];
    pack16(order, header, code);
    pack16(order, header + 2, length);
    output_append(output, header, sizeof header);
    pcapng_append_padded(output, value, length);
}

uint16_t pcapng_text_length(const char *text)
{
    size_t length = strnlen(text, UINT16_MAX + 1);
    if (length <= UINT16_MAX)
        return (uint16_t)length;
    length = UINT16_MAX;
    while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
        length--;
    return (uint16_t)length;
}
