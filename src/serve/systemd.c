#include "serve/systemd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The environment's names, one a descriptor, kept for whoever asks. */
static char names[SYSTEMD_SOCKETS_MOST][64];

static void take_names(const char *list)
{
    for (int i = 0; i < SYSTEMD_SOCKETS_MOST && list && *list; i++) {
        size_t length = strcspn(list, ":");
        if (length < sizeof names[i])
            memcpy(names[i], list, length);
        list += length + (list[length] == ':');
    }
}

int systemd_sockets(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int sockets = 0;
    if (pid && count && strtol(pid, NULL, 10) == (long)getpid())
        sockets = (int)strtol(count, NULL, 10);
    if (sockets < 0 || sockets > SYSTEMD_SOCKETS_MOST)
        sockets = 0;
    if (sockets)
        take_names(getenv("LISTEN_FDNAMES"));
    for (int i = 0; i < sockets; i++)
        fcntl(SYSTEMD_FIRST + i, F_SETFD, FD_CLOEXEC);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return sockets;
}

const char *systemd_socket_name(int fd)
{
    int place = fd - SYSTEMD_FIRST;
    return place >= 0 && place < SYSTEMD_SOCKETS_MOST ? names[place] : "";
}

void systemd_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = 0; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    close(fd);
}
