/* The values in conditions: numbers with units, words, addresses and networks. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scope/where_node.h"

static bool has_unit(const char *at, size_t length, bool bytes, double *ret_factor)
{
    static const struct {
        const char *name;
        bool bytes;
        double factor;
    } units[] = {{"ns", false, 1},           {"us", false, 1e3},
                 {"µs", false, 1e3},         {"ms", false, 1e6},
                 {"s", false, 1e9},          {"min", false, 60e9},
                 {"h", false, 3600e9},       {"B", true, 1},
                 {"KB", true, 1024},         {"KiB", true, 1024},
                 {"MB", true, 1048576},      {"MiB", true, 1048576},
                 {"GB", true, 1073741824.0}, {"GiB", true, 1073741824.0}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].bytes == bytes && strlen(units[i].name) == length &&
            strncasecmp(units[i].name, at, length) == 0) {
            *ret_factor = units[i].factor;
            return true;
        }
    return false;
}

static int read_number(struct parser *parser, struct node *node)
{
    bool time = node->column == COLUMN_RTT || node->column == COLUMN_DURATION;
    bool bytes = node->column == COLUMN_BYTES;
    double value = 0, place = 1, factor = time ? 1e9 : 1;

    if (!isdigit((unsigned char)*parser->at))
        return parser_fail(parser, N_("a number"));
    for (; isdigit((unsigned char)*parser->at); parser->at++)
        value = value * 10 + (*parser->at - '0');
    if (*parser->at == '.')
        for (parser->at++; isdigit((unsigned char)*parser->at); parser->at++)
            value += (*parser->at - '0') * (place /= 10);
    size_t length = 0;
    while (isalpha((unsigned char)parser->at[length]) ||
           (unsigned char)parser->at[length] >= 0x80)
        length++;
    if (length > 0 && (time || bytes)) {
        if (!has_unit(parser->at, length, bytes, &factor))
            return parser_fail(parser, time ? N_("one of ns, us, ms, s, min, h")
                                            : N_("one of B, KB, MB, GB"));
        parser->at += length;
    }
    value *= factor;
    node->kind = NUMBER;
    node->number = value >= 9e18 ? INT64_MAX : (int64_t)value;
    return 0;
}

/* The word nearest to what was written, for a suggestion: the one that shares most of its
 * beginning. */
static const char *nearest(const char *at, size_t length, const char *(*word)(int),
                           int count)
{
    const char *best = NULL;
    size_t most = 0;
    for (int i = 0; i < count; i++) {
        const char *candidate = word(i);
        size_t shared = 0;
        while (shared < length && candidate && candidate[shared] &&
               tolower((unsigned char)at[shared]) == candidate[shared])
            shared++;
        if (shared > most) {
            most = shared;
            best = candidate;
        }
    }
    return best;
}

static const char *open_word_of(int i)
{
    return open_word((enum open_word)i);
}

static const char *close_word_of(int i)
{
    return close_word((enum close_word)i);
}

static const char *side_word_of(int i)
{
    const char *word = side_word((enum side_word)i);
    return word ? word : "-";
}

static const char *anomaly_word_of(int i)
{
    return anomaly_word((enum anomaly_kind)i);
}

/* Reads one of `count` words into `ret_index`. */
static int read_word(struct parser *parser, const char *(*word)(int), int count,
                     int *ret_index)
{
    size_t length = parser_word_length(parser);
    for (int i = 0; i < count; i++)
        if (strlen(word(i)) == length && strncasecmp(parser->at, word(i), length) == 0) {
            parser->at += length;
            *ret_index = i;
            return 0;
        }
    const char *near = nearest(parser->at, length, word, count);
    if (!near)
        near = word(0);
    char written[48];
    snprintf(written, sizeof written, "%.*s", length > 40 ? 40 : (int)length, parser->at);
    return parser_fail_with(
        parser,
        N_("at column {column}: there is no word '{written}' here; did you "
           "mean '{near}'?"),
        written, near);
}

static int read_words(struct parser *parser, struct node *node)
{
    const char *(*word)(int) = node->column == COLUMN_OPEN    ? open_word_of
                               : node->column == COLUMN_CLOSE ? close_word_of
                                                              : side_word_of;
    int count = node->column == COLUMN_OPEN    ? OPEN_NOT_SEEN + 1
                : node->column == COLUMN_CLOSE ? CLOSE_NONE + 1
                                               : SIDE_BOTH + 1;
    int index = 0, code = 0;

    if (node->relation != EQUAL && node->relation != UNEQUAL)
        return parser_fail(parser, N_("= or != before a word"));
    code = read_word(parser, word, count, &index);
    node->kind = WORD;
    if (!code)
        strncpy(node->word, word(index), sizeof node->word - 1);
    return code;
}

static int read_anomaly(struct parser *parser, struct node *node)
{
    int index = 0;
    if (node->relation != EQUAL && node->relation != UNEQUAL)
        return read_number(parser, node);
    int code = read_word(parser, anomaly_word_of, ANOMALY_KIND_COUNT, &index);
    node->kind = HAS;
    node->anomalies = UINT32_C(1) << index;
    return code;
}

/* How many bytes may be an address: without brackets, IPv6 is told by a second colon or
 * by its letters, since a colon also begins a port. */
static size_t address_length(const char *at, bool brackets)
{
    static const char ipv6[] = "0123456789abcdefABCDEF:.";
    size_t length = strspn(at, "0123456789.");
    size_t rest = strcspn(at + length, " ,)/");
    bool colons = at[length] == ':' && memchr(at + length + 1, ':', rest - 1);
    return brackets || colons || isxdigit((unsigned char)at[length]) ? strspn(at, ipv6)
                                                                     : length;
}

static int read_address(struct parser *parser, struct node *node)
{
    char text[64] = "";
    struct endpoint *endpoint = &node->network.endpoint;
    bool brackets = *parser->at == '[';
    size_t length = address_length(parser->at + brackets, brackets);

    if (length == 0 && !brackets)
        return 0;
    parser->at += brackets;
    if (length >= sizeof text)
        return parser_fail(parser, N_("an address"));
    memcpy(text, parser->at, length);
    text[length] = '\0';
    endpoint->family = strchr(text, ':') ? 6 : 4;
    node->network.bits = endpoint->family == 4 ? 32 : 128;
    if (inet_pton(endpoint->family == 4 ? AF_INET : AF_INET6, text, endpoint->address) !=
        1)
        return parser_fail(parser, N_("an address"));
    parser->at += length;
    if (brackets && *parser->at != ']')
        return parser_fail(parser, "]");
    parser->at += brackets;
    return 0;
}

/* A whole number behind a sign; false where there is none within these bounds. */
static bool read_whole(struct parser *parser, unsigned long least, unsigned long most,
                       unsigned long *ret_number)
{
    char *end;
    if (!isdigit((unsigned char)parser->at[1]))
        return false;
    unsigned long number = strtoul(parser->at + 1, &end, 10);
    if (number < least || number > most)
        return false;
    parser->at = end;
    *ret_number = number;
    return true;
}

/* "10.0.0.1", "10.0.0.0/8", ":443", "10.0.0.1:443", "[2001:db8::1]:443". A network of no
 * bits is every address of its family. */
static int read_endpoint(struct parser *parser, struct node *node)
{
    struct endpoint *endpoint = &node->network.endpoint;
    unsigned long number = 0;
    int code;

    node->kind = ENDPOINT;
    if (node->relation != EQUAL && node->relation != UNEQUAL)
        return parser_fail(parser, N_("= or != before an address"));
    code = read_address(parser, node);
    if (code)
        return code;
    if (endpoint->family && *parser->at == '/') {
        if (!read_whole(parser, 0, node->network.bits, &number))
            return parser_fail(parser, N_("the bits of a network"));
        node->network.bits = (uint8_t)number;
    }
    if (*parser->at == ':') {
        if (!read_whole(parser, 1, UINT16_MAX, &number))
            return parser_fail(parser, N_("a port"));
        endpoint->port = (uint16_t)number;
    } else if (!endpoint->family) {
        return parser_fail(parser, N_("an address or a port"));
    }
    return 0;
}

int value_read(struct parser *parser, struct node *node)
{
    switch ((enum column)node->column) {
    case COLUMN_CLIENT:
    case COLUMN_SERVER: return read_endpoint(parser, node);
    case COLUMN_OPEN:
    case COLUMN_CLOSE:
    case COLUMN_WHO: return read_words(parser, node);
    case COLUMN_ANOMALIES: return read_anomaly(parser, node);
    default: return read_number(parser, node);
    }
}
