/* One update: the specification's example with the values that move. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "update.h"

#define SECOND_NS 1000000000u
#define ROUND_SECONDS 30u

/* The keys whose first occurrence in the example is the one meant, in the order in which they stand there. */
enum field { ID, TYPE, STARTS, FINISHES, LAST_ROUND_ID, SENT, BETTING_TIMER, SEQUENCE_ID, SEND_STAMP, FIELDS };
static const char *const KEYS[FIELDS] = {"\"i\":",  "\"t\":",  "\"sdt\":", "\"fdt\":", "\"lrId\":",
                                         "\"tst\":", "\"bt\":", "\"sId\":", "\"sm\":"};

/* The text before each value, and the text after the last one. */
static char *pieces[FIELDS + 1];
static size_t lengths[FIELDS + 1];

void read_update(const char *path) {
    static char text[MAX_UPDATE];
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    size_t length = fread(text, 1, sizeof text - 512, file); /* the values need some room */
    fclose(file);
    while (length && text[length - 1] == '\n') length--;
    text[length++] = RECORD_SEPARATOR;
    text[length] = '\0';
    char *at = text;
    for (int field = 0; field < FIELDS; field++) {
        char *key = strstr(at, KEYS[field]);
        errno = 0;
        if (!key) die("a key of the update is missing, or stands elsewhere than in the example");
        pieces[field] = at;
        lengths[field] = (size_t)(key - at) + strlen(KEYS[field]);
        at += lengths[field];
        at += *at == '"' ? strcspn(at + 1, "\"") + 2 : strcspn(at, ",}");
    }
    pieces[FIELDS] = at;
    lengths[FIELDS] = (size_t)(text + length - at);
}

/* ISO 8601 with as many digits of the second as .NET writes: 3 for a planned time, 7 for a time of sending. */
static int date(char *out, uint64_t wall_ns, int digits) {
    static time_t known = -1;
    static char text[24];
    time_t second = (time_t)(wall_ns / SECOND_NS);
    if (second != known) {
        struct tm tm;
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
        known = second;
    }
    unsigned fraction = (unsigned)(wall_ns % SECOND_NS);
    return digits == 7 ? sprintf(out, "\"%s.%07uZ\"", text, fraction / 100)
                       : sprintf(out, "\"%s.%03uZ\"", text, fraction / 1000000);
}

static int value(char *out, int field, const struct game *game, uint64_t wall, uint64_t round, uint64_t begun) {
    switch (field) {
    case ID: return sprintf(out, "%llu", 30000000000ull + round);
    case LAST_ROUND_ID: return sprintf(out, "%llu", 30000000000ull + round - 1);
    case TYPE: return sprintf(out, "%ld", game->type);
    case STARTS: return date(out, begun, 3);
    case FINISHES: return date(out, begun + (uint64_t)ROUND_SECONDS * SECOND_NS, 3);
    case SENT: return date(out, wall, 7);
    case BETTING_TIMER: return sprintf(out, "%.2f", ROUND_SECONDS - (double)(wall - begun) / SECOND_NS);
    case SEQUENCE_ID: return sprintf(out, "%llu", (unsigned long long)game->sequence_id);
    default: return sprintf(out, "%llu", (unsigned long long)now_ns(CLOCK_MONOTONIC));
    }
}

size_t write_update(char *out, const struct game *game) {
    const uint64_t length = (uint64_t)ROUND_SECONDS * SECOND_NS;
    uint64_t wall = now_ns(CLOCK_REALTIME), offset = (uint64_t)(game->phase * (double)length);
    uint64_t round = (wall - offset) / length, begun = round * length + offset;
    char *at = out;
    for (int field = 0; field <= FIELDS; field++) {
        memcpy(at, pieces[field], lengths[field]);
        at += lengths[field];
        if (field < FIELDS) at += value(at, field, game, wall, round, begun);
    }
    return (size_t)(at - out);
}
