/* Inside where.c and where_value.c: what a condition is made of, and where its text is
 * being read. For those two alone. */
#ifndef WOSHOU_SCOPE_WHERE_NODE_H
#define WOSHOU_SCOPE_WHERE_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "draw/words.h"
#include "scope/column.h"

struct error;
struct where;

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

struct parser {
    const char *text, *at;
    struct where *where; /* what is being made */
    const struct words *words;
    struct error *err;
    int depth; /* of parentheses and nots */
};

/* Sets the error: at this place `expected`, a message or "]", is expected. ERROR_ARGUMENT. */
int parser_fail(struct parser *parser, const char *expected);
/* The same with a sentence of one's own, a message, of which {column} is filled in, and
 * {written} and {near}. */
int parser_fail_with(struct parser *parser, const char *sentence, const char *written,
                     const char *near);
void parser_skip_spaces(struct parser *parser);
/* Bytes of the word that comes next. */
size_t parser_word_length(const struct parser *parser);

/* Reads the value of a condition whose column and relation the node has already. 0, or
 * ERROR_ARGUMENT. */
int value_read(struct parser *parser, struct node *node);

#endif
