/* Tokens: by which a server knows who comes from elsewhere. A token is 256 random bits
 * that its owner shows; the server keeps a hash of its text. The hash is BLAKE2b and not
 * a slow one: nobody guesses 256 bits, and a slow one is work that strangers could make
 * the server do.
 *
 *     text    wst_ ID SECRET                     8 hex digits that name it, 43 characters
 *     line    ID HASH MADE EXPIRES NAME          HASH 64 hex digits; seconds since 1970
 * twice, 0: never */
#ifndef WOSHOU_TRUST_TOKEN_H
#define WOSHOU_TRUST_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/greeting.h"

struct buffer;
struct error;

enum {
    TOKEN_ID_TEXT = 9, /* with the final 0, as all of these */
    TOKEN_TEXT = 56,
    TOKEN_HASH_BYTES = 32
};

struct token {
    char id[TOKEN_ID_TEXT];
    uint8_t hash[TOKEN_HASH_BYTES];
    int64_t made_s, expires_s; /* seconds since 1970; expires_s 0: never */
    char name[GREETING_NAME_BYTES + 1];
};

/* Before anything else here is called; as often as one likes. */
int token_start(struct error *err);

/* Whether someone may be called so: 1 to 64 bytes of UTF-8 that show as they are, no
 * spaces. */
bool token_name_good(const char *name);

/* Gives the token a random id, which as a number is never 0, and a secret: its text, of
 * which only the hash is in the token. */
void token_invent(struct token *token, char ret_text[TOKEN_TEXT]);
/* Puts the id that a text has into `ret_id`: "" where it is no token's text. Says nothing
 * of the secret. */
void token_id_of(const char *text, size_t length, char ret_id[TOKEN_ID_TEXT]);
/* Whether `text` is that token's; in a time that does not depend on the secret. Null: of
 * no token, in the same time. */
bool token_matches(const struct token *token, const char *text, size_t length);
bool token_expired(const struct token *token, int64_t now_s);

/* False where the line, without its end, is none of a token's. */
bool token_parse_line(const char *line, struct token *ret_token);
void token_print_line(struct buffer *buffer, const struct token *token);

#endif
