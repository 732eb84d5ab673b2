#pragma once

#include <signal.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Swift imports neither variadic functions nor macros with parameters. These wrappers give some of them a type.

// MARK: Keys and certificates for the development cluster and for tests

static inline EVP_PKEY *copenssl_generate_ec(const char *curve) {
    return EVP_EC_gen(curve);
}

static inline EVP_PKEY *copenssl_generate_rsa(unsigned int bits) {
    return EVP_RSA_gen(bits);
}

static inline long copenssl_memory(BIO *bio, char **data) {
    return BIO_get_mem_data(bio, data);
}

static inline X509_EXTENSION *copenssl_extension(X509 *issuer, X509 *subject, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
    return X509V3_EXT_conf_nid(NULL, &context, nid, value);
}

// MARK: TLS of channels

/// TLS 1.2 or newer, no renegotiation, and no buffers for records while there are none.
static inline int copenssl_configure(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

/// Sends the server's name in the handshake (RFC 6066, 3).
static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

/// Tells libssl that a read returned nothing because nothing has arrived.
static inline void copenssl_set_retry_read(BIO *bio) {
    BIO_set_retry_read(bio);
}

static inline void copenssl_clear_retry(BIO *bio) {
    BIO_clear_retry_flags(bio);
}

static inline int copenssl_reason(unsigned long code) {
    return ERR_GET_REASON(code);
}

/// Selects "http/1.1" if the client offers it, otherwise no protocol.
static inline int copenssl_http1_selected(
    SSL *session, const unsigned char **out, unsigned char *count, const unsigned char *in, unsigned int in_count, void *unused
) {
    static const unsigned char supported[] = "\x08http/1.1";
    unsigned char *selected = NULL;
    int result = SSL_select_next_proto(&selected, count, supported, sizeof supported - 1, in, in_count);
    *out = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static inline void copenssl_select_http1(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, copenssl_http1_selected, NULL);
}

// MARK: Certificates that servers present

/// The certificate that a server presents for a name; NULL if none is received in time. It is not verified. Blocks.
///
/// Sets SIGPIPE to be ignored in the whole process, because libcrypto writes to sockets that the peer may have closed.
static inline X509 *copenssl_presented_certificate(const char *endpoint, const char *host, int seconds) {
    signal(SIGPIPE, SIG_IGN);
    X509 *certificate = NULL;
    SSL *session = NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    BIO *connection = context ? BIO_new_ssl_connect(context) : NULL;
    if (connection && BIO_get_ssl(connection, &session) > 0 && session && BIO_set_conn_hostname(connection, endpoint) > 0
        && SSL_set_tlsext_host_name(session, host) == 1 && BIO_do_connect_retry(connection, seconds, 20) == 1) {
        certificate = SSL_get1_peer_certificate(session);
    }
    BIO_free_all(connection);
    SSL_CTX_free(context);
    return certificate;
}
