#include "scope/column.h"

#include <string.h>
#include <strings.h>

static const char *const names[] = {"id",    "client",    "server",  "open",
                                    "close", "who",       "rtt",     "duration",
                                    "bytes", "anomalies", "packets", "start"};
_Static_assert(sizeof names / sizeof names[0] == COLUMN_COUNT, "a column lacks its name");

enum column column_named(const char *name, size_t length)
{
    for (int column = 0; column < COLUMN_COUNT; column++)
        if (strlen(names[column]) == length &&
            strncasecmp(names[column], name, length) == 0)
            return (enum column)column;
    return COLUMN_COUNT;
}

bool column_number(const struct row *row, enum column column, int64_t *ret_number)
{
    switch (column) {
    case COLUMN_ID: *ret_number = row->id; return true;
    case COLUMN_RTT:
        *ret_number = row->handshake_ns;
        return row->handshake_ns != UNSEEN_NS;
    case COLUMN_DURATION: *ret_number = row->end_ns - row->start_ns; return true;
    case COLUMN_BYTES:
        *ret_number = (int64_t)(row->client_bytes + row->server_bytes);
        return true;
    case COLUMN_ANOMALIES: *ret_number = __builtin_popcount(row->anomalies); return true;
    case COLUMN_PACKETS: *ret_number = row->packets; return true;
    case COLUMN_START: *ret_number = row->start_ns; return true;
    default: return false;
    }
}

const char *column_word(const struct row *row, enum column column)
{
    switch (column) {
    case COLUMN_OPEN: return open_word((enum open_word)row->open);
    case COLUMN_CLOSE: return close_word((enum close_word)row->close);
    case COLUMN_WHO:
        return side_word(
            (enum side_word)(row->reset_by ? row->reset_by : row->closed_first));
    default: return NULL;
    }
}

static int compare_endpoints(const struct endpoint *a, const struct endpoint *b)
{
    int by_family = a->family - b->family;
    int by_address = memcmp(a->address, b->address, sizeof a->address);
    return by_family ? by_family : by_address ? by_address : a->port - b->port;
}

int column_compare(const struct row *a, const struct row *b, enum column column)
{
    int64_t left = 0, right = 0;
    if (column == COLUMN_CLIENT)
        return compare_endpoints(&a->client, &b->client);
    if (column == COLUMN_SERVER)
        return compare_endpoints(&a->server, &b->server);
    if (column == COLUMN_OPEN || column == COLUMN_CLOSE || column == COLUMN_WHO) {
        const char *one = column_word(a, column), *other = column_word(b, column);
        return !one || !other ? !one - !other : strcmp(one, other);
    }
    bool has_left = column_number(a, column, &left);
    bool has_right = column_number(b, column, &right);
    if (!has_left || !has_right)
        return has_right - has_left;
    return (left > right) - (left < right);
}
