#include "cli/keyboard.h"

#include <errno.h>
#include <signal.h>

#include "base/error.h"

static int take(const struct keyboard *keyboard)
{
    struct termios raw = keyboard->before;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(keyboard->fd, TCSADRAIN, &raw);
}

int keyboard_open(struct keyboard *keyboard, int fd, struct error *err)
{
    keyboard->fd = fd;
    if (tcgetattr(fd, &keyboard->before) < 0 || take(keyboard) < 0)
        return error_set_system(err, errno, "the terminal");
    return 0;
}

void keyboard_close(struct keyboard *keyboard)
{
    tcsetattr(keyboard->fd, TCSADRAIN, &keyboard->before);
}

void keyboard_suspend(struct keyboard *keyboard)
{
    keyboard_close(keyboard);
    raise(SIGTSTP);
    take(keyboard);
}
