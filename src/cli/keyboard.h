/* A terminal's keyboard, key by key, and given back as it was. */
#ifndef WOSHOU_CLI_KEYBOARD_H
#define WOSHOU_CLI_KEYBOARD_H

#include <termios.h>

struct error;

struct keyboard {
    int fd;
    struct termios before;
};

/* Keys come one by one from here on, unechoed, those for signals too. */
int keyboard_open(struct keyboard *keyboard, int fd, struct error *err);
void keyboard_close(struct keyboard *keyboard);
/* Stops the program as Ctrl-Z does; returns when it goes on. */
void keyboard_suspend(struct keyboard *keyboard);

#endif
