/* Expected output kept as files in test/golden/draw, for tests only. */
#ifndef WOSHOU_DRAW_GOLDEN_H
#define WOSHOU_DRAW_GOLDEN_H

#include <stdbool.h>

/* Whether `text` is what the golden `name` holds; if not, both are shown on standard
 * error from the first line that differs. With WOSHOU_UPDATE_GOLDEN=1 in the environment
 * the text becomes the golden. */
bool golden_matches(const char *name, const char *text);

#endif
