/* Writing a file so that nobody ever reads half of it. */
#ifndef WOSHOU_CLI_WHOLE_FILE_H
#define WOSHOU_CLI_WHOLE_FILE_H

struct buffer;
struct error;

/* Writes the contents to a file of its own beside `path`, and renames it into place. On failure what
 * was at `path` is as it was. */
int whole_file_write(const char *path, const struct buffer *contents, struct error *err);

#endif
