/* A socket that speaks plainly or over TLS; what does not block is told by errno, as by the system's own calls. */
#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>

struct ssl_st;

struct wire {
    int fd;
    struct ssl_st *tls; /* none where it speaks plainly */
};

/* All wires accepted from now on are TLS, with this chain and key (PEM). */
void serve_tls(const char *certificate_path, const char *key_path);

/* All wires connected from now on are TLS, and trust these authorities (PEM). */
void trust_tls(const char *authority_path);

/* Over a socket that somebody has connected to; the handshake is done while reading. */
struct wire accepted_wire(int fd);

/* Over a socket that is connected to this address and still waits while it reads; shakes hands. */
struct wire connected_wire(int fd, const char *address);

/* Like `send` and `recv`: -1 with EAGAIN for what would have to wait, 0 received or another errno for the end. */
ssize_t wire_send(struct wire *wire, const void *data, size_t length);
ssize_t wire_receive(struct wire *wire, void *data, size_t length);

/* Whether bytes have been read off the socket that no `wire_receive` has returned yet. */
int wire_pending(const struct wire *wire);

void wire_close(struct wire *wire);

#endif
