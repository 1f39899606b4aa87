/* systemd, without its library: sockets it opened for us, and telling it how we are. Each does
 * nothing where systemd did not start us. */
#ifndef WOSHOU_SERVE_SYSTEMD_H
#define WOSHOU_SERVE_SYSTEMD_H

/* How many sockets were handed over, from SYSTEMD_FIRST on; 0: none. The environment is cleared,
 * so that no child takes them for its own. */
enum { SYSTEMD_FIRST = 3, SYSTEMD_SOCKETS_MOST = 64 };
int systemd_sockets(void);
/* The name of the socket (FileDescriptorName=) with that descriptor; "" where it has none. Valid
 * until the program ends. */
const char *systemd_socket_name(int fd);

/* "READY=1", "STOPPING=1": what sd_notify(3) has. */
void systemd_notify(const char *state);

#endif
