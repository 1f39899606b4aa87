/* Tokens: by which a server knows who comes from elsewhere. A token is 256 random bits that its owner
 * shows; the server keeps a hash, in a file of lines that a running server reads again when it has
 * changed:
 *
 *     ID HASH MADE EXPIRES NAME        8 hex digits, 64, seconds since 1970 twice (0: never), a name
 *
 * So revoking is taking a line away. The hash is BLAKE2b and not a slow one: nobody guesses 256 bits, and
 * a slow one is work that strangers could make the server do. */
#ifndef WOSHOU_TRUST_TOKEN_H
#define WOSHOU_TRUST_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/greeting.h"

struct error;

/* The file's name in a server's directory. */
#define TOKENS_FILE "tokens"

enum {
    TOKEN_ID_TEXT = 9, /* with the final 0, as all of these */
    TOKEN_TEXT = 56,   /* "wst_", the id, 43 characters that are secret */
    TOKEN_HASH_BYTES = 32,
    TOKENS_MOST = 10000
};

struct token {
    char id[TOKEN_ID_TEXT];
    uint8_t hash[TOKEN_HASH_BYTES];
    int64_t made_s, expires_s; /* seconds since 1970; expires_s 0: never */
    char name[GREETING_NAME_BYTES + 1];
};

struct token_list {
    struct token *tokens;
    size_t count;
};

/* Whether someone may be called so: 1 to 64 bytes of UTF-8 that show as they are, no spaces at the ends. */
bool token_name_good(const char *name);

/* Makes a token for `name` and adds it to the file, which is made (0600) where it is not there. The text is
 * there once, now: only its hash is kept. ERROR_LIMIT at TOKENS_MOST. */
int token_make(const char *path, const char *name, int64_t now_s, int64_t expires_s,
               char ret_text[TOKEN_TEXT], struct error *err);
/* All of them, to be freed with token_list_done; none where there is no file. ERROR_CORRUPT where a line is
 * none of a token's. */
int token_list_read(const char *path, struct token_list *ret_list, struct error *err);
void token_list_done(struct token_list *list);
/* Takes away the tokens whose id or name is `which`: how many in `ret_count`; ERROR_ABSENT for none. */
int token_revoke(const char *path, const char *which, size_t *ret_count,
                 struct error *err);

/* --- What a running server asks; from any thread --- */

struct token_store;

/* Nothing is read yet, and the file need not be there. */
int token_store_open(const char *path, struct token_store **ret_store, struct error *err);
/* Accepts null, leaves null. */
void token_store_close(struct token_store **store);
/* Whose token `text` is: 0 and the token; ERROR_ABSENT: nobody's, revoked, or expired; or why the file
 * could not be read. Takes the same time for every secret that is wrong. */
int token_store_check(struct token_store *store, const char *text, size_t length,
                      int64_t now_s, struct token *ret_token, struct error *err);
/* Whether the token of this id is still good. */
bool token_store_has(struct token_store *store, const char *id, int64_t now_s);

#endif
