/* TLS 1.3 between a channel and its carrier: one connection's, server's or client's.
 * Nothing waits here: what the socket does not take is kept, at most some records of it,
 * and sent by tls_flush.
 *
 * A client takes any certificate in the handshake, whose proof that the server has the
 * key is checked, and must compare tls_peer_fingerprint before it says anything. There is
 * no renegotiation, no session resumption and no early data.
 *
 * The carrier is passed with every call. Functions return 0 (or a count) or a negated
 * errno: -EPROTO where what came is not TLS or breaks it, tls_why then has OpenSSL's word
 * for it. */
#ifndef WOSHOU_NET_TLS_H
#define WOSHOU_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/identity.h"

struct carrier;
struct tls;

/* The identity is borrowed until tls_free. -ENOMEM. */
int tls_new_server(const struct identity *identity, struct tls **ret_tls);
int tls_new_client(struct tls **ret_tls);
/* Accepts null, leaves null. */
void tls_free(struct tls **tls);

/* 1 once the handshake is done, and from then on; 0: not yet, the events tell when to
 * call again; -EBADMSG: the connection ended in it. */
int tls_handshake(struct tls *tls, struct carrier *carrier);
/* The certificate the peer has shown; "" before the handshake is done, or where it has
 * shown none. */
void tls_peer_fingerprint(const struct tls *tls, char ret_text[FINGERPRINT_TEXT]);

/* As carrier_receive; 0 only where the peer said that this is the end, -EBADMSG where the
 * connection ended without. */
ssize_t tls_receive(struct tls *tls, struct carrier *carrier, void *buffer,
                    size_t length);
/* Something was received that no event will tell of. */
bool tls_waiting(const struct tls *tls);
/* As carrier_send; what is taken may still wait in here. */
ssize_t tls_send(struct tls *tls, struct carrier *carrier, const void *bytes,
                 size_t length);
/* Sends on; 0 also where not all of it could be sent yet. */
int tls_flush(struct tls *tls, struct carrier *carrier);
size_t tls_unsent_bytes(const struct tls *tls);
/* Says that this is the end (close_notify). Receiving goes on. */
int tls_finish(struct tls *tls, struct carrier *carrier);

/* Why the last call failed with -EPROTO; static, never null. */
const char *tls_why(const struct tls *tls);

#endif
