/* The file of a server's tokens: lines as of trust/token.h, and comments that begin with
 * #. A running server reads it again when it has changed, so that revoking is taking a
 * line away.
 *
 * It is replaced as a whole, by renaming, under a lock on the file that is replaced: a
 * reader sees one or the other, and two writers come one after the other. */
#ifndef WOSHOU_TRUST_TOKEN_FILE_H
#define WOSHOU_TRUST_TOKEN_FILE_H

#include "trust/token.h"

/* The file's name in a server's directory. */
#define TOKENS_FILE "tokens"

enum { TOKENS_MOST = 10000 };

struct token_list {
    struct token *tokens;
    size_t count;
};

/* All of them, to be freed with token_list_done; none where there is no file.
 * ERROR_CORRUPT where a line is none of a token's. */
int token_list_read(const char *path, struct token_list *ret_list, struct error *err);
/* The same of a file that is open, for a server: such a line is passed over, since it
 * opens nothing. */
int token_list_read_open(int fd, const char *path, struct token_list *ret_list,
                         struct error *err);
void token_list_done(struct token_list *list);
/* Null where there is none of that id. */
const struct token *token_list_find(const struct token_list *list, const char *id);

/* Makes a token for `name` and adds it to the file, which is made (0600) where it is not
 * there. The text is there once, now. ERROR_LIMIT at TOKENS_MOST. */
int token_make(const char *path, const char *name, int64_t now_s, int64_t expires_s,
               struct token *ret_token, char ret_text[TOKEN_TEXT], struct error *err);
/* Takes away the tokens whose id or name is `which`: how many in `ret_count`;
 * ERROR_ABSENT for none. */
int token_revoke(const char *path, const char *which, size_t *ret_count,
                 struct error *err);

#endif
