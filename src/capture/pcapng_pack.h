/* Numbers and options of pcapng going out, in either byte order. */
#ifndef WOSHOU_CAPTURE_PCAPNG_PACK_H
#define WOSHOU_CAPTURE_PCAPNG_PACK_H

#include <stddef.h>
#include <stdint.h>

struct output;

enum byte_order { ORDER_LITTLE, ORDER_BIG };

static inline void pack16(enum byte_order order, uint8_t *at, uint16_t value)
{
    at[order == ORDER_BIG ? 1 : 0] = (uint8_t)value;
    at[order == ORDER_BIG ? 0 : 1] = (uint8_t)(value >> 8);
}

static inline void pack32(enum byte_order order, uint8_t *at, uint32_t value)
{
    pack16(order, at + (order == ORDER_BIG ? 2 : 0), (uint16_t)value);
    pack16(order, at + (order == ORDER_BIG ? 0 : 2), (uint16_t)(value >> 16));
}

static inline void pack64(enum byte_order order, uint8_t *at, uint64_t value)
{
    pack32(order, at + (order == ORDER_BIG ? 4 : 0), (uint32_t)value);
    pack32(order, at + (order == ORDER_BIG ? 0 : 4), (uint32_t)(value >> 32));
}

/* Bytes in a block that a value of `length` takes: in whole words. */
static inline uint32_t pcapng_padded(uint32_t length)
{
    return (length + 3) & ~UINT32_C(3);
}

/* Bytes that an option with such a value takes; 0 for the option that ends them. */
static inline uint32_t pcapng_option_bytes(uint32_t length)
{
    return 4 + pcapng_padded(length);
}

void pcapng_append32(struct output *output, enum byte_order order, uint32_t value);
/* The bytes, and zeros up to a whole word. */
void pcapng_append_padded(struct output *output, const void *bytes, uint32_t length);
void pcapng_append_option(struct output *output, enum byte_order order, uint16_t code,
                          const void *value, uint16_t length);

/* How much of a text an option can hold: all of it, or its beginning up to a whole
 * character of UTF-8. */
uint16_t pcapng_text_length(const char *text);

#endif
