/* What a running server asks of its tokens; from any thread. The file is read again
 * whenever it has changed. */
#ifndef WOSHOU_TRUST_TOKEN_STORE_H
#define WOSHOU_TRUST_TOKEN_STORE_H

#include "trust/token.h"

struct token_store;

/* Nothing is read yet, and the file need not be there. */
int token_store_open(const char *path, struct token_store **ret_store, struct error *err);
/* Accepts null, leaves null. */
void token_store_close(struct token_store **store);
/* Whose token `text` is: 0 and the token; ERROR_ABSENT: nobody's, revoked, or expired; or
 * why the file could not be read. Takes the same time for every secret that is wrong. */
int token_store_check(struct token_store *store, const char *text, size_t length,
                      int64_t now_s, struct token *ret_token, struct error *err);
/* Whether the token of this id is still good. */
bool token_store_has(struct token_store *store, const char *id, int64_t now_s);

#endif
