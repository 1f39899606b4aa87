/* How far a long file is read, told on standard error: over and over on one line of a
 * terminal, or line by line elsewhere where that is asked for. */
#ifndef WOSHOU_CLI_SCOPE_PROGRESS_H
#define WOSHOU_CLI_SCOPE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/scope.h"

struct scope_progress_line {
    int64_t began_ns, shown_ns;
    bool shows, in_lines;
};

void scope_progress_begin(struct scope_progress_line *progress,
                          const struct scope *scope);
/* `size` is the file's, 0: not known; `position` of it was read. Prints now and then. */
void scope_progress_show(struct scope_progress_line *progress, uint64_t packets,
                         uint64_t position, uint64_t size);
/* Takes the line away; in lines, tells what it came to. */
void scope_progress_end(struct scope_progress_line *progress, uint64_t packets,
                        uint64_t position);

#endif
