#include "event/backend.h"

#include <stdlib.h>
#include <string.h>

const struct backend *const backends[] = {&backend_epoll, NULL};

static const struct backend *named(const char *name)
{
    for (size_t i = 0; name && backends[i]; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

/* A backend that cannot be had (an old kernel, a seccomp profile) is no reason to fail:
 * the next best is tried, and only the last one's error is the caller's. */
int engine_open(struct engine **ret_engine)
{
    const struct backend *wanted = named(secure_getenv("WOSHOU_EVENT_BACKEND"));
    int code = -1;

    if (wanted && wanted->open(ret_engine) == 0)
        return 0;
    for (size_t i = 0; backends[i]; i++) {
        code = backends[i]->open(ret_engine);
        if (code == 0)
            return 0;
    }
    return code;
}
