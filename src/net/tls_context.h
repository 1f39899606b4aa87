/* What the connections of a server, or one of a client, have in common. Of net/tls.c and
 * net/identity.c alone: nobody else sees OpenSSL. */
#ifndef WOSHOU_NET_TLS_CONTEXT_H
#define WOSHOU_NET_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "net/identity.h"

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *carried; /* how OpenSSL reads and writes: see tls.c */
};

/* -ENOMEM, also for whatever else OpenSSL lacks. */
int tls_context_init(struct tls_context *context, const SSL_METHOD *method);
/* Accepts one that is all zero. */
void tls_context_done(struct tls_context *context);

const struct tls_context *identity_context(const struct identity *identity);

/* "" for null. */
void fingerprint_of(const X509 *certificate, char ret_text[FINGERPRINT_TEXT]);

#endif
