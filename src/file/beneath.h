/* Opening one name in one folder, and nothing else: no link is followed, and no way leads out. */
#ifndef WOSHOU_FILE_BENEATH_H
#define WOSHOU_FILE_BENEATH_H

#include <sys/types.h>

/* Opens (or makes, with O_CREAT) `name` in the folder at `folder`; the name holds no separator, or is
 * ".". The descriptor, closed on exec, or a negated errno: -ELOOP where the name is a link. */
int beneath_open(int folder, const char *name, int flags, mode_t mode);

/* Makes the folder `name` where there is none yet, and opens it for reading. */
int beneath_folder(int folder, const char *name, mode_t mode);

/* Removes `name` in `folder`, with all that is in it if it is a folder; links are removed, not
 * followed. 0, also where there is none, or a negated errno. */
int beneath_remove(int folder, const char *name);

#endif
