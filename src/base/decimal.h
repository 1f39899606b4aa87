/* Numbers written in digits, by hand: where there are many, printf is what the time goes
 * into. */
#ifndef WOSHOU_BASE_DECIMAL_H
#define WOSHOU_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* The most that decimal_put writes. */
enum { DECIMAL_TEXT = 20 };

/* Writes the number's digits, without a final 0, and returns how many they are. */
static inline size_t decimal_put(char *text, uint64_t number)
{
    size_t length = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        length++;
    for (size_t at = length; at > 0; number /= 10)
        text[--at] = (char)('0' + number % 10);
    return length;
}

#endif
