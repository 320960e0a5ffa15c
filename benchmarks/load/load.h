/* Shared by the hub and the floor: WebSocket's handshake, time, and how to end. */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

#define ACCEPT_LENGTH 28
#define RECORD_SEPARATOR '\x1e'

enum { OPCODE_TEXT = 0x1, OPCODE_CLOSE = 0x8, OPCODE_PING = 0x9, OPCODE_PONG = 0xA, FINAL = 0x80, MASKED = 0x80 };

/* Writes the Sec-WebSocket-Accept of a key (RFC 6455, 4.2.2), terminated, into `accept`. */
void accept_of(const char *key, size_t length, char accept[ACCEPT_LENGTH + 1]);

/* Nanoseconds of a clock. */
uint64_t now_ns(int clock);

/* One line on stderr, with errno's words if it is set, and exit code 1. */
_Noreturn void die(const char *what);

/* Waits for events until `until_ns` of CLOCK_MONOTONIC, 0 meaning forever. */
struct epoll_event;
int wait_until(int epoll, struct epoll_event *events, int size, uint64_t until_ns);

/* A line of stdin was read: 1; nothing more will come: 0. What a line says does not matter. */
int take_line(void);

int serve_hub(const char *template_path, double interval_seconds, unsigned pause_every, unsigned port);
int run_floor(unsigned port, unsigned connections);

#endif
