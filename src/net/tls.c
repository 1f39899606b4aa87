/* OpenSSL reads from the carrier by a BIO of our own, so that every receive is the event
 * library's, which re-enables network events, and is announced to the watch. It writes
 * into a queue, which is sent when a call has written all it wants: several records go in
 * one send, and OpenSSL never has to be asked again with the same bytes because a socket
 * was full. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "net/carrier.h"
#include "net/queue.h"
#include "net/tls_context.h"

enum {
    RECORD_BYTES = 16 << 10, /* the most that one record carries */
    BATCH_BYTES = 128 << 10, /* sent at once */
    ANSWERS_BYTES =
        256 << 10, /* what the peer can make OpenSSL write without reading any of it */
    READ_BUFFER_BYTES = 64 << 10
};

struct tls {
    SSL *ssl;
    struct tls_context own;  /* a client's; a server's is its identity's */
    struct carrier *carrier; /* while a call is under way */
    struct byte_queue unsent;
    bool drained;    /* the last receive found nothing whole any more */
    int fault;       /* what the carrier failed with in this call, negated errno, or 0 */
    const char *why; /* see tls_why; null: nothing yet */
};

/* --- The BIO --- */

static int read_carried(BIO *bio, char *buffer, int length)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t received = carrier_receive(tls->carrier, buffer, (size_t)length);
    if (received == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (received < 0)
        tls->fault = (int)received;
    else if (received == 0)
        tls->fault = -EBADMSG;
    return received > 0 ? (int)received : received < 0 ? -1 : 0;
}

static int write_carried(BIO *bio, const char *bytes, int length)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (byte_queue_length(&tls->unsent) > ANSWERS_BYTES)
        tls->fault = -ENOBUFS;
    else
        tls->fault = byte_queue_append(&tls->unsent, bytes, (size_t)length);
    return tls->fault ? -1 : length;
}

static long control_carried(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create_carried(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *carried_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_START | BIO_TYPE_SOURCE_SINK, "carrier");
    if (method && BIO_meth_set_read(method, read_carried) &&
        BIO_meth_set_write(method, write_carried) &&
        BIO_meth_set_ctrl(method, control_carried) &&
        BIO_meth_set_create(method, create_carried))
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* --- What connections have in common --- */

static int set_up(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_default_read_buffer_len(ssl, READ_BUFFER_BYTES);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
           SSL_CTX_set_num_tickets(ssl, 0) && SSL_CTX_set_max_early_data(ssl, 0) &&
           SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                         "TLS_CHACHA20_POLY1305_SHA256");
}

int tls_context_init(struct tls_context *context, const SSL_METHOD *method)
{
    *context = (struct tls_context){SSL_CTX_new(method), carried_method()};
    if (context->ssl && context->carried && set_up(context->ssl))
        return 0;
    tls_context_done(context);
    ERR_clear_error();
    return -ENOMEM;
}

void tls_context_done(struct tls_context *context)
{
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->carried);
    *context = (struct tls_context){0};
}

/* --- Life --- */

static int open_ssl(struct tls *tls, const struct tls_context *context)
{
    BIO *bio = BIO_new(context->carried);
    tls->ssl = SSL_new(context->ssl);
    if (!bio || !tls->ssl) {
        BIO_free(bio);
        return -ENOMEM;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    return 0;
}

static int tls_new(const struct tls_context *shared, struct tls **ret_tls)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return -ENOMEM;
    byte_queue_init(&tls->unsent);
    int code = shared ? 0 : tls_context_init(&tls->own, TLS_client_method());
    if (code == 0)
        code = open_ssl(tls, shared ? shared : &tls->own);
    if (code) {
        ERR_clear_error();
        tls_free(&tls);
        return code;
    }
    *ret_tls = tls;
    return 0;
}

int tls_new_server(const struct identity *identity, struct tls **ret_tls)
{
    int code = tls_new(identity_context(identity), ret_tls);
    if (code == 0)
        SSL_set_accept_state((*ret_tls)->ssl);
    return code;
}

int tls_new_client(struct tls **ret_tls)
{
    int code = tls_new(NULL, ret_tls);
    if (code == 0)
        SSL_set_connect_state((*ret_tls)->ssl);
    return code;
}

void tls_free(struct tls **tls)
{
    if (!*tls)
        return;
    SSL_free((*tls)->ssl);
    tls_context_done(&(*tls)->own);
    byte_queue_done(&(*tls)->unsent);
    free(*tls);
    *tls = NULL;
}

/* --- Calls --- */

/* Between begin and end OpenSSL has the carrier. */
static void begin(struct tls *tls, struct carrier *carrier)
{
    ERR_clear_error();
    tls->carrier = carrier;
    tls->fault = 0;
}

/* What `result` of an SSL call means: 1 it succeeded, 0 the peer's end, or a negated
 * errno. */
static int end(struct tls *tls, int result)
{
    unsigned long error = ERR_peek_error();
    int kind = result > 0 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, result);
    ERR_clear_error();
    tls->carrier = NULL;
    switch (kind) {
    case SSL_ERROR_NONE: return 1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return tls->fault ? tls->fault : -EAGAIN;
    default: break;
    }
    if (tls->fault)
        return tls->fault;
    tls->why = ERR_reason_error_string(error);
    return -EPROTO;
}

const char *tls_why(const struct tls *tls)
{
    return tls->why ? tls->why : "unknown reason";
}

int tls_flush(struct tls *tls, struct carrier *carrier)
{
    if (byte_queue_length(&tls->unsent)) {
        ssize_t sent = carrier_send(carrier, byte_queue_bytes(&tls->unsent),
                                    byte_queue_length(&tls->unsent));
        if (sent < 0)
            return sent == -EAGAIN ? 0 : (int)sent;
        byte_queue_take(&tls->unsent, (size_t)sent);
        byte_queue_tidy(&tls->unsent);
    }
    return 0;
}

size_t tls_unsent_bytes(const struct tls *tls)
{
    return byte_queue_length(&tls->unsent);
}

int tls_handshake(struct tls *tls, struct carrier *carrier)
{
    if (SSL_is_init_finished(tls->ssl))
        return 1;
    begin(tls, carrier);
    int code = end(tls, SSL_do_handshake(tls->ssl));
    /* Also where it failed: the alert says why. */
    int sent = tls_flush(tls, carrier);
    if (code == -EAGAIN)
        return sent;
    if (code == 0)
        return -EBADMSG;
    return code == 1 && sent ? sent : code;
}

void tls_peer_fingerprint(const struct tls *tls, char ret_text[FINGERPRINT_TEXT])
{
    fingerprint_of(SSL_get0_peer_certificate(tls->ssl), ret_text);
}

ssize_t tls_receive(struct tls *tls, struct carrier *carrier, void *buffer, size_t length)
{
    size_t got = 0;
    int code;
    do {
        size_t more = 0;
        begin(tls, carrier);
        code = end(tls, SSL_read_ex(tls->ssl, (char *)buffer + got, length - got, &more));
        got += more;
    } while (code == 1 && got < length);
    tls->drained = code == -EAGAIN;
    int sent = tls_flush(tls, carrier); /* answers of the protocol's own */
    if (got)
        return (ssize_t)got;
    return code == -EAGAIN && sent ? sent : code;
}

bool tls_waiting(const struct tls *tls)
{
    return !tls->drained && SSL_has_pending(tls->ssl);
}

/* Enciphers at most one batch into the queue: how much, or a negated errno. */
static ssize_t encipher(struct tls *tls, struct carrier *carrier, const char *bytes,
                        size_t length)
{
    size_t taken = 0;
    while (taken < length && byte_queue_length(&tls->unsent) < BATCH_BYTES) {
        size_t piece = length - taken < RECORD_BYTES ? length - taken : RECORD_BYTES;
        size_t written = 0;
        begin(tls, carrier);
        int code = end(tls, SSL_write_ex(tls->ssl, bytes + taken, piece, &written));
        if (code != 1)
            return code ? code : -EPIPE;
        taken += written;
    }
    return (ssize_t)taken;
}

ssize_t tls_send(struct tls *tls, struct carrier *carrier, const void *bytes,
                 size_t length)
{
    size_t sent = 0;
    int code = tls_flush(tls, carrier);
    while (code == 0 && sent < length && !byte_queue_length(&tls->unsent)) {
        ssize_t taken = encipher(tls, carrier, (const char *)bytes + sent, length - sent);
        if (taken < 0)
            return taken;
        sent += (size_t)taken;
        code = tls_flush(tls, carrier);
    }
    if (code)
        return code;
    return sent || !length ? (ssize_t)sent : -EAGAIN;
}

int tls_finish(struct tls *tls, struct carrier *carrier)
{
    int code = 1;
    if (SSL_is_init_finished(tls->ssl)) {
        begin(tls, carrier);
        int result = SSL_shutdown(tls->ssl);
        code = end(tls, result == 0 ? 1 : result); /* 0: the peer has not said so yet */
    }
    int sent = tls_flush(tls, carrier);
    return code < 0 && code != -EAGAIN ? code : sent;
}
