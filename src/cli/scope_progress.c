#include "cli/scope_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "cli/language.h"
#include "draw/fill.h"
#include "draw/words.h"
#include "scope/quantity.h"

/* Between two lines, and before the first, so that short work shows none. */
static const int64_t every_ns = NS_PER_S / 2;

void scope_progress_begin(struct scope_progress_line *progress, const struct scope *scope)
{
    bool terminal = isatty(STDERR_FILENO);
    progress->began_ns = progress->shown_ns = clock_monotonic_ns();
    progress->shows = scope->progress == PROGRESS_ALWAYS ||
                      (scope->progress == PROGRESS_ON_TERMINAL && terminal);
    progress->in_lines = !terminal;
}

static void tell(const struct scope_progress_line *progress, const char *phrase,
                 uint64_t packets, uint64_t position, uint64_t size, int64_t now_ns)
{
    char count[24], rate[24], at[QUANTITY_TEXT], whole[QUANTITY_TEXT],
        left[QUANTITY_TEXT], time[QUANTITY_TEXT], percent[8];
    int64_t taken_ns = now_ns > progress->began_ns ? now_ns - progress->began_ns : 1;
    double share = size ? (double)position / (double)size : 0;
    struct buffer line;

    snprintf(count, sizeof count, "%" PRIu64, packets);
    snprintf(rate, sizeof rate, "%.0f", (double)packets * NS_PER_S / (double)taken_ns);
    snprintf(percent, sizeof percent, "%.0f", 100 * share);
    at[quantity_bytes(at, position)] = '\0';
    whole[quantity_bytes(whole, size)] = '\0';
    time[quantity_duration(time, taken_ns, true)] = '\0';
    int64_t left_ns = share > 0 ? (int64_t)((double)taken_ns * (1 / share - 1)) : 0;
    left[quantity_duration(left, left_ns, true)] = '\0';
    buffer_init(&line, 0);
    fill_append(&line, language_say(phrase),
                (const struct fill[]){{"percent", percent},
                                      {"at", at},
                                      {"size", whole},
                                      {"packets", count},
                                      {"rate", rate},
                                      {"time", time},
                                      {"left", left}},
                7);
    fprintf(stderr, progress->in_lines ? "%s\n" : "\r\033[K%s", buffer_text(&line));
    fflush(stderr);
    buffer_done(&line);
}

void scope_progress_show(struct scope_progress_line *progress, uint64_t packets,
                         uint64_t position, uint64_t size)
{
    if (!progress->shows)
        return;
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns - progress->shown_ns < every_ns)
        return;
    progress->shown_ns = now_ns;
    tell(progress,
         size ? N_("{percent} % ({at} of {size}), {packets} packets, {rate} packets/s, "
                   "{left} left")
              : N_("{at}, {packets} packets, {rate} packets/s"),
         packets, position, size, now_ns);
}

void scope_progress_end(struct scope_progress_line *progress, uint64_t packets,
                        uint64_t position)
{
    if (progress->shows && progress->in_lines)
        tell(progress, N_("read {at}, {packets} packets in {time}, {rate} packets/s"),
             packets, position, 0, clock_monotonic_ns());
    else if (progress->shown_ns > progress->began_ns)
        fputs("\r\033[K", stderr);
}
