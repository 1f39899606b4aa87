/* A paragraph broken into lines, where its language allows a break (Unicode's line
 * breaking, by libunistring): at spaces, and between Chinese characters but not before
 * their punctuation. */
#ifndef WOSHOU_BASE_PARAGRAPH_H
#define WOSHOU_BASE_PARAGRAPH_H

struct buffer;

/* Appends well-formed UTF-8 in lines of at most `columns` columns (a word longer than
 * that stands alone and sticks out), each line after the first indented by `indent`
 * spaces; every line ends with a newline. Returns 0 or the buffer's failure. */
int paragraph_append(struct buffer *buffer, const char *utf8, int columns, int indent);

#endif
