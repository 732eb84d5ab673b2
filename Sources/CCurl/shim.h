#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

// Swift cannot call variadic functions. Each wrapper fixes the type of the variadic argument. The parentheses around the
// function names prevent the expansion of libcurl's type-checking macros, which require constant options.

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>

struct ssl_st;
/// A function of OpenSSL. It is declared here so that this module does not include OpenSSL's headers, which belong to another
/// module.
void SSL_get0_alpn_selected(const struct ssl_st *ssl, const unsigned char **name, unsigned int *length);

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return (curl_easy_setopt)(handle, option, value);
}

static inline CURLcode ccurl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(handle, option, value);
}

/// Copies the bytes, so that they need not outlive the call.
static inline CURLcode ccurl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t length) {
    struct curl_blob blob = {(void *)bytes, length, CURL_BLOB_COPY};
    return (curl_easy_setopt)(handle, option, &blob);
}

/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION, whose callbacks have the same type.
static inline CURLcode ccurl_set_write_callback(CURL *handle, CURLoption option, curl_write_callback callback) {
    return (curl_easy_setopt)(handle, option, callback);
}

static inline CURLcode ccurl_set_prereq_callback(CURL *handle, curl_prereq_callback callback) {
    return (curl_easy_setopt)(handle, CURLOPT_PREREQFUNCTION, callback);
}

/// `callback` gets every new socket, before it is connected.
static inline CURLcode ccurl_set_socket_callback(CURL *handle, curl_sockopt_callback callback) {
    return (curl_easy_setopt)(handle, CURLOPT_SOCKOPTFUNCTION, callback);
}

/// Makes the kernel give a connection up when data that was sent stays unacknowledged for so long.
static inline void ccurl_limit_unacknowledged_time(curl_socket_t socket, unsigned int milliseconds) {
#ifdef TCP_USER_TIMEOUT
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
#else
    (void)socket;
    (void)milliseconds;
#endif
}

static inline CURLcode ccurl_get_long(CURL *handle, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(handle, info, value);
}

static inline CURLcode ccurl_get_pointer(CURL *handle, CURLINFO info, void **value) {
    return (curl_easy_getinfo)(handle, info, value);
}

/// Whether the handle's connection uses HTTP/2, as negotiated in the TLS handshake (ALPN, RFC 7301). False if that is not
/// known: without TLS, and with another TLS library than OpenSSL.
static inline bool ccurl_speaks_http2(CURL *handle) {
    struct curl_tlssessioninfo *session = NULL;
    if ((curl_easy_getinfo)(handle, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL) return false;
    if (session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL) return false;
    const unsigned char *name = NULL;
    unsigned int length = 0;
    SSL_get0_alpn_selected((const struct ssl_st *)session->internals, &name, &length);
    return length == 2 && name[0] == 'h' && name[1] == '2';
}

/// Creates a connection cache that handles can share.
static inline CURLSH *ccurl_connections_init(void) {
    CURLSH *share = curl_share_init();
    if (share == NULL) return NULL;
    if ((curl_share_setopt)(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK) return share;
    (void)curl_share_cleanup(share);
    return NULL;
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

/// A finished transfer: a `CURLMsg` without its union.
struct ccurl_finished_transfer {
    CURL *handle;
    CURLcode result;
};

/// Takes the next finished transfer from `multi`; false if there is none.
static inline bool ccurl_multi_take_finished(CURLM *multi, struct ccurl_finished_transfer *finished) {
    int remaining = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &remaining)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            finished->handle = message->easy_handle;
            finished->result = message->data.result;
            return true;
        }
    }
    return false;
}

#endif
