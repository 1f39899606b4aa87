/* What standard output is: a terminal or not, how wide, whether colour is wanted. */
#ifndef WOSHOU_CLI_TERMINAL_H
#define WOSHOU_CLI_TERMINAL_H

#include <stdbool.h>

bool terminal_is(void);
/* Columns; TEXT_WIDTH_MIN where it is no terminal. */
int terminal_width(void);
/* A terminal that is not dumb, and NO_COLOR is not set. */
bool terminal_colourful(void);

#endif
