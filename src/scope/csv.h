/* Connections as comma-separated values (RFC 4180), one line each, times in nanoseconds. */
#ifndef WOSHOU_SCOPE_CSV_H
#define WOSHOU_SCOPE_CSV_H

struct buffer;
struct story;

void csv_header(struct buffer *buffer);
void csv_story(const struct story *story, struct buffer *buffer);

#endif
