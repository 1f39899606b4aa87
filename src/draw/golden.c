#include "draw/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static bool read_file(const char *path, struct buffer *ret_text)
{
    FILE *file = fopen(path, "r");
    char bytes[4096];
    size_t count;
    if (!file)
        return false;
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(ret_text, bytes, count);
    bool whole = !ferror(file) && !ret_text->failed;
    fclose(file);
    return whole;
}

/* Where the line begins in which the two first differ. */
static size_t first_difference(const char *a, const char *b)
{
    size_t line = 0;
    for (size_t at = 0; a[at] && a[at] == b[at]; at++)
        if (a[at] == '\n')
            line = at + 1;
    return line;
}

bool golden_matches(const char *name, const char *text)
{
    const char *update = getenv("WOSHOU_UPDATE_GOLDEN");
    char path[4096];
    struct buffer golden;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    if (update && !strcmp(update, "1"))
        return write_file(path, text);

    buffer_init(&golden, 0);
    bool matches = read_file(path, &golden);
    if (!matches)
        fprintf(stderr, "%s: cannot be read\n", path);
    else if (strcmp(buffer_text(&golden), text) != 0) {
        size_t from = first_difference(buffer_text(&golden), text);
        fprintf(stderr, "%s: differs from here on. Expected:\n%s\nBut it is:\n%s\n", path,
                buffer_text(&golden) + from, text + from);
        matches = false;
    }
    buffer_done(&golden);
    return matches;
}
