#include "scope/quantity.h"

#include "base/clock.h"
#include "base/decimal.h"

size_t quantity_number(char text[QUANTITY_TEXT], uint64_t number)
{
    return decimal_put(text, number);
}

/* Three significant digits: "0.12", "1.23", "12.3", "123". */
static size_t put_scaled(char *text, uint64_t hundredths)
{
    size_t length = quantity_number(text, hundredths / 100);
    if (hundredths >= 10000)
        return length;
    text[length++] = '.';
    text[length++] = (char)('0' + hundredths / 10 % 10);
    if (hundredths < 1000)
        text[length++] = (char)('0' + hundredths % 10);
    return length;
}

static size_t with_unit(char *text, size_t length, const char *unit)
{
    while (*unit)
        text[length++] = *unit++;
    return length;
}

size_t quantity_duration(char text[QUANTITY_TEXT], int64_t ns, bool ascii)
{
    static const struct {
        uint64_t from_s, s;
        const char *unit;
    } whole[] = {{864000, 86400, " d"}, {36000, 3600, " h"}, {600, 60, " min"}};
    uint64_t left = ns < 0 ? 0 : (uint64_t)ns, second = (uint64_t)NS_PER_S;

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (left >= whole[i].from_s * second)
            return with_unit(text, quantity_number(text, left / (whole[i].s * second)),
                             whole[i].unit);
    if (left == 0)
        return with_unit(text, 0, "0");
    if (left >= second)
        return with_unit(text, put_scaled(text, left / (second / 100)), " s");
    if (left >= (uint64_t)NS_PER_MS)
        return with_unit(text, put_scaled(text, left / (uint64_t)(NS_PER_MS / 100)),
                         " ms");
    return with_unit(text, put_scaled(text, left / (uint64_t)(NS_PER_US / 100)),
                     ascii ? " us" : " µs");
}

size_t quantity_bytes(char text[QUANTITY_TEXT], uint64_t bytes)
{
    static const char *const units[] = {" KiB", " MiB", " GiB", " TiB"};
    if (bytes < 1024)
        return with_unit(text, quantity_number(text, bytes), " B");
    uint64_t scaled = bytes;
    int unit = 0;
    for (; unit < 3 && scaled >= UINT64_C(1) << 20; unit++)
        scaled /= 1024;
    return with_unit(text, put_scaled(text, scaled * 100 / 1024), units[unit]);
}
