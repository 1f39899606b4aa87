/* File names from outside: one component each, or refused.
 *
 * A name is 1 to 255 bytes of UTF-8 and neither "." nor ".."; it holds no separator (/ and \), no
 * control character or line separator, and nothing that turns the direction of reading, so that it
 * means one file in one folder and looks like what it is. Joiners are let through: emoji and
 * Persian need them. */
#ifndef WOSHOU_FILE_NAME_H
#define WOSHOU_FILE_NAME_H

#include <stddef.h>

struct buffer;
struct error;

enum { NAME_BYTES = 255 }; /* of the longest, as file systems have it */

/* 0, or ERROR_ARGUMENT with a sentence that shows the name and says what is wrong with it. */
int name_check(const char *bytes, size_t length, struct error *err);

/* Appends what names are compared by: two names with the same are one name to some system, however
 * they are spelled (é as one character, or as e and an accent). `bytes` has passed name_check.
 * Returns 0 or a failure of memory. */
int name_fold(const char *bytes, size_t length, struct buffer *ret_folded);

#endif
