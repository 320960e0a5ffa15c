/* The hub: speaks WebSocket and SignalR as far as a client's subscription needs it, and sends on time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "update.h"
#include "wire.h"

#define EVENTS 256
#define HEADER 4 /* of a server's frame of 126 to 65535 bytes */
#define LEFT_OUT 3 /* updates, in one pause */
#define LATENESS_SLOTS 100000 /* of a microsecond */

enum state { UPGRADE, HANDSHAKE, SUBSCRIBE, OPEN };

struct connection {
    struct wire wire;
    enum state state;
    struct game game;
    uint64_t due_ns, ticks;
    struct connection *next, *previous; /* among those that are OPEN, by due_ns */
    size_t received, unsent;
    char in[8192], out[MAX_UPDATE];
};

static struct connection timeline = {.next = &timeline, .previous = &timeline, .due_ns = 0};
static uint64_t interval_ns;
static unsigned pause_every, accepted, open_now, subscribed;
static uint64_t sent, blocked, first_subscribed_ns, last_subscribed_ns;
static unsigned lateness[LATENESS_SLOTS + 1];
static int epoll;

static void watch(struct connection *connection, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll, operation, connection->wire.fd, &event)) die("epoll_ctl");
}

static void drop(struct connection *connection) {
    if (connection->state == OPEN) {
        connection->previous->next = connection->next;
        connection->next->previous = connection->previous;
        subscribed--;
    }
    open_now--;
    wire_close(&connection->wire);
    free(connection);
}

/* Sends, or keeps what the socket does not take; returns 0 if older data is still kept. */
static int transmit(struct connection *connection, const char *data, size_t length) {
    if (connection->unsent) return 0;
    ssize_t written = wire_send(&connection->wire, data, length);
    if (written < 0) {
        if (errno != EAGAIN) return 1; /* the reader will see it */
        written = 0;
    }
    connection->unsent = length - (size_t)written;
    if (connection->unsent) {
        memmove(connection->out, data + written, connection->unsent);
        watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    return 1;
}

static void flush(struct connection *connection) {
    ssize_t written = wire_send(&connection->wire, connection->out, connection->unsent);
    if (written <= 0) return;
    connection->unsent -= (size_t)written;
    memmove(connection->out, connection->out + written, connection->unsent);
    if (!connection->unsent) watch(connection, EPOLLIN, EPOLL_CTL_MOD);
}

static void send_short(struct connection *connection, int opcode, const char *payload, size_t length) {
    char frame[2 + 125] = {(char)(FINAL | opcode), (char)length};
    memcpy(frame + 2, payload, length);
    transmit(connection, frame, 2 + length);
}

/* All intervals are the same, so a connection that is due again goes to the end or near it. */
static void line_up(struct connection *connection) {
    struct connection *before = timeline.previous;
    while (before->due_ns > connection->due_ns) before = before->previous;
    connection->previous = before;
    connection->next = before->next;
    before->next->previous = connection;
    before->next = connection;
}

static void subscribe(struct connection *connection, const char *game_type) {
    uint64_t now = now_ns(CLOCK_MONOTONIC), phase_ns = (uint64_t)(connection->game.phase * (double)interval_ns);
    connection->game.type = strtol(game_type + strcspn(game_type, "0123456789"), NULL, 10);
    connection->due_ns = (now / interval_ns + 1) * interval_ns + phase_ns;
    connection->state = OPEN;
    line_up(connection);
    if (!subscribed++) first_subscribed_ns = now;
    last_subscribed_ns = now;
}

static void text(struct connection *connection, const char *payload) {
    if (connection->state == HANDSHAKE && strstr(payload, "\"protocol\"")) {
        const char answer[] = {'{', '}', RECORD_SEPARATOR};
        send_short(connection, OPCODE_TEXT, answer, sizeof answer);
        connection->state = SUBSCRIBE;
    }
    const char *wish = strstr(payload, "GameType");
    if (connection->state == SUBSCRIBE && wish) subscribe(connection, wish + strlen("GameType"));
}

/* Takes one frame off the input; returns its length, 0 for one that is not yet complete, -1 at the end. */
static long frame(struct connection *connection) {
    uint8_t *in = (uint8_t *)connection->in;
    if (connection->received < 2) return 0;
    size_t length = in[1] & 0x7F, head = 2 + 4;
    if (length == 126) length = (size_t)in[2] << 8 | in[3], head += 2;
    if (length > sizeof connection->in - 16) return -1;
    if (connection->received < head + length) return 0;
    char payload[sizeof connection->in];
    for (size_t i = 0; i < length; i++) payload[i] = (char)(in[head + i] ^ in[head - 4 + i % 4]);
    payload[length] = '\0';
    int opcode = in[0] & 0x0F;
    if (opcode == OPCODE_TEXT) text(connection, payload);
    if (opcode == OPCODE_PING && length <= 125) send_short(connection, OPCODE_PONG, payload, length);
    if (opcode == OPCODE_CLOSE) {
        send_short(connection, OPCODE_CLOSE, payload, length < 2 ? length : 2);
        return -1;
    }
    return (long)(head + length);
}

/* Returns what `frame` does. A POST is SignalR's negotiation. */
static long upgrade(struct connection *connection) {
    static const char negotiated[] =
        "{\"negotiateVersion\":1,\"connectionId\":\"load\",\"connectionToken\":\"load\","
        "\"availableTransports\":[{\"transport\":\"WebSockets\",\"transferFormats\":[\"Text\"]}]}";
    char *end = strstr(connection->in, "\r\n\r\n"), accept[ACCEPT_LENGTH + 1], answer[512];
    int length;
    if (!end) return connection->received < sizeof connection->in - 1 ? 0 : -1;
    if (strncmp(connection->in, "POST ", 5) == 0) {
        length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          sizeof negotiated - 1, negotiated);
        transmit(connection, answer, (size_t)length);
        return -1;
    }
    char *key = strcasestr(connection->in, "\r\nSec-WebSocket-Key:");
    if (!key) return -1;
    key += strlen("\r\nSec-WebSocket-Key:");
    key += strspn(key, " ");
    accept_of(key, strcspn(key, " \r"), accept);
    length = snprintf(answer, sizeof answer,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n",
                      accept);
    transmit(connection, answer, (size_t)length);
    connection->state = HANDSHAKE;
    return end + 4 - connection->in;
}

/* Takes in what one read gives; returns -1 at the end, 0 if there is nothing to read now. */
static long hear_once(struct connection *connection) {
    size_t room = sizeof connection->in - 1 - connection->received;
    ssize_t got = wire_receive(&connection->wire, connection->in + connection->received, room);
    if (got < 0 && errno == EAGAIN) return 0;
    long taken = got > 0 ? 1 : -1;
    connection->received += got > 0 ? (size_t)got : 0;
    while (taken > 0 && connection->received) {
        connection->in[connection->received] = '\0';
        taken = connection->state == UPGRADE ? upgrade(connection) : frame(connection);
        if (taken > 0) {
            connection->received -= (size_t)taken;
            memmove(connection->in, connection->in + taken, connection->received);
        }
    }
    return taken < 0 ? -1 : 1;
}

static void hear(struct connection *connection) {
    long heard;
    do heard = hear_once(connection);
    while (heard > 0 && wire_pending(&connection->wire));
    if (heard < 0) drop(connection);
}

static void send_update(struct connection *connection, uint64_t now) {
    static char message[HEADER + MAX_UPDATE];
    /* Not all pause at once, and none with its first updates. */
    uint64_t place = connection->ticks++ + (uint64_t)(connection->game.phase * pause_every);
    if (pause_every && connection->ticks > LEFT_OUT && place % pause_every < LEFT_OUT) return;
    size_t length = write_update(message + HEADER, &connection->game);
    message[0] = (char)(FINAL | OPCODE_TEXT);
    message[1] = 126;
    message[2] = (char)(length >> 8);
    message[3] = (char)length;
    if (!transmit(connection, message, HEADER + length)) {
        blocked++; /* the client is behind: the next update says it all anyway */
        return;
    }
    uint64_t late_us = (now - connection->due_ns) / 1000;
    lateness[late_us < LATENESS_SLOTS ? late_us : LATENESS_SLOTS]++;
    connection->game.sequence_id++;
    sent++;
}

static void send_due(void) {
    for (uint64_t now; timeline.next != &timeline && timeline.next->due_ns <= (now = now_ns(CLOCK_MONOTONIC));) {
        struct connection *connection = timeline.next;
        send_update(connection, now);
        timeline.next = connection->next;
        connection->next->previous = &timeline;
        connection->due_ns += interval_ns;
        line_up(connection);
    }
}

static void welcome(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) die("memory");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        connection->wire = accepted_wire(fd);
        /* Multiples of the golden section are spread evenly, however many there are. */
        connection->game.phase = fmod(accepted++ * 0.6180339887498949, 1.0);
        open_now++;
        watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* One line of JSON; the lateness is that of the sends since the last such line. */
static void report(void) {
    uint64_t total = 0, seen = 0, p50 = 0, p99 = 0, highest = 0;
    for (int us = 0; us <= LATENESS_SLOTS; us++) total += lateness[us];
    for (uint64_t us = 0; us <= LATENESS_SLOTS; us++) {
        if (!lateness[us]) continue;
        if (seen * 2 < total) p50 = us;
        if (seen * 100 < total * 99) p99 = us;
        highest = us;
        seen += lateness[us];
    }
    memset(lateness, 0, sizeof lateness);
    printf("{\"open\":%u,\"subscribed\":%u,\"sent\":%llu,\"blocked\":%llu,\"first_subscribed_ns\":%llu,"
           "\"last_subscribed_ns\":%llu,\"late_p50_us\":%llu,\"late_p99_us\":%llu,\"late_max_us\":%llu}\n",
           open_now, subscribed, (unsigned long long)sent, (unsigned long long)blocked,
           (unsigned long long)first_subscribed_ns, (unsigned long long)last_subscribed_ns,
           (unsigned long long)p50, (unsigned long long)p99, (unsigned long long)highest);
    fflush(stdout);
}

static int listen_on(unsigned port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("listening %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int serve_hub(const char *template_path, double interval_seconds, unsigned updates_between_pauses, unsigned port) {
    struct epoll_event events[EVENTS];
    read_update(template_path);
    interval_ns = (uint64_t)(interval_seconds * 1e9);
    pause_every = updates_between_pauses;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection listening = {.wire.fd = listen_on(port)}, control = {.wire.fd = STDIN_FILENO};
    watch(&listening, EPOLLIN, EPOLL_CTL_ADD);
    watch(&control, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        uint64_t until = timeline.next == &timeline ? 0 : timeline.next->due_ns;
        int count = wait_until(epoll, events, EVENTS, until);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == &listening) {
                welcome(listening.wire.fd);
            } else if (connection == &control) {
                if (!take_line()) return 0;
                report();
            } else {
                if (events[i].events & EPOLLOUT) flush(connection);
                if (events[i].events & ~(uint32_t)EPOLLOUT) hear(connection);
            }
            send_due();
        }
        send_due();
    }
}
