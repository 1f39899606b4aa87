/* JSON, written as it is told, compact, with keys in the order of telling; jansson reads
 * what this writes, and in json_test.c writes the same.
 *
 *     json_put_begin(&writer, '{');
 *     json_put_key(&writer, "id");
 *     json_put_integer(&writer, 1);
 *     json_put_end(&writer, '}');
 *
 * Where a number comes or a text, an array may, and an object. Keys are literals of
 * nothing that needs escaping; texts are UTF-8. Failure is the buffer's, and sticky. */
#ifndef WOSHOU_DRAW_JSON_WRITER_H
#define WOSHOU_DRAW_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct json_writer {
    struct buffer *buffer;
    bool comma; /* something stands before, on the same level */
};

/* '{' or '[', and its counterpart. */
void json_put_begin(struct json_writer *writer, char bracket);
void json_put_end(struct json_writer *writer, char bracket);
void json_put_key(struct json_writer *writer, const char *key);

void json_put_null(struct json_writer *writer);
void json_put_integer(struct json_writer *writer, int64_t value);
void json_put_text(struct json_writer *writer, const char *text); /* null: null */

/* A text that others append to the buffer in between. */
size_t json_put_text_begin(struct json_writer *writer);
void json_put_text_end(struct json_writer *writer, size_t begin);

#endif
