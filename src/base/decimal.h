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
    char digits[DECIMAL_TEXT];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    for (size_t i = at; i < sizeof digits; i++)
        text[i - at] = digits[i];
    return sizeof digits - at;
}

#endif
