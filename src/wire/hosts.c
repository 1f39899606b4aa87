#include "wire/hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/interface.h"

static int open_own_namespace(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t written = write(fd, text, strlen(text));
    int system = written < 0 ? errno : 0;
    close(fd);
    return system;
}

/* Maps the one user there is to root inside: enough for every right over our own
 * networks. */
static int map_user(uid_t uid, gid_t gid, struct error *err)
{
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof uid_map, "0 %u 1", (unsigned)uid);
    snprintf(gid_map, sizeof gid_map, "0 %u 1", (unsigned)gid);
    const struct {
        const char *path, *text;
    } files[] = {{"/proc/self/setgroups", "deny"},
                 {"/proc/self/uid_map", uid_map},
                 {"/proc/self/gid_map", gid_map}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int system = write_file(files[i].path, files[i].text);
        if (system)
            return error_set_system(err, system, "a user namespace of our own: %s",
                                    files[i].path);
    }
    return 0;
}

static int leave_for_yard(struct hosts *hosts, struct error *err)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    hosts->home = open_own_namespace();
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    if (errno != EPERM)
        return error_set_system(err, errno, "a network namespace");
    /* Having left the user's own namespace there is no way home. */
    if (hosts->home >= 0)
        close(hosts->home);
    hosts->home = -1;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return error_set_system(err, errno, "a user namespace with networks of our own");
    hosts->in_user_namespace = true;
    return map_user(uid, gid, err);
}

static int set_here(const char *name, const char *value, struct error *err)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    int system = write_file(path, value);
    return system ? error_set_system(err, system, "net/%s = %s", name, value) : 0;
}

static int make_host(struct hosts *hosts, enum place place, struct error *err)
{
    if (unshare(CLONE_NEWNET) < 0)
        return error_set_system(err, errno, "a network namespace for the %s",
                                place_word(place));
    hosts->host[place] = open_own_namespace();
    if (hosts->host[place] < 0)
        return error_set_system(err, errno, "the %s's network namespace",
                                place_word(place));
    int status = interface_up("lo", err);
    if (status == 0 && access("/proc/sys/net/ipv6", F_OK) == 0)
        status = set_here("ipv6/conf/all/disable_ipv6", "1", err);
    return status ? status : hosts_enter(hosts, PLACE_WIRE, err);
}

int hosts_open(struct hosts *hosts, struct error *err)
{
    *hosts = (struct hosts){.home = -1, .yard = -1, .host = {-1, -1}};
    int status = leave_for_yard(hosts, err);
    if (status)
        goto fail;
    hosts->yard = open_own_namespace();
    if (hosts->yard < 0) {
        status = error_set_system(err, errno, "a network namespace");
        goto fail;
    }
    /* Where there is no way home the yard is what later wires find as the machine's own. */
    status = interface_up("lo", err);
    if (status)
        goto fail;
    /* Namespaces share the machine's big connection table, and asking a host for all its
     * connections walks it whole; a small table of its own makes that cheap. Kernels
     * before 6.1 have no such setting, and get along. */
    set_here("ipv4/tcp_child_ehash_entries", "64", NULL);
    status = make_host(hosts, PLACE_CLIENT, err);
    if (status == 0)
        status = make_host(hosts, PLACE_SERVER, err);
    if (status == 0)
        return 0;
fail:
    hosts_close(hosts);
    return status;
}

void hosts_close(struct hosts *hosts)
{
    if (hosts->home >= 0)
        (void)setns(hosts->home, CLONE_NEWNET);
    int *fds[] = {&hosts->home, &hosts->yard, &hosts->host[0], &hosts->host[1]};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

int hosts_enter(const struct hosts *hosts, enum place place, struct error *err)
{
    int fd = place == PLACE_WIRE ? hosts->yard : hosts->host[place];
    if (setns(fd, CLONE_NEWNET) < 0)
        return error_set_system(err, errno, "entering the %s's network",
                                place_word(place));
    return 0;
}

int hosts_set(const struct hosts *hosts, enum place place, const char *name,
              const char *value, struct error *err)
{
    int status = hosts_enter(hosts, place, err);
    if (status)
        return status;
    status = set_here(name, value, err);
    int back = hosts_enter(hosts, PLACE_WIRE, status ? NULL : err);
    return status ? status : back;
}
