/* scope --annotate: the capture once more, with findings as comments on its packets. */
#ifndef WOSHOU_CLI_SCOPE_ANNOTATE_H
#define WOSHOU_CLI_SCOPE_ANNOTATE_H

#include "cli/scope.h"

struct annotate;
struct comments;
struct error;

/* Reads the capture a second time, after the first has made the comments, and writes it.
 * Where it is damaged, what comes before the damage is written, as the first reading has
 * told. 0, or a negative code: then there is no file. */
int scope_annotate(const struct scope *scope, struct annotate *annotate,
                   struct comments *comments, wo_event *stop, struct error *err);

#endif
