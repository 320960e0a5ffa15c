/* The update that the hub sends. */
#ifndef UPDATE_H
#define UPDATE_H

#include "load.h"

#define MAX_UPDATE 60000

/* A healthy game: rounds of 30 s follow one another, its timer runs down, its ids rise. */
struct game {
    long type;
    uint64_t sequence_id;
    double phase; /* from [0, 1): when its round begins, and when within the interval it is sent */
};

/* Reads the template: the specification's example as compact JSON, with "sm", our send stamp, behind "sId". */
void read_update(const char *path);

/* Writes the record, separator included, as it is now; returns its length, at most MAX_UPDATE. */
size_t write_update(char *out, const struct game *game);

#endif
