/* Quantities as a person reads them, written by hand, digit by digit: a capture may have a
 * hundred thousand rows, and printf is what their time would go into. Each writes to `text`
 * without a final 0 and returns how many bytes. */
#ifndef WOSHOU_SCOPE_QUANTITY_H
#define WOSHOU_SCOPE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that each of them fits. */
enum { QUANTITY_TEXT = 32 };

size_t quantity_number(char text[QUANTITY_TEXT], uint64_t number);
/* "12.3 µs", "1.23 ms", "12.3 s", "12 min", "30 h", "14 d"; in ASCII "12.3 us". */
size_t quantity_duration(char text[QUANTITY_TEXT], int64_t ns, bool ascii);
/* "123 B", "1.23 KiB", "12.3 MiB". */
size_t quantity_bytes(char text[QUANTITY_TEXT], uint64_t bytes);

#endif
