/* A parser by recursive descent into an array of nodes; `or` binds weaker than `and`, and
 * `and` than `not`. The depth of parentheses and the number of nodes are bounded. */
#include "scope/where.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/fill.h"
#include "scope/where_node.h"

enum { NODES_MAX = 256, DEPTH_MAX = 32 };

struct where {
    uint16_t count, root;
    struct node nodes[NODES_MAX];
};

/* --- the text --- */

int parser_fail_with(struct parser *parser, const char *sentence, const char *written,
                     const char *near)
{
    char column[24];
    struct buffer filled;
    snprintf(column, sizeof column, "%td", parser->at - parser->text + 1);
    buffer_init(&filled, 0);
    fill_append(&filled, parser->words->say(sentence),
                (const struct fill[]){{"column", column},
                                      {"written", written ? written : ""},
                                      {"near", near ? near : ""}},
                3);
    int code = error_set(parser->err, ERROR_ARGUMENT, "%s", buffer_text(&filled));
    buffer_done(&filled);
    return code;
}

int parser_fail(struct parser *parser, const char *expected)
{
    return parser_fail_with(parser, N_("at column {column} {written} is expected"),
                            *expected == ']' ? expected : parser->words->say(expected),
                            NULL);
}

void parser_skip_spaces(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

size_t parser_word_length(const struct parser *parser)
{
    const char *at = parser->at;
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '-' || at[length] == '_')
        length++;
    return length;
}

static bool take_word(struct parser *parser, const char *word)
{
    size_t length = strlen(word);
    parser_skip_spaces(parser);
    if (parser_word_length(parser) != length ||
        strncasecmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

static bool read_relation(struct parser *parser, enum relation *ret_relation)
{
    static const struct {
        const char *text;
        enum relation relation;
    } relations[] = {{"!=", UNEQUAL}, {"<=", AT_MOST}, {">=", AT_LEAST}, {"==", EQUAL},
                     {"=", EQUAL},    {"<", BELOW},    {">", ABOVE}};
    parser_skip_spaces(parser);
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        size_t length = strlen(relations[i].text);
        if (strncmp(parser->at, relations[i].text, length) == 0) {
            parser->at += length;
            *ret_relation = relations[i].relation;
            parser_skip_spaces(parser);
            return true;
        }
    }
    return false;
}

/* --- conditions --- */

static int add(struct parser *parser, const struct node *node, uint16_t *ret_index)
{
    struct where *where = parser->where;
    if (where->count == NODES_MAX)
        return parser_fail_with(parser, N_("there are too many conditions"), NULL, NULL);
    where->nodes[where->count] = *node;
    *ret_index = where->count++;
    return 0;
}

static int parse_or(struct parser *parser, uint16_t *ret_index);

static int parse_condition(struct parser *parser, uint16_t *ret_index)
{
    size_t length = parser_word_length(parser);
    enum column column = column_named(parser->at, length);
    struct node node = {.column = (uint8_t)column};
    enum relation relation;
    int code;

    if (column == COLUMN_COUNT)
        return parser_fail(
            parser, N_("one of id, client, server, open, close, who, rtt, duration, "
                       "bytes, packets, anomalies"));
    parser->at += length;
    if (!read_relation(parser, &relation)) {
        node.kind = ANY;
        if (column != COLUMN_ANOMALIES)
            return parser_fail(parser, N_("one of = != < <= > >="));
        return add(parser, &node, ret_index);
    }
    node.relation = (uint8_t)relation;
    code = value_read(parser, &node);
    return code ? code : add(parser, &node, ret_index);
}

static int parse_not(struct parser *parser, uint16_t *ret_index)
{
    struct node node = {.kind = NOT};
    int code;

    parser_skip_spaces(parser);
    if (++parser->depth > DEPTH_MAX)
        return parser_fail(parser, N_("less nesting"));
    if (take_word(parser, "not")) {
        code = parse_not(parser, &node.left);
        code = code ? code : add(parser, &node, ret_index);
    } else if (*parser->at == '(') {
        parser->at++;
        code = parse_or(parser, ret_index);
        parser_skip_spaces(parser);
        if (!code && *parser->at++ != ')') {
            parser->at--;
            code = parser_fail(parser, N_("')', 'and' or 'or'"));
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
        parser_skip_spaces(parser);
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
    parser_skip_spaces(&parser);
    if (!code && *parser.at)
        code = parser_fail(&parser, N_("'and', 'or' or the end"));
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
