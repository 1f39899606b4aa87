#include "net/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "net/tls_context.h"

struct identity {
    struct tls_context context;
    char fingerprint[FINGERPRINT_TEXT];
    bool is_new;
};

enum { IDENTITY_BYTES = 64 << 10 };

void fingerprint_of(const X509 *certificate, char ret_text[FINGERPRINT_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    ret_text[0] = '\0';
    if (!certificate || !X509_digest(certificate, EVP_sha256(), digest, &length))
        return;
    for (unsigned i = 0; i < length; i++)
        sprintf(ret_text + (size_t)3 * i, "%02X%s", digest[i], i + 1 < length ? ":" : "");
}

const struct tls_context *identity_context(const struct identity *identity)
{
    return &identity->context;
}

bool identity_is_new(const struct identity *identity)
{
    return identity->is_new;
}

const char *identity_fingerprint(const struct identity *identity)
{
    return identity->fingerprint;
}

/* --- Making one --- */

/* Clients compare fingerprints, not names and dates: these are for those who look at it.
 * */
static int describe(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    unsigned char serial[16];
    if (RAND_bytes(serial, sizeof serial) != 1)
        return 0;
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    int made =
        number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) &&
        X509_set_version(certificate, X509_VERSION_3) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   (const unsigned char *)"woshou", -1, -1, 0) &&
        X509_set_issuer_name(certificate, name) &&
        ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20200101000000Z") &&
        ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") &&
        X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256());
    BN_free(number);
    return made;
}

/* A new key and its certificate as PEM in `memory`. */
static int make_pem(BIO *memory)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int made = key && certificate && describe(certificate, key) &&
               PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) &&
               PEM_write_bio_X509(memory, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return made;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        length -= (size_t)written;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A new name is only there after a power failure once its directory is synced. */
static void sync_directory(const char *path)
{
    char directory[4096] = ".";
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof directory)
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path + 1), path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Whole under its name or not at all; where another made one meanwhile, his is the one.
 * */
static int write_file(const char *path, const char *bytes, size_t length)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid()) >=
        (int)sizeof temporary)
        return -ENAMETOOLONG;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int code = write_all(fd, bytes, length);
    close(fd);
    if (code == 0 && link(temporary, path) < 0 && errno != EEXIST)
        code = -errno;
    unlink(temporary);
    sync_directory(path);
    return code;
}

static int make_file(const char *path, struct error *err)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    if (!memory || !make_pem(memory)) {
        BIO_free(memory);
        return error_set(err, ERROR_SYSTEM, "cannot make a key and a certificate");
    }
    long length = BIO_get_mem_data(memory, &bytes);
    int code = write_file(path, bytes, (size_t)length);
    OPENSSL_cleanse(bytes, (size_t)length);
    BIO_free(memory);
    return code ? error_set_system(err, -code, "%s", path) : 0;
}

/* --- Reading one --- */

/* The whole file, of which others must know nothing, into `bytes`. */
static int read_file(const char *path, char *bytes, size_t *ret_length, struct error *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "%s", path);
    ssize_t length = fstat(fd, &status) < 0 ? -1 : read(fd, bytes, IDENTITY_BYTES);
    int system = errno;
    close(fd);
    if (length < 0)
        return error_set_system(err, system, "%s", path);
    if (status.st_mode & 077)
        return error_set(err, ERROR_PERMISSION,
                         "others can read the server's key: chmod 600 %s", path);
    *ret_length = (size_t)length;
    return 0;
}

static bool take_pem(struct identity *identity, const char *bytes, size_t length)
{
    SSL_CTX *ssl = identity->context.ssl;
    BIO *memory = BIO_new_mem_buf(bytes, (int)length);
    EVP_PKEY *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    if (memory)
        BIO_seek(memory, 0);
    X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
    bool taken =
        key && certificate && SSL_CTX_use_certificate(ssl, certificate) == 1 &&
        SSL_CTX_use_PrivateKey(ssl, key) == 1; /* which must fit the certificate */
    if (taken)
        fingerprint_of(certificate, identity->fingerprint);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(memory);
    ERR_clear_error();
    return taken;
}

static int load(struct identity *identity, const char *path, struct error *err)
{
    char *bytes = malloc(IDENTITY_BYTES);
    size_t length = 0;
    if (!bytes)
        return error_set(err, ERROR_MEMORY, "no memory");
    int code = read_file(path, bytes, &length, err);
    if (code == 0 && !take_pem(identity, bytes, length))
        code = error_set(err, ERROR_CORRUPT,
                         "%s holds no key and certificate that belong together; move it "
                         "away, and a new one is made, which clients must pin anew",
                         path);
    OPENSSL_cleanse(bytes, IDENTITY_BYTES);
    free(bytes);
    return code;
}

int identity_open(const char *path, struct identity **ret_identity, struct error *err)
{
    struct identity *identity = calloc(1, sizeof *identity);
    if (!identity || tls_context_init(&identity->context, TLS_server_method())) {
        free(identity);
        return error_set(err, ERROR_MEMORY, "no memory");
    }
    int code = 0;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        code = make_file(path, err);
        identity->is_new = code == 0;
    }
    if (code == 0)
        code = load(identity, path, err);
    if (code) {
        identity_close(&identity);
        return code;
    }
    *ret_identity = identity;
    return 0;
}

void identity_close(struct identity **identity)
{
    if (!*identity)
        return;
    tls_context_done(&(*identity)->context);
    free(*identity);
    *identity = NULL;
}
