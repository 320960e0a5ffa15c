/* load: a hub that is never the bottleneck, and the client that does the least.
 *
 *   load hub --template FILE [--port N] [--interval SECONDS] [--pause-every UPDATES] [--certificate FILE --key FILE]
 *   load floor --port N --connections N [--authority FILE]
 *
 * With certificates they speak TLS. The hub prints "listening PORT". Both answer each line on stdin with one line of
 * JSON, and end with stdin. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "wire.h"

uint64_t now_ns(int clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void die(const char *what) {
    fprintf(stderr, errno ? "load: %s: %s\n" : "load: %s\n", what, strerror(errno));
    exit(1);
}

int wait_until(int epoll, struct epoll_event *events, int size, uint64_t until_ns) {
    uint64_t now = until_ns ? now_ns(CLOCK_MONOTONIC) : 0, left = until_ns > now ? until_ns - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    int count = epoll_pwait2(epoll, events, size, until_ns ? &timeout : NULL, NULL);
    if (count < 0 && errno != EINTR) die("epoll_pwait2");
    return count < 0 ? 0 : count;
}

int take_line(void) {
    char line[256];
    return read(STDIN_FILENO, line, sizeof line) > 0;
}

static double number(const char *text, double lowest, double highest) {
    char *end;
    double value = strtod(text, &end);
    errno = 0;
    if (*text == '\0' || *end != '\0' || !(value >= lowest && value <= highest)) die("a number is out of its range");
    return value;
}

int main(int count, char **arguments) {
    static const struct option options[] = {{"template", required_argument, NULL, 't'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"interval", required_argument, NULL, 'i'},
                                            {"pause-every", required_argument, NULL, 'e'},
                                            {"connections", required_argument, NULL, 'n'},
                                            {"certificate", required_argument, NULL, 'c'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"authority", required_argument, NULL, 'a'},
                                            {0}};
    const char *template_path = NULL, *certificate = NULL, *key = NULL, *authority = NULL;
    double interval_seconds = 0.5;
    unsigned port = 0, pause_every = 0, connections = 1;
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        if (option == 't')
            template_path = optarg;
        else if (option == 'p')
            port = (unsigned)number(optarg, 0, 65535);
        else if (option == 'i')
            interval_seconds = number(optarg, 0.001, 3600);
        else if (option == 'e')
            pause_every = (unsigned)number(optarg, 0, 1e6);
        else if (option == 'n')
            connections = (unsigned)number(optarg, 1, 100000);
        else if (option == 'c')
            certificate = optarg;
        else if (option == 'k')
            key = optarg;
        else if (option == 'a')
            authority = optarg;
        else
            return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1); /* otherwise every send is up to 50 us late */
    if (certificate && key) serve_tls(certificate, key);
    if (authority) trust_tls(authority);
    const char *mode = optind < count ? arguments[optind] : "";
    if (strcmp(mode, "hub") == 0 && template_path) return serve_hub(template_path, interval_seconds, pause_every, port);
    if (strcmp(mode, "floor") == 0 && port) return run_floor(port, connections);
    fprintf(stderr, "usage: load hub --template FILE [--port N] [--interval SECONDS] [--pause-every UPDATES]"
                    " [--certificate FILE --key FILE]\n"
                    "       load floor --port N --connections N [--authority FILE]\n");
    return 2;
}
