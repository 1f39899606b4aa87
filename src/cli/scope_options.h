/* What woshou scope is asked for. */
#ifndef WOSHOU_CLI_SCOPE_OPTIONS_H
#define WOSHOU_CLI_SCOPE_OPTIONS_H

#include "cli/scope.h"

struct buffer;

/* Reads them into `ret_scope`, which borrows from `argv` and `filter`; its `where` is the
 * caller's to free, whatever comes back. 0 to go on; -1 when all is said (--help); or an
 * exit status. */
int scope_options_read(int argc, char **argv, struct scope *ret_scope,
                       struct buffer *filter);

#endif
