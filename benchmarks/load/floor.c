/* The floor: as many subscribed connections as wished, whose updates are read and counted, nothing more. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "wire.h"

#define EVENTS 256
#define READ_BYTES 65536

struct reader {
    struct wire wire;
    size_t left; /* of the payload of the present frame */
    uint8_t head[4];
    size_t head_length;
};

static unsigned long long received;
static unsigned open_now;

/* A client's frame, masked with zeros: allowed, and no work. */
static void send_text(struct wire *wire, const char *text) {
    char frame[256] = {(char)(FINAL | OPCODE_TEXT)};
    size_t length = strlen(text), head = length < 126 ? 2 : 4;
    frame[1] = (char)(MASKED | (length < 126 ? length : 126));
    frame[2] = (char)(length >> 8);
    frame[3] = (char)length;
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, text, length);
    if (wire_send(wire, frame, head + 4 + length) < 0) die("send");
}

static void subscribe(struct reader *reader, unsigned port, unsigned number) {
    static const char request[] = "GET /hubs?access_token=none HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char subscription[200];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    reader->wire = connected_wire(fd, "127.0.0.1");
    if (wire_send(&reader->wire, request, sizeof request - 1) < 0) die("send");
    /* The answer's head byte by byte, so that no frame behind it is lost. */
    char last[4] = {0};
    while (memcmp(last, "\r\n\r\n", 4)) {
        memmove(last, last + 1, 3);
        if (wire_receive(&reader->wire, last + 3, 1) != 1) die("upgrade");
    }
    send_text(&reader->wire, "{\"protocol\":\"json\",\"version\":1}\x1e");
    snprintf(subscription, sizeof subscription,
             "{\"arguments\":[\"SubOnWholeGamesInfo\",\"{\\\"GameType\\\":%u,\\\"PartnerClientId\\\":1,"
             "\\\"Count\\\":1}\"],\"target\":\"Subscribe\",\"type\":1}\x1e",
             number + 1);
    send_text(&reader->wire, subscription);
    /* What comes in several pieces must not hold up the others. */
    if (fcntl(fd, F_SETFL, O_NONBLOCK)) die("fcntl");
    open_now++;
}

/* Frames of 126 bytes and more are updates; the hub sends no other of that size, and none above 64 KiB. */
static void count(struct reader *reader, const uint8_t *data, size_t length) {
    for (size_t at = 0; at < length;) {
        if (reader->left) {
            size_t step = reader->left < length - at ? reader->left : length - at;
            reader->left -= step;
            at += step;
            if (!reader->left && reader->head[1] == 126) received++;
            if (!reader->left) reader->head_length = 0;
            continue;
        }
        reader->head[reader->head_length++] = data[at++];
        if (reader->head_length == 2 && reader->head[1] < 126) reader->left = reader->head[1];
        if (reader->head_length == 4) reader->left = (size_t)reader->head[2] << 8 | reader->head[3];
    }
}

int run_floor(unsigned port, unsigned connections) {
    struct reader *readers = calloc(connections, sizeof *readers), control = {.wire.fd = STDIN_FILENO};
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = &control};
    static uint8_t data[READ_BYTES];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!readers) die("memory");
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (unsigned i = 0; i < connections; i++) {
        subscribe(&readers[i], port, i);
        event.data.ptr = &readers[i];
        epoll_ctl(epoll, EPOLL_CTL_ADD, readers[i].wire.fd, &event);
    }
    for (;;) {
        int ready = wait_until(epoll, events, EVENTS, 0);
        for (int i = 0; i < ready; i++) {
            struct reader *reader = events[i].data.ptr;
            if (reader == &control) {
                if (!take_line()) return 0;
                printf("{\"open\":%u,\"received\":%llu}\n", open_now, received);
                fflush(stdout);
                continue;
            }
            ssize_t got = wire_receive(&reader->wire, data, sizeof data);
            if (got > 0) {
                count(reader, data, (size_t)got);
            } else if (got == 0 || errno != EAGAIN) {
                wire_close(&reader->wire);
                open_now--;
            }
        }
    }
}
