/* Pace: how fast something goes, and when it will be done, from how far it was at which time. Pure. */
#ifndef WOSHOU_FILE_PACE_H
#define WOSHOU_FILE_PACE_H

#include <stdint.h>

struct pace {
    int64_t last_ns;
    uint64_t last_bytes;
    double
        rate; /* bytes a second, of the last seconds more than of those before; 0: not known yet */
};

void pace_begin(struct pace *pace, int64_t now_ns, uint64_t bytes);
/* It is at `bytes` now, which never become fewer. */
void pace_note(struct pace *pace, int64_t now_ns, uint64_t bytes);
/* For `bytes` more, in nanoseconds; -1: cannot be told. */
int64_t pace_left_ns(const struct pace *pace, uint64_t bytes);

#endif
