#include "cli/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

enum { NOBODY = 65534 };

static unsigned id_from(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    unsigned long id = text ? strtoul(text, &end, 10) : 0;
    return text && *text && !*end && id > 0 && id < NOBODY ? (unsigned)id : NOBODY;
}

/* In a user namespace that has no other users there is nobody to become: losing the
 * capabilities must do. */
static int change_user(struct error *err)
{
    unsigned user = id_from("SUDO_UID"), group = id_from("SUDO_GID");

    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 && errno != EPERM)
        return error_set_system(err, errno, "giving up root's groups");
    if (setresgid(group, group, group) < 0 && errno != EINVAL && errno != EPERM)
        return error_set_system(err, errno, "giving up root's group");
    if (setresuid(user, user, user) < 0 && errno != EINVAL && errno != EPERM)
        return error_set_system(err, errno, "giving up root");
    return 0;
}

static int lose_capabilities(struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2], left[2];

    memset(none, 0, sizeof none);
    if (syscall(SYS_capset, &header, none) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_capget, &header, left) < 0)
        return error_set_system(err, errno, "giving up capabilities");
    if (left[0].effective || left[0].permitted || left[1].effective || left[1].permitted)
        return error_set(err, ERROR_SYSTEM, "capabilities could not be given up");
    return 0;
}

int privileges_drop(struct error *err)
{
    bool root = geteuid() == 0;
    int code = change_user(err);

    if (!code)
        code = lose_capabilities(err);
    if (!code && root && geteuid() != 0 && setuid(0) == 0)
        code = error_set(err, ERROR_SYSTEM, "root could not be given up");
    return code;
}
