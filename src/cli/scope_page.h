/* scope --html: a page of the capture, of two readings: the first sums up, lists and
 * chooses what is worth a ladder, the second keeps the events of what was chosen. */
#ifndef WOSHOU_CLI_SCOPE_PAGE_H
#define WOSHOU_CLI_SCOPE_PAGE_H

#include "cli/scope.h"

/* Makes it, and complains where it fails; a file that ends in the middle still makes a page
 * of what was read. An exit status. */
int scope_page(const struct scope *scope, wo_event *stop);

#endif
