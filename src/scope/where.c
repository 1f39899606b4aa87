/* A parser by recursive descent into an array of nodes; `or` binds weaker than `and`, and
 * `and` than `not`. The depth of parentheses and the number of nodes are bounded. */
#include "scope/where.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/fill.h"
#include "draw/words.h"
#include "scope/column.h"

enum { NODES_MAX = 256, DEPTH_MAX = 32 };

enum kind { AND, OR, NOT, WORD, NUMBER, ENDPOINT, HAS, ANY };
enum relation { EQUAL, UNEQUAL, BELOW, AT_MOST, ABOVE, AT_LEAST };

struct node {
    uint8_t kind, relation, column;
    uint16_t left, right; /* of AND, OR; NOT has the left */
    union {
        char word[24];
        int64_t number;
        uint32_t anomalies;
        struct {
            struct endpoint endpoint;
            uint8_t bits; /* of the network; 0: any address */
        } network;
    };
};

struct where {
    uint16_t count, root;
    struct node nodes[NODES_MAX];
};

struct parser {
    const char *text, *at;
    struct where *where;
    const struct words *words;
    struct error *err;
    int depth;
};

/* A phrase in the user's language, filled in. */
static int fail_with(struct parser *parser, const char *phrase, const struct fill *fills,
                     size_t count)
{
    struct buffer sentence;
    buffer_init(&sentence, 0);
    fill_append(&sentence, parser->words->say(phrase), fills, count);
    int code = error_set(parser->err, ERROR_ARGUMENT, "%s", buffer_text(&sentence));
    buffer_done(&sentence);
    return code;
}

static void format_column(const struct parser *parser, char text[24])
{
    snprintf(text, 24, "%td", parser->at - parser->text + 1);
}

static int fail(struct parser *parser, const char *expected)
{
    char column[24];
    format_column(parser, column);
    return fail_with(
        parser, N_("at column {column} {what} is expected"),
        (const struct fill[]){{"column", column}, {"what", parser->words->say(expected)}},
        2);
}

static void skip_spaces(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static int add(struct parser *parser, const struct node *node, uint16_t *ret_index)
{
    struct where *where = parser->where;
    if (where->count == NODES_MAX)
        return fail_with(parser, N_("there are too many conditions"), NULL, 0);
    where->nodes[where->count] = *node;
    *ret_index = where->count++;
    return 0;
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '-' || at[length] == '_')
        length++;
    return length;
}

static bool take_word(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(parser);
    if (word_length(parser->at) != length || strncasecmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* --- values --- */

static bool read_relation(struct parser *parser, enum relation *ret_relation)
{
    static const struct {
        const char *text;
        enum relation relation;
    } relations[] = {{"!=", UNEQUAL}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"==", EQUAL},
                     {"=", EQUAL},    {"<", BELOW},    {">", ABOVE}};
    skip_spaces(parser);
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        size_t length = strlen(relations[i].text);
        if (strncmp(parser->at, relations[i].text, length) == 0) {
            parser->at += length;
            *ret_relation = relations[i].relation;
            skip_spaces(parser);
            return true;
        }
    }
    return false;
}

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
        return fail(parser, N_("a number"));
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
            return fail(parser, time ? N_("one of ns, us, ms, s, min, h")
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
    size_t length = word_length(parser->at);
    for (int i = 0; i < count; i++)
        if (strlen(word(i)) == length && strncasecmp(parser->at, word(i), length) == 0) {
            parser->at += length;
            *ret_index = i;
            return 0;
        }
    const char *near = nearest(parser->at, length, word, count);
    if (!near)
        near = word(0);
    char column[24], written[48];
    format_column(parser, column);
    snprintf(written, sizeof written, "%.*s", length > 40 ? 40 : (int)length, parser->at);
    return fail_with(
        parser,
        N_("at column {column}: there is no word '{written}' here; did you "
           "mean '{near}'?"),
        (const struct fill[]){{"column", column}, {"written", written}, {"near", near}},
        3);
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
        return fail(parser, N_("= or != before a word"));
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

/* "10.0.0.1", "10.0.0.0/8", ":443", "10.0.0.1:443", "[2001:db8::1]:443". */
static int read_endpoint(struct parser *parser, struct node *node)
{
    char text[64] = "";
    struct endpoint *endpoint = &node->network.endpoint;
    size_t length;
    bool brackets = *parser->at == '[';

    node->kind = ENDPOINT;
    if (node->relation != EQUAL && node->relation != UNEQUAL)
        return fail(parser, N_("= or != before an address"));
    if (brackets)
        parser->at++;
    length = strspn(parser->at, brackets ? "0123456789abcdefABCDEF:." : "0123456789.");
    if (!brackets && parser->at[length] == ':' &&
        memchr(parser->at + length + 1, ':', strcspn(parser->at + length + 1, " )")))
        length = strspn(parser->at, "0123456789abcdefABCDEF:.");
    else if (!brackets && isxdigit((unsigned char)parser->at[length]))
        length = strspn(parser->at, "0123456789abcdefABCDEF:.");
    if (length >= sizeof text)
        return fail(parser, N_("an address"));
    memcpy(text, parser->at, length);
    if (length > 0) {
        endpoint->family = strchr(text, ':') ? 6 : 4;
        if (inet_pton(endpoint->family == 4 ? AF_INET : AF_INET6, text,
                      endpoint->address) != 1)
            return fail(parser, N_("an address"));
        node->network.bits = endpoint->family == 4 ? 32 : 128;
    }
    parser->at += length;
    if (brackets && *parser->at != ']')
        return fail(parser, N_("]"));
    parser->at += brackets;
    if (length > 0 && *parser->at == '/') {
        char *end;
        unsigned long bits = strtoul(parser->at + 1, &end, 10);
        if (end == parser->at + 1 || bits > node->network.bits)
            return fail(parser, N_("the bits of a network"));
        /* A network of no bits is every address of the family. */
        node->network.bits = (uint8_t)bits;
        parser->at = end;
    }
    if (*parser->at == ':') {
        char *end;
        unsigned long port = strtoul(parser->at + 1, &end, 10);
        if (end == parser->at + 1 || port == 0 || port > UINT16_MAX)
            return fail(parser, N_("a port"));
        endpoint->port = (uint16_t)port;
        parser->at = end;
    } else if (length == 0) {
        return fail(parser, N_("an address or a port"));
    }
    return 0;
}

/* --- conditions --- */

static int parse_or(struct parser *parser, uint16_t *ret_index);

static int parse_condition(struct parser *parser, uint16_t *ret_index)
{
    size_t length = word_length(parser->at);
    enum column column = column_named(parser->at, length);
    struct node node = {.column = (uint8_t)column};
    enum relation relation;
    int code;

    if (column == COLUMN_COUNT)
        return fail(parser,
                    N_("one of id, client, server, open, close, who, rtt, duration, "
                       "bytes, packets, anomalies"));
    parser->at += length;
    if (!read_relation(parser, &relation)) {
        node.kind = ANY;
        if (column != COLUMN_ANOMALIES)
            return fail(parser, N_("one of = != < <= > >="));
        return add(parser, &node, ret_index);
    }
    node.relation = (uint8_t)relation;
    if (column == COLUMN_CLIENT || column == COLUMN_SERVER)
        code = read_endpoint(parser, &node);
    else if (column == COLUMN_OPEN || column == COLUMN_CLOSE || column == COLUMN_WHO)
        code = read_words(parser, &node);
    else if (column == COLUMN_ANOMALIES)
        code = read_anomaly(parser, &node);
    else
        code = read_number(parser, &node);
    return code ? code : add(parser, &node, ret_index);
}

static int parse_not(struct parser *parser, uint16_t *ret_index)
{
    struct node node = {.kind = NOT};
    int code;

    skip_spaces(parser);
    if (++parser->depth > DEPTH_MAX)
        return fail(parser, N_("less nesting"));
    if (take_word(parser, "not")) {
        code = parse_not(parser, &node.left);
        code = code ? code : add(parser, &node, ret_index);
    } else if (*parser->at == '(') {
        parser->at++;
        code = parse_or(parser, ret_index);
        skip_spaces(parser);
        if (!code && *parser->at++ != ')') {
            parser->at--;
            code = fail(parser, N_("')', 'and' or 'or'"));
        }
    } else {
        code = parse_condition(parser, ret_index);
    }
    parser->depth--;
    return code;
}

static int parse_and(struct parser *parser, uint16_t *ret_index)
{
    struct node node = {.kind = AND};
    int code = parse_not(parser, ret_index);

    while (!code) {
        skip_spaces(parser);
        if (*parser->at == ',')
            parser->at++;
        else if (!take_word(parser, "and"))
            break;
        node.left = *ret_index;
        code = parse_not(parser, &node.right);
        code = code ? code : add(parser, &node, ret_index);
    }
    return code;
}

static int parse_or(struct parser *parser, uint16_t *ret_index)
{
    struct node node = {.kind = OR};
    int code = parse_and(parser, ret_index);

    while (!code && take_word(parser, "or")) {
        node.left = *ret_index;
        code = parse_and(parser, &node.right);
        code = code ? code : add(parser, &node, ret_index);
    }
    return code;
}

int where_new(const char *text, const struct words *words, struct where **ret_where,
              struct error *err)
{
    struct where *where = calloc(1, sizeof *where);
    struct parser parser = {
        .text = text, .at = text, .where = where, .words = words, .err = err};
    if (!where)
        return error_set(err, ERROR_MEMORY, "%s",
                         words->say(N_("no memory for the condition")));
    int code = parse_or(&parser, &where->root);
    skip_spaces(&parser);
    if (!code && *parser.at)
        code = fail(&parser, N_("'and', 'or' or the end"));
    if (code) {
        free(where);
        return code;
    }
    *ret_where = where;
    return 0;
}

void where_free(struct where **where)
{
    free(*where);
    *where = NULL;
}

/* --- whether it holds --- */

static bool relate(enum relation relation, int64_t left, int64_t right)
{
    switch (relation) {
    case EQUAL: return left == right;
    case UNEQUAL: return left != right;
    case BELOW: return left < right;
    case AT_MOST: return left <= right;
    case ABOVE: return left > right;
    case AT_LEAST: return left >= right;
    }
    return false;
}

static bool in_network(const struct endpoint *endpoint, const struct node *node)
{
    const struct endpoint *wanted = &node->network.endpoint;
    unsigned bits = node->network.bits, whole = bits / 8, rest = bits % 8;

    if (wanted->port && wanted->port != endpoint->port)
        return false;
    if (wanted->family == 0)
        return true;
    if (wanted->family != endpoint->family ||
        memcmp(wanted->address, endpoint->address, whole) != 0)
        return false;
    return rest == 0 ||
           (wanted->address[whole] ^ endpoint->address[whole]) >> (8 - rest) == 0;
}

static bool holds(const struct where *where, uint16_t index, const struct row *row)
{
    const struct node *node = &where->nodes[index];
    int64_t number;

    switch ((enum kind)node->kind) {
    case AND: return holds(where, node->left, row) && holds(where, node->right, row);
    case OR: return holds(where, node->left, row) || holds(where, node->right, row);
    case NOT: return !holds(where, node->left, row);
    case WORD: {
        const char *word = column_word(row, (enum column)node->column);
        return (strcmp(word ? word : "-", node->word) == 0) == (node->relation == EQUAL);
    }
    case NUMBER:
        return column_number(row, (enum column)node->column, &number) &&
               relate((enum relation)node->relation, number, node->number);
    case ENDPOINT:
        return in_network(node->column == COLUMN_CLIENT ? &row->client : &row->server,
                          node) == (node->relation == EQUAL);
    case HAS: return !(row->anomalies & node->anomalies) == (node->relation == UNEQUAL);
    case ANY: return row->anomalies != 0;
    }
    return false;
}

bool where_holds(const struct where *where, const struct row *row)
{
    return holds(where, where->root, row);
}
