/* Plain sockets, and OpenSSL over them. */
#include "wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static SSL_CTX *server, *client;

static SSL_CTX *context(const SSL_METHOD *method) {
    SSL_CTX *made = SSL_CTX_new(method);
    if (!made) die("OpenSSL");
    /* What could not be sent is moved to the front of a buffer and sent from there. */
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    return made;
}

void serve_tls(const char *certificate_path, const char *key_path) {
    server = context(TLS_server_method());
    errno = 0;
    if (SSL_CTX_use_certificate_chain_file(server, certificate_path) != 1) die(certificate_path);
    if (SSL_CTX_use_PrivateKey_file(server, key_path, SSL_FILETYPE_PEM) != 1) die(key_path);
}

void trust_tls(const char *authority_path) {
    client = context(TLS_client_method());
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    errno = 0;
    if (SSL_CTX_load_verify_locations(client, authority_path, NULL) != 1) die(authority_path);
}

static struct wire over(SSL_CTX *tls, int fd) {
    struct wire wire = {.fd = fd, .tls = tls ? SSL_new(tls) : NULL};
    if (tls && (!wire.tls || SSL_set_fd(wire.tls, fd) != 1)) die("OpenSSL");
    return wire;
}

struct wire accepted_wire(int fd) {
    struct wire wire = over(server, fd);
    if (wire.tls) SSL_set_accept_state(wire.tls);
    return wire;
}

struct wire connected_wire(int fd, const char *address) {
    struct wire wire = over(client, fd);
    if (!wire.tls) return wire;
    errno = 0;
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire.tls), address) != 1) die(address);
    if (SSL_connect(wire.tls) != 1) die(X509_verify_cert_error_string(SSL_get_verify_result(wire.tls)));
    return wire;
}

/* What OpenSSL says about a call that has moved no bytes, in the words of `recv`; it looks at a queue of errors that
 * all connections share, so that queue was cleared before the call. */
static ssize_t unmoved(struct wire *wire, int result) {
    int error = SSL_get_error(wire->tls, result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
    return -1;
}

ssize_t wire_send(struct wire *wire, const void *data, size_t length) {
    if (!wire->tls) return send(wire->fd, data, length, 0);
    ERR_clear_error();
    int sent = SSL_write(wire->tls, data, (int)length);
    return sent > 0 ? sent : unmoved(wire, sent);
}

ssize_t wire_receive(struct wire *wire, void *data, size_t length) {
    if (!wire->tls) return recv(wire->fd, data, length, 0);
    ERR_clear_error();
    int got = SSL_read(wire->tls, data, (int)length);
    return got > 0 ? got : unmoved(wire, got);
}

int wire_pending(const struct wire *wire) { return wire->tls && SSL_pending(wire->tls) > 0; }

void wire_close(struct wire *wire) {
    if (wire->tls) SSL_shutdown(wire->tls);
    SSL_free(wire->tls);
    close(wire->fd);
}
