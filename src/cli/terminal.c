#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "draw/text.h"

bool terminal_is(void)
{
    return isatty(STDOUT_FILENO);
}

int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return TEXT_WIDTH_MIN;
}

bool terminal_colourful(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return terminal_is() && !(no_color && *no_color) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}
