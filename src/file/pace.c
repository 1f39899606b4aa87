#include "file/pace.h"

#include "base/clock.h"

/* What was measured so long ago counts half. */
static const double half_s = 3;
static const int64_t least_ns =
    100 * NS_PER_MS; /* between two looks, to be worth anything */
static const int64_t most_left_ns = INT64_C(100) * 24 * 3600 * NS_PER_S;

void pace_begin(struct pace *pace, int64_t now_ns, uint64_t bytes)
{
    *pace = (struct pace){.last_ns = now_ns, .last_bytes = bytes};
}

void pace_note(struct pace *pace, int64_t now_ns, uint64_t bytes)
{
    int64_t passed_ns = now_ns - pace->last_ns;
    if (passed_ns < least_ns)
        return;
    double passed_s = (double)passed_ns / NS_PER_S;
    double rate = (double)(bytes - pace->last_bytes) / passed_s;
    /* passed / (passed + half) is a half after `half_s`, and needs no exponential. */
    double share = passed_s / (passed_s + half_s);
    pace->rate = pace->rate > 0 ? pace->rate + share * (rate - pace->rate) : rate;
    pace->last_ns = now_ns;
    pace->last_bytes = bytes;
}

int64_t pace_left_ns(const struct pace *pace, uint64_t bytes)
{
    if (pace->rate < 1)
        return bytes == 0 ? 0 : -1;
    double left_ns = (double)bytes / pace->rate * NS_PER_S;
    return left_ns < (double)most_left_ns ? (int64_t)left_ns : -1;
}
