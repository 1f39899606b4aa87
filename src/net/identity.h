/* A server's identity: the key and the certificate by which its clients know it again.
 * They are made at the first start, into one file that nobody else may read (PEM, the key
 * first), and never change by themselves. */
#ifndef WOSHOU_NET_IDENTITY_H
#define WOSHOU_NET_IDENTITY_H

#include <stdbool.h>

struct error;
struct identity;

/* The file's name in a server's directory. */
#define IDENTITY_FILE "identity.pem"

/* Bytes of a fingerprint's text, the final 0 included: SHA-256 of the certificate (DER)
 * as 32 pairs of capital hexadecimal digits with colons between them, as openssl x509
 * -fingerprint -sha256 has it. */
enum { FINGERPRINT_TEXT = 96 };

/* Reads the identity in `path`, or makes it where the file is not there. ERROR_PERMISSION
 * where others may read the file, ERROR_CORRUPT where it holds no key and certificate
 * that belong together. For several threads at once from then on. */
int identity_open(const char *path, struct identity **ret_identity, struct error *err);
/* Connections that use it must be closed. Accepts null, leaves null. */
void identity_close(struct identity **identity);
/* Whether this call of identity_open has made it. */
bool identity_is_new(const struct identity *identity);
const char *identity_fingerprint(const struct identity *identity);

#endif
