/* Any text, as an expression of --where. What must hold: it is read, or turned away with a
 * sentence that can be shown; and its negation holds exactly where it does not. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf.h"
#include "draw/words.h"
#include "scope/where.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static const struct row rows[] = {
    {.client = {.family = 4, .address = {10, 0, 0, 1}, .port = 40001},
     .server = {.family = 4, .address = {10, 0, 0, 2}, .port = 80},
     .id = 1,
     .packets = 8,
     .open = OPEN_THREE_WAY,
     .close = CLOSE_FOUR_SEGMENT,
     .closed_first = SIDE_CLIENT,
     .end_ns = 5000000,
     .handshake_ns = 1000000,
     .client_bytes = 100},
    {.client = {.family = 6, .address = {0x20, 1}, .port = 1},
     .server = {.family = 6, .port = 443},
     .id = 2,
     .packets = 1,
     .open = OPEN_REFUSED,
     .close = CLOSE_NONE,
     .anomalies = 1 << ANOMALY_SYN_RETRANSMITTED,
     .handshake_ns = UNSEEN_NS},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Null where the text is no expression. */
static struct where *read_where(const char *text)
{
    struct where *where = NULL;
    struct error err = {0};
    int code = where_new(text, &english, &where, &err);
    require(code == 0 || code == ERROR_ARGUMENT);
    require((code == 0) == (where != NULL));
    require(code == 0 || (err.code == code && err.sentence[0]));
    require(code == 0 || utf8_valid(err.sentence, strlen(err.sentence)));
    return where;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = malloc(length + 1), *negated = malloc(length + sizeof "not ()");
    require(text && negated);
    memcpy(text, bytes, length);
    text[length] = '\0';
    sprintf(negated, "not (%s)", text);
    struct where *where = read_where(text),
                 *not_where = where ? read_where(negated) : NULL;
    for (size_t i = 0; i < ROWS && not_where; i++)
        require(where_holds(where, &rows[i]) != where_holds(not_where, &rows[i]));
    where_free(&where);
    where_free(&not_where);
    free(negated);
    free(text);
    return 0;
}
