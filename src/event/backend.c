/* Which backend the process uses: the one that was chosen, else the one that the
 * environment names, else epoll. Only that one is ever tried, and epoll after it: under
 * some seccomp profiles even asking whether io_uring is there ends the process. */
#include "event/backend.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "woshou/event.h"

static const struct backend *const backends[] = {
    &backend_epoll,
#ifdef WOSHOU_IO_URING
    &backend_uring,
#endif
};

static _Atomic(const struct backend *) chosen; /* by wo_backend_choose */
static _Atomic(const struct backend *) used;   /* by the first engine; stays */

static const struct backend *named(const char *name)
{
    for (size_t i = 0; name && i < sizeof(backends) / sizeof(backends[0]); i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

static const struct backend *wanted(void)
{
    const struct backend *backend = atomic_load(&used);

    if (!backend)
        backend = atomic_load(&chosen);
    if (!backend)
        backend = named(secure_getenv("WOSHOU_EVENT_BACKEND"));
    return backend ? backend : &backend_epoll;
}

int engine_open(struct engine **ret_engine)
{
    const struct backend *backend = wanted(), *none = NULL;
    int code = backend->open(ret_engine);

    if (code < 0 && backend != &backend_epoll) {
        backend = &backend_epoll;
        code = backend->open(ret_engine);
    }
    if (code == 0)
        atomic_compare_exchange_strong(&used, &none, backend);
    return code;
}

int wo_backend_choose(const char *name)
{
    const struct backend *backend = named(name);

    if (!name)
        return -EINVAL;
    if (!backend)
        return -ENOENT;
    if (atomic_load(&used))
        return -EBUSY;
    atomic_store(&chosen, backend);
    return 0;
}

const char *wo_backend_name(void)
{
    return wanted()->name;
}
