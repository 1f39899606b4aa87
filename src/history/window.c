#include "history/window.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

static bool has(const struct window *window, uint64_t number)
{
    uint64_t place = number % KEEP_WINDOW;
    return window->bits[place / 64] >> (place % 64) & 1;
}

static void put(struct window *window, uint64_t number, bool is)
{
    uint64_t place = number % KEEP_WINDOW;
    uint64_t bit = UINT64_C(1) << (place % 64);
    if (is)
        window->bits[place / 64] |= bit;
    else
        window->bits[place / 64] &= ~bit;
}

enum window_answer window_look(const struct window *window, uint64_t number)
{
    if (number > window->highest)
        return WINDOW_NEW;
    if (window->highest - number >= KEEP_WINDOW)
        return WINDOW_TOO_OLD;
    return has(window, number) ? WINDOW_KNOWN : WINDOW_NEW;
}

void window_note(struct window *window, uint64_t number)
{
    if (number > window->highest) {
        if (number - window->highest >= KEEP_WINDOW)
            memset(window->bits, 0, sizeof window->bits);
        else /* the numbers passed over take places that others had */
            for (uint64_t passed = window->highest + 1; passed < number; passed++)
                put(window, passed, false);
        window->highest = number;
    }
    put(window, number, true);
}

void window_encode(const struct window *window, uint8_t ret_bytes[WINDOW_BYTES])
{
    uint64_t word = htobe64(window->highest);
    memcpy(ret_bytes, &word, 8);
    for (size_t i = 0; i < KEEP_WINDOW / 64; i++) {
        word = htobe64(window->bits[i]);
        memcpy(ret_bytes + 8 + 8 * i, &word, 8);
    }
}

int window_decode(const void *bytes, size_t length, struct window *ret_window)
{
    if (length != WINDOW_BYTES)
        return -1;
    uint64_t word;
    memcpy(&word, bytes, 8);
    ret_window->highest = be64toh(word);
    for (size_t i = 0; i < KEEP_WINDOW / 64; i++) {
        memcpy(&word, (const uint8_t *)bytes + 8 + 8 * i, 8);
        ret_window->bits[i] = be64toh(word);
    }
    return 0;
}
