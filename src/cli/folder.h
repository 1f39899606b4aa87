/* Folders that results are written into. */
#ifndef WOSHOU_CLI_FOLDER_H
#define WOSHOU_CLI_FOLDER_H

#include <stddef.h>

struct error;

/* Makes it where it is missing. */
int folder_make(const char *folder, struct error *err);
/* "FOLDER/NAME" into `ret_path`; ERROR_LIMIT where it is too long. */
int folder_join(const char *folder, const char *name, char *ret_path, size_t size,
                struct error *err);

#endif
