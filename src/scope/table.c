#include "scope/table.h"

#include <string.h>

#include "base/buffer.h"
#include "base/filled.h"
#include "base/visible.h"
#include "draw/words.h"
#include "scope/quantity.h"

enum { FIT_ROWS = 4096 };

/* The last of these leaves first where there is no room; the first of them never do,
 * but for the close where nothing else helps. */
static const enum column by_worth[] = {COLUMN_ID,        COLUMN_SERVER, COLUMN_OPEN,
                                       COLUMN_CLIENT,    COLUMN_CLOSE,  COLUMN_WHO,
                                       COLUMN_ANOMALIES, COLUMN_RTT,    COLUMN_DURATION,
                                       COLUMN_BYTES,     COLUMN_PACKETS};
enum { SHOWN = sizeof by_worth / sizeof by_worth[0], NEVER_LEFT_OUT = 5 };

/* What a cut address and what cut anomalies need at least. */
enum { ENDPOINT_LEAST = 22, ANOMALIES_LEAST = 18 };

static const enum column in_order[SHOWN] = {
    COLUMN_ID,    COLUMN_CLIENT,  COLUMN_SERVER,   COLUMN_OPEN,
    COLUMN_CLOSE, COLUMN_WHO,     COLUMN_RTT,      COLUMN_DURATION,
    COLUMN_BYTES, COLUMN_PACKETS, COLUMN_ANOMALIES};

const char *table_heading(enum column column)
{
    static const char *const headers[COLUMN_COUNT] = {
        [COLUMN_ID] = N_("id"),           [COLUMN_CLIENT] = N_("client"),
        [COLUMN_SERVER] = N_("server"),   [COLUMN_OPEN] = N_("open"),
        [COLUMN_CLOSE] = N_("close"),     [COLUMN_WHO] = N_("who"),
        [COLUMN_RTT] = N_("rtt"),         [COLUMN_DURATION] = N_("duration"),
        [COLUMN_BYTES] = N_("bytes"),     [COLUMN_ANOMALIES] = N_("anomalies"),
        [COLUMN_PACKETS] = N_("packets"),
    };
    return headers[column];
}

bool table_is_number(enum column column)
{
    return column == COLUMN_ID || column == COLUMN_RTT || column == COLUMN_DURATION ||
           column == COLUMN_BYTES || column == COLUMN_PACKETS;
}

/* --- cells --- */

static size_t put_text(char *cell, const char *text)
{
    size_t length = 0;
    while (*text)
        cell[length++] = *text++;
    return length;
}

static size_t put_anomalies(char *cell, uint32_t anomalies)
{
    size_t length = 0;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++) {
        if (!(anomalies & UINT32_C(1) << kind))
            continue;
        if (length)
            cell[length++] = ' ';
        length += put_text(cell + length, anomaly_word((enum anomaly_kind)kind));
    }
    return length;
}

size_t table_cell(const struct row *row, enum column column, bool ascii,
                  char cell[TABLE_CELL])
{
    const char *word;
    switch (column) {
    case COLUMN_ID: return quantity_number(cell, row->id);
    case COLUMN_CLIENT: return strlen(endpoint_format(&row->client, cell));
    case COLUMN_SERVER: return strlen(endpoint_format(&row->server, cell));
    case COLUMN_RTT:
        return row->handshake_ns == UNSEEN_NS
                   ? put_text(cell, "-")
                   : quantity_duration(cell, row->handshake_ns, ascii);
    case COLUMN_DURATION:
        return quantity_duration(cell, row->end_ns - row->start_ns, ascii);
    case COLUMN_BYTES: return quantity_bytes(cell, row->client_bytes + row->server_bytes);
    case COLUMN_PACKETS: return quantity_number(cell, row->packets);
    case COLUMN_ANOMALIES: return put_anomalies(cell, row->anomalies);
    default: word = column_word(row, column); return put_text(cell, word ? word : "-");
    }
}

/* A µ is two bytes and one column; nothing else here is not ASCII. */
static int columns_of(enum column column, const char *cell, size_t length)
{
    bool duration = column == COLUMN_RTT || column == COLUMN_DURATION;
    return (int)length - (duration && memchr(cell, 0xc2, length) ? 1 : 0);
}

/* --- widths --- */

static int line_width(const struct table *table)
{
    int width = -2;
    for (int i = 0; i < COLUMN_COUNT; i++)
        width += table->widths[i] ? table->widths[i] + 2 : 0;
    return width;
}

/* The anomalies stand last and may be cut. */
static bool too_wide(const struct table *table)
{
    int anomalies = table->widths[COLUMN_ANOMALIES];
    int spare = anomalies > ANOMALIES_LEAST ? anomalies - ANOMALIES_LEAST : 0;
    int needed = line_width(table) - spare;
    return table->width > 0 && needed > table->width;
}

/* Both ends' columns share what the others leave. */
static void narrow_endpoints(struct table *table)
{
    int *client = &table->widths[COLUMN_CLIENT], *server = &table->widths[COLUMN_SERVER];
    while (too_wide(table) && (*client > ENDPOINT_LEAST || *server > ENDPOINT_LEAST))
        --*(*client > *server ? client : server);
}

void table_fit(struct table *table, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < SHOWN; i++) {
        enum column column = by_worth[i];
        const char *title = table->words->say(table_heading(column));
        int width = visible_width(title, strlen(title));
        for (size_t row = 0; row < count && row < FIT_ROWS; row++) {
            FILLED_BY_CALL char cell[TABLE_CELL];
            size_t length = table_cell(&rows[row], column, table->ascii, cell);
            int cell_width = columns_of(column, cell, length);
            width = cell_width > width ? cell_width : width;
        }
        table->widths[column] = width;
    }
    for (size_t i = SHOWN; i-- > NEVER_LEFT_OUT && too_wide(table);)
        if (by_worth[i] != table->wanted)
            table->widths[by_worth[i]] = 0;
    narrow_endpoints(table);
    if (too_wide(table) && table->wanted != COLUMN_CLOSE)
        table->widths[COLUMN_CLOSE] = 0;
}

/* --- lines --- */

static void append_cell(const struct table *table, enum column column, const char *cell,
                        size_t length, int columns, struct buffer *buffer)
{
    int width = table->widths[column];
    size_t padding = columns < width ? (size_t)(width - columns) : 0;
    bool to_the_right = table_is_number(column);

    if (padding > 0 && to_the_right)
        buffer_append_repeated(buffer, ' ', padding);
    buffer_append(buffer, cell, length);
    if (padding > 0 && !to_the_right && column != COLUMN_ANOMALIES)
        buffer_append_repeated(buffer, ' ', padding);
}

/* What is left of the line for the anomalies. */
static size_t room_for_anomalies(const struct table *table)
{
    int others = line_width(table) - table->widths[COLUMN_ANOMALIES];
    if (table->width == 0)
        return SIZE_MAX;
    return table->width > others ? (size_t)(table->width - others) : 0;
}

static void cut_anomalies(const struct table *table, char *cell, size_t *length)
{
    size_t room = room_for_anomalies(table);
    if (*length <= room)
        return;
    *length = room;
    for (size_t i = room; i > 0 && i + 3 > room; i--)
        cell[i - 1] = '.';
}

/* An address too long for its column loses its middle: where it begins and its port tell
 * most. */
static void cut_endpoint(const struct table *table, enum column column, char *cell,
                         size_t *length)
{
    enum { TAIL = 10, DOTS = 3 };
    size_t width = (size_t)table->widths[column];
    if (table->width == 0 || *length <= width || width < TAIL + DOTS)
        return;
    memmove(cell + width - TAIL, cell + *length - TAIL, TAIL);
    memset(cell + width - TAIL - DOTS, '.', DOTS);
    *length = width;
}

void table_header(const struct table *table, struct buffer *buffer)
{
    bool first = true;
    if (table->colour)
        buffer_append_text(buffer, "\033[1m");
    for (size_t i = 0; i < SHOWN; i++) {
        enum column column = in_order[i];
        if (!table->widths[column])
            continue;
        const char *title = table->words->say(table_heading(column));
        if (!first)
            buffer_append_text(buffer, "  ");
        first = false;
        append_cell(table, column, title, strlen(title),
                    visible_width(title, strlen(title)), buffer);
    }
    buffer_append_text(buffer, table->colour ? "\033[0m\n" : "\n");
}

/* What went wrong stands out. */
static const char *colour_of(const struct row *row)
{
    if (row->open >= OPEN_REFUSED && row->open <= OPEN_ABORTED)
        return "\033[31m";
    if (row->close == CLOSE_RESET)
        return "\033[35m";
    return row->anomalies ? "\033[33m" : "";
}

void table_row(const struct table *table, const struct row *row, struct buffer *buffer)
{
    const char *colour = table->colour ? colour_of(row) : "";
    bool first = true;
    FILLED_BY_CALL char cell[TABLE_CELL];

    buffer_append_text(buffer, colour);
    for (size_t i = 0; i < SHOWN; i++) {
        enum column column = in_order[i];
        if (!table->widths[column])
            continue;
        size_t length = table_cell(row, column, table->ascii, cell);
        if (column == COLUMN_ANOMALIES && length == 0)
            continue;
        if (!first)
            buffer_append(buffer, "  ", 2);
        first = false;
        if (column == COLUMN_ANOMALIES)
            cut_anomalies(table, cell, &length);
        else if (column == COLUMN_CLIENT || column == COLUMN_SERVER)
            cut_endpoint(table, column, cell, &length);
        int columns = columns_of(column, cell, length);
        append_cell(table, column, cell, length, columns, buffer);
    }
    buffer_append_text(buffer, *colour ? "\033[0m\n" : "\n");
}
