/* One connection's picture: a ladder as text, as SVG, or a Mermaid diagram. */
#ifndef WOSHOU_CLI_SCOPE_PICTURE_H
#define WOSHOU_CLI_SCOPE_PICTURE_H

#include "cli/scope.h"

struct buffer;
struct story;

/* Appends it, of the kind that `scope` says. 0, or a negative code. */
int scope_picture(const struct scope *scope, const struct story *story,
                  struct buffer *out);

#endif
