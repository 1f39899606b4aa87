/* The demonstration's words, its page, and its pictures. */
#ifndef WOSHOU_CLI_DEMO_PAGE_H
#define WOSHOU_CLI_DEMO_PAGE_H

#include <stdint.h>

#include "lab/scene.h"

struct error;

/* English messages. */
const char *demo_scene_title(enum scene scene);
const char *demo_scene_intro(enum scene scene);
/* What this kind of wire cannot show; null where it shows everything. */
const char *demo_missing(enum wire_kind kind);

/* Writes demo.html into a directory, made where it is missing, and leaves the page's path
 * in `ret_path`, of `path_size` bytes. The page is whole or not there. */
int demo_page_write(const char *directory, struct wire *const wires[SCENE_COUNT],
                    int64_t delay_ns, char *ret_path, size_t path_size,
                    struct error *err);

/* Writes hello.svg, three.svg and refused.svg into a directory, in the chosen language. */
int demo_pictures_write(const char *directory, struct wire *const wires[SCENE_COUNT],
                        struct error *err);

#endif
