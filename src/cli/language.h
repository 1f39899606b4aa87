/* The user's language: gettext, chosen by --lang or by the environment. */
#ifndef WOSHOU_CLI_LANGUAGE_H
#define WOSHOU_CLI_LANGUAGE_H

#include "draw/words.h"

/* Sets the locale and the catalogues up; call once, first thing in main. */
void language_start(void);
/* Chooses a language by its tag ("en", "zh") for all that follows; 0, or -1 where it is
 * unknown. */
int language_choose(const char *tag);
/* The translation of a message into the chosen language; the message itself where there
 * is none. */
const char *language_say(const char *message) __attribute__((format_arg(1)));

/* What draw/ speaks with, in either language; and the chosen one of the two. */
extern const struct words language_english, language_chinese;
const struct words *language_chosen(void);

#define _(message) language_say(message)

#endif
