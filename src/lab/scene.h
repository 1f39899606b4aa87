/* The article's scenes, played by real programs over a wire: its hello conversation; one
 * client that holds three connections to the one server port; a connection to a port
 * where nobody listens. */
#ifndef WOSHOU_LAB_SCENE_H
#define WOSHOU_LAB_SCENE_H

#include <stdint.h>

#include "wire/wire.h"
#include "woshou/event.h"

struct error;

enum scene { SCENE_HELLO, SCENE_THREE, SCENE_REFUSED, SCENE_COUNT };

/* The article's port, and one where nobody listens. */
enum { SCENE_PORT = 30001, SCENE_CLOSED_PORT = 30009 };

struct scene_options {
    struct wire_options wire; /* its kind, length, rule and on_growth */
    wo_event *stop;           /* ends the scene early; borrowed for the call */
};

/* Plays a scene to its end and gives the stopped wire with its stories, to be closed with
 * wire_close; `err` is not null. The process must have one thread when this is called for the first time.
 * Programs' failures that belong to the scene (a refused connection) are no errors.
 * ERROR_INTERRUPTED when `stop` was set. */
int scene_play(enum scene scene, const struct scene_options *options,
               struct wire **ret_wire, struct error *err);

/* The scene's stable name, for links: "hello", "three", "refused". */
const char *scene_name(enum scene scene);
/* How many connections it makes. */
int scene_connections(enum scene scene);

#endif
