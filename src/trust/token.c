#include "trust/token.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"
#include "base/visible.h"

#define TOKEN_PREFIX "wst_"
enum {
    PREFIX_LENGTH = sizeof TOKEN_PREFIX - 1,
    ID_LENGTH = TOKEN_ID_TEXT - 1,
    SECRET_BYTES = 32,
    SECRET_LENGTH = 43,
    HASH_LENGTH = 2 * TOKEN_HASH_BYTES
};
_Static_assert(PREFIX_LENGTH + ID_LENGTH + SECRET_LENGTH + 1 == TOKEN_TEXT,
               "a token's text");

int token_start(struct error *err)
{
    return sodium_init() < 0 ? error_set(err, ERROR_SYSTEM, "no random numbers here") : 0;
}

bool token_name_good(const char *name)
{
    size_t length = strlen(name);
    struct buffer visible;
    if (length == 0 || length > GREETING_NAME_BYTES || !utf8_valid(name, length) ||
        strchr(name, ' '))
        return false;
    buffer_init(&visible, 0);
    bool good = visible_append(&visible, name, length) == 0 && visible.length == length &&
                memcmp(visible.bytes, name, length) == 0;
    buffer_done(&visible);
    return good;
}

/* --- Texts --- */

static void hash_text(const char *text, size_t length, uint8_t ret_hash[TOKEN_HASH_BYTES])
{
    crypto_generichash(ret_hash, TOKEN_HASH_BYTES, (const uint8_t *)text, length, NULL,
                       0);
}

void token_invent(struct token *token, char ret_text[TOKEN_TEXT])
{
    uint8_t id[ID_LENGTH / 2], secret[SECRET_BYTES];
    do
        randombytes_buf(id, sizeof id);
    while (sodium_is_zero(id, sizeof id)); /* no id is 0 */
    randombytes_buf(secret, sizeof secret);
    sodium_bin2hex(token->id, sizeof token->id, id, sizeof id);
    memcpy(ret_text, TOKEN_PREFIX, PREFIX_LENGTH);
    memcpy(ret_text + PREFIX_LENGTH, token->id, ID_LENGTH);
    sodium_bin2base64(ret_text + PREFIX_LENGTH + ID_LENGTH, SECRET_LENGTH + 1, secret,
                      sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_text(ret_text, TOKEN_TEXT - 1, token->hash);
    sodium_memzero(secret, sizeof secret);
}

void token_id_of(const char *text, size_t length, char ret_id[TOKEN_ID_TEXT])
{
    memset(ret_id, 0, TOKEN_ID_TEXT);
    if (length == TOKEN_TEXT - 1 && memcmp(text, TOKEN_PREFIX, PREFIX_LENGTH) == 0)
        memcpy(ret_id, text + PREFIX_LENGTH, ID_LENGTH);
}

bool token_matches(const struct token *token, const char *text, size_t length)
{
    static const struct token none;
    uint8_t hash[TOKEN_HASH_BYTES];
    hash_text(text, length, hash);
    int different = sodium_memcmp((token ? token : &none)->hash, hash, sizeof hash);
    return token && !different;
}

bool token_expired(const struct token *token, int64_t now_s)
{
    return token->expires_s && token->expires_s <= now_s;
}

/* --- Lines --- */

static bool hex_only(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

/* A number and the space behind it. */
static bool read_seconds(const char **at, int64_t *ret_s)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    long long seconds = strtoll(*at, &end, 10);
    if (errno || *end != ' ')
        return false;
    *at = end + 1;
    *ret_s = seconds;
    return true;
}

bool token_parse_line(const char *line, struct token *ret_token)
{
    struct token token = {0};
    const char *hash = line + ID_LENGTH + 1, *at = hash + HASH_LENGTH + 1;
    if (strlen(line) < ID_LENGTH + HASH_LENGTH + 2 || !hex_only(line, ID_LENGTH) ||
        hash[-1] != ' ' || !hex_only(hash, HASH_LENGTH) || at[-1] != ' ')
        return false;
    memcpy(token.id, line, ID_LENGTH);
    sodium_hex2bin(token.hash, sizeof token.hash, hash, HASH_LENGTH, NULL, NULL, NULL);
    if (!read_seconds(&at, &token.made_s) || !read_seconds(&at, &token.expires_s) ||
        !token_name_good(at))
        return false;
    memcpy(token.name, at, strlen(at) + 1);
    *ret_token = token;
    return true;
}

void token_print_line(struct buffer *buffer, const struct token *token)
{
    char hash[HASH_LENGTH + 1];
    sodium_bin2hex(hash, sizeof hash, token->hash, sizeof token->hash);
    buffer_append_format(buffer, "%s %s %" PRId64 " %" PRId64 " %s\n", token->id, hash,
                         token->made_s, token->expires_s, token->name);
}
