/* Two hosts, client and server: network namespaces without names, held by descriptors
 * alone. When the process ends, however it ends, the kernel takes them away with all that
 * is in them.
 *
 * The namespaces are made inside one of our own (the yard), never beside the machine's:
 * settings that new namespaces copy are set there, and the machine's own are not touched.
 * As root nothing else is needed; otherwise a user namespace is made first, which only a
 * process of one thread can do: so make the hosts before any thread. */
#ifndef WOSHOU_WIRE_HOSTS_H
#define WOSHOU_WIRE_HOSTS_H

#include <stdbool.h>

#include "tcp/story.h"

struct error;

struct hosts {
    int home;    /* the namespace the process came from; -1 where there is no way back */
    int yard;    /* ours, between the hosts: where veth pairs have their near ends */
    int host[2]; /* by PLACE_CLIENT, PLACE_SERVER */
    bool in_user_namespace;
};

/* Makes them; loopback is up in each and IPv6 off (so that no host talks by itself). On
 * failure nothing is left but, where one was made, the user namespace: probe in a child
 * first. */
int hosts_open(struct hosts *hosts, struct error *err);
/* Closes them, and brings the calling thread home where that can be done. */
void hosts_close(struct hosts *hosts);

/* Moves the calling thread to a host, or (PLACE_WIRE) to the yard. */
int hosts_enter(const struct hosts *hosts, enum place place, struct error *err);

/* Writes a setting of a host: "ipv4/tcp_fin_timeout", "5". The calling thread is moved
 * there and back to the yard. ERROR_ABSENT where this kernel has none of that name. */
int hosts_set(const struct hosts *hosts, enum place place, const char *name,
              const char *value, struct error *err);

#endif
