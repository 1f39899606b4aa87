#include "draw/measure.h"

#include <stddef.h>
#include <string.h>

/* Advance widths of U+0020 to U+007E in hundredths of the size, after DejaVu Sans. */
static const unsigned char latin[95] = {
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36,  32, 34, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63,
    58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63,  61, 73, 68, 99, 69,
    61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35,  63, 63, 28, 28, 58,
    28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59,  52, 64, 34, 64, 84};

/* Bytes of the character that begins here. */
static size_t step(const char *text)
{
    unsigned char lead = (unsigned char)*text;
    size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return strnlen(text, bytes);
}

double measure_text(const char *text, double size)
{
    double hundredths = 0;
    for (; *text; text += step(text)) {
        unsigned char lead = (unsigned char)*text;
        if (lead >= 0x20 && lead < 0x7F)
            hundredths += latin[lead - 0x20];
        else /* Latin with accents, Greek and Cyrillic are at most 80; all that follows is
                100 */
            hundredths += lead >= 0xC2 && lead < 0xE0 ? 80 : 100;
    }
    return hundredths * size / 100;
}

double measure_numbers(const char *text, double size)
{
    double hundredths = 0;
    for (; *text; text += step(text))
        hundredths += (unsigned char)*text < 0x80 ? 61 : 100;
    return hundredths * size / 100;
}
