#include "cli/demo_page.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cli/folder.h"
#include "cli/language.h"
#include "cli/whole_file.h"
#include "draw/ladder.h"
#include "draw/page.h"
#include "draw/svg.h"

enum { CONNECTIONS_MAX = 3 };

const char *demo_scene_title(enum scene scene)
{
    static const char *const titles[SCENE_COUNT] = {
        [SCENE_HELLO] = N_("1. Hello: one conversation, from the first SYN to TIME_WAIT"),
        [SCENE_THREE] = N_("2. One client, three connections, one server port"),
        [SCENE_REFUSED] = N_("3. A port where nobody listens"),
    };
    return titles[scene];
}

const char *demo_scene_intro(enum scene scene)
{
    static const char *const intros[SCENE_COUNT] = {
        [SCENE_HELLO] = N_(
            "The server listens; the client connects. The three segments of the handshake "
            "pass while its connect() waits, and the kernels send them, not the programs. "
            "The server says hello in UTF-16LE, twelve bytes with the final zero; the client "
            "answers; the server closes first, and so it is the server that stays in "
            "TIME_WAIT."),
        [SCENE_THREE] = N_(
            "The same client connects three times and holds all three connections at once. "
            "The server has one port for all of them; what tells them apart is the client's "
            "port. Each accept() gives a socket of its own."),
        [SCENE_REFUSED] = N_(
            "The client connects to a port where no program listens. The server's kernel "
            "answers the SYN with a reset, and connect() fails at once with ECONNREFUSED: a "
            "refusal is an answer, and needs no timeout."),
    };
    return intros[scene];
}

const char *demo_missing(enum wire_kind kind)
{
    if (kind == WIRE_CAPTURE)
        return N_(
            "Two hosts of our own could not be made here, so this is the loopback, "
            "captured: packets are shown as they passed, but none could be held or lost, "
            "and states that lasted only microseconds are missing.");
    if (kind == WIRE_CALLS)
        return N_(
            "Neither hosts of our own nor a capture could be had here: only the "
            "programs' calls and the states the kernel reported at each call are shown. "
            "There are no packets, and states between two calls are missing.");
    return NULL;
}

static const char *wire_description(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_TUN:
        return N_("two network namespaces, a TUN device in each, woshou between");
    case WIRE_VETH:
        return N_("two network namespaces, a veth pair to each, woshou between");
    case WIRE_CAPTURE: return N_("the loopback, captured");
    default: return N_("the loopback, by calls and inet_diag alone");
    }
}

/* --- The page --- */

struct contents {
    const struct story *stories[SCENE_COUNT][CONNECTIONS_MAX];
    struct page_scene scenes[SCENE_COUNT];
    const char *notes[2];
    struct page_fact facts[4];
    struct utsname kernel;
    char delay[32];
};

static void gather_scene(struct contents *contents, int scene, const struct wire *wire)
{
    size_t count = wire_story_count(wire);
    if (count > CONNECTIONS_MAX)
        count = CONNECTIONS_MAX;
    for (size_t i = 0; i < count; i++)
        contents->stories[scene][i] = wire_story(wire, i);
    contents->scenes[scene] = (struct page_scene){
        .id = scene_name((enum scene)scene),
        .title = demo_scene_title((enum scene)scene),
        .intro = demo_scene_intro((enum scene)scene),
        .stories = contents->stories[scene],
        .story_count = count,
        .absent = count ? NULL : N_("No connection was seen."),
    };
}

static int print_page(struct buffer *out, struct wire *const wires[SCENE_COUNT],
                      int64_t delay_ns)
{
    struct contents contents = {0};
    enum wire_kind kind = wire_kind(wires[0]);
    size_t notes = 0, facts = 0;

    for (int scene = 0; scene < SCENE_COUNT; scene++)
        gather_scene(&contents, scene, wires[scene]);
    if (demo_missing(kind))
        contents.notes[notes++] = demo_missing(kind);
    if (*wire_why_not_better(wires[0]) && demo_missing(kind))
        contents.notes[notes++] = wire_why_not_better(wires[0]);
    uname(&contents.kernel);
    snprintf(contents.delay, sizeof contents.delay, "%g ms",
             (double)delay_ns / NS_PER_MS);
    contents.facts[facts++] = (struct page_fact){N_("made by"), "woshou " WOSHOU_VERSION};
    contents.facts[facts++] = (struct page_fact){N_("kernel"), contents.kernel.release};
    contents.facts[facts++] = (struct page_fact){N_("wire"), wire_description(kind)};
    if (kind == WIRE_TUN || kind == WIRE_VETH)
        contents.facts[facts++] =
            (struct page_fact){N_("each packet travels"), contents.delay};

    struct page page = {
        .words = {&language_english, &language_chinese},
        .names = {"English", "中文"},
        .first = language_chosen() == &language_chinese,
        .title = N_("woshou 握手: TCP connections, seen"),
        .intro = N_(
            "Real connections through the real TCP of Linux, recorded packet by packet: "
            "what the programs called, what state each host's kernel was in before and "
            "after every packet, and when each packet left and arrived. j and k are the two "
            "sides' initial sequence numbers."),
        .scenes = contents.scenes,
        .scene_count = SCENE_COUNT,
        .notes = contents.notes,
        .note_count = notes,
        .facts = contents.facts,
        .fact_count = facts,
    };
    return page_print(out, &page);
}

int demo_page_write(const char *directory, struct wire *const wires[SCENE_COUNT],
                    int64_t delay_ns, char *ret_path, size_t path_size, struct error *err)
{
    struct buffer text;
    int status = folder_make(directory, err);
    if (status == 0)
        status = folder_join(directory, "demo.html", ret_path, path_size, err);
    if (status)
        return status;
    buffer_init(&text, 0);
    status = print_page(&text, wires, delay_ns);
    if (status)
        error_set(err, status, "%s", _("no memory for the page"));
    else
        status = whole_file_write(ret_path, &text, err);
    buffer_done(&text);
    return status;
}

static int print_picture(struct buffer *out, enum scene scene, const struct wire *wire)
{
    const struct story *stories[CONNECTIONS_MAX];
    struct ladder *ladder;
    size_t count = wire_story_count(wire);

    for (size_t i = 0; i < count && i < CONNECTIONS_MAX; i++)
        stories[i] = wire_story(wire, i);
    int status = ladder_new(stories, count < CONNECTIONS_MAX ? count : CONNECTIONS_MAX,
                            language_chosen(), &ladder);
    if (status)
        return status;
    struct svg_options options = {.title = _(demo_scene_title(scene)),
                                  .description = _(demo_scene_intro(scene)),
                                  .id = scene_name(scene)};
    status = svg_ladder(out, ladder, language_chosen(), &options);
    ladder_free(&ladder);
    return status;
}

int demo_pictures_write(const char *directory, struct wire *const wires[SCENE_COUNT],
                        struct error *err)
{
    int status = folder_make(directory, err);
    for (int scene = 0; scene < SCENE_COUNT && status == 0; scene++) {
        char path[PATH_MAX], name[32];
        struct buffer text;
        snprintf(name, sizeof name, "%s.svg", scene_name((enum scene)scene));
        status = folder_join(directory, name, path, sizeof path, err);
        if (status || wire_story_count(wires[scene]) == 0)
            continue;
        buffer_init(&text, 0);
        status = print_picture(&text, (enum scene)scene, wires[scene]);
        if (status)
            error_set(err, status, "%s", _("no memory for the picture"));
        else
            status = whole_file_write(path, &text, err);
        buffer_done(&text);
    }
    return status;
}
