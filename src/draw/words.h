/* The words of pictures and verdicts, in whatever language the caller speaks: draw/ is pure and
 * asks for a translation by the English message. */
#ifndef WOSHOU_DRAW_WORDS_H
#define WOSHOU_DRAW_WORDS_H

struct words {
    const char *tag; /* "en", "zh-CN": for lang= in pages */
    /* The translation of `message`, or `message`; never null; static or borrowed for good. */
    const char *(*say)(const char *message);
};

/* Marks a message for xgettext where it is not translated on the spot. */
#define N_(message) message

#endif
