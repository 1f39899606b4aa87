/* Makes a picture, or a page, of the made-up stories: for tests and for looking at. Never
 * installed.
 *
 *     page_sample svg NAME en|zh [PO...]    one sample as a standalone picture
 *     page_sample page - en|zh [PO...]      a page of all of them
 *
 * Chinese comes from the PO files: msgid and msgstr lines, quoted, without escapes but \"
 * and \n. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "draw/page.h"
#include "draw/sample.h"
#include "draw/svg.h"

struct entry {
    char *message, *translation;
};

/* What the words speak from: filled once, before anything is said. */
static struct entry entries[1000];
static size_t entry_count;

/* Appends the quoted part of a line to `text`, which it takes and gives back longer. */
static char *append_quoted(char *text, const char *line)
{
    const char *from = strchr(line, '"');
    size_t length = strlen(text);
    text = realloc(text, length + strlen(line) + 1);
    if (!text || !from)
        return text;
    for (from++; *from && *from != '"'; from++) {
        if (*from == '\\' && from[1])
            from++;
        text[length++] = *from;
    }
    text[length] = 0;
    return text;
}

static void read_po(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    char **field = NULL;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "msgid", 5) == 0 && entry_count < 1000) {
            entries[entry_count] = (struct entry){strdup(""), strdup("")};
            field = &entries[entry_count++].message;
        } else if (strncmp(line, "msgstr", 6) == 0 && entry_count) {
            field = &entries[entry_count - 1].translation;
        } else if (line[0] != '"') {
            field = NULL;
        }
        if (field)
            *field = append_quoted(*field, line);
    }
    if (file)
        fclose(file);
}

static const char *say_english(const char *message)
{
    return message;
}

static const char *say_chinese(const char *message)
{
    for (size_t i = 0; i < entry_count; i++)
        if (*message && strcmp(entries[i].message, message) == 0 &&
            *entries[i].translation)
            return entries[i].translation;
    return message;
}

static const struct words english = {"en", say_english}, chinese = {"zh-CN", say_chinese};

static int print_svg(const char *name, const struct words *words)
{
    struct story *stories[3] = {0};
    size_t count = sample_named(name, stories);
    struct ladder *ladder = NULL;
    struct buffer out;
    buffer_init(&out, 0);
    int failed = ladder_new((const struct story *const *)stories, count, words, &ladder);
    if (!failed)
        failed = svg_ladder(
            &out, ladder, words,
            &(struct svg_options){.title = name, .description = name, .id = name});
    if (!failed)
        fputs(buffer_text(&out), stdout);
    buffer_done(&out);
    ladder_free(&ladder);
    for (size_t i = 0; i < 3; i++)
        story_free(&stories[i]);
    return failed;
}

/* Texts as a caller would give them, and one that tries to break out of its element. */
static const char *const names[] = {"hello", "three",   "refused",
                                    "lost",  "capture", "crossing"};
enum { SCENES = sizeof names / sizeof *names };

static int print_page(int first)
{
    static const char *const notes[] = {
        "<script>alert(1)</script> & \"quotes\" are only text here.",
        "The states were inferred from packets: the kernels could not be asked."};
    static const struct page_fact facts[] = {
        {"version", WOSHOU_VERSION},
        {"kernel", "Linux 6.1.0"},
        {"wire", "made-up stories with 20 ms each way"}};
    struct story *stories[SCENES][3] = {0};
    struct page_scene scenes[SCENES];
    for (size_t i = 0; i < SCENES; i++)
        scenes[i] = (struct page_scene){
            .id = names[i],
            .title = names[i],
            .intro =
                "What happens here, and why: a paragraph that the caller gives, long "
                "enough to be broken into several lines on a narrow screen.",
            .story_count = sample_named(names[i], stories[i]),
            .stories = (const struct story *const *)stories[i]};
    struct page page = {.words = {&english, &chinese},
                        .names = {"English", "中文"},
                        .first = first,
                        .title = "TCP, said and seen",
                        .intro = "Connections that were opened, used and closed.",
                        .scenes = scenes,
                        .scene_count = SCENES,
                        .notes = notes,
                        .note_count = sizeof notes / sizeof *notes,
                        .facts = facts,
                        .fact_count = sizeof facts / sizeof *facts};
    struct buffer out;
    buffer_init(&out, 0);
    int failed = page_print(&out, &page);
    if (!failed)
        fputs(buffer_text(&out), stdout);
    buffer_done(&out);
    for (size_t i = 0; i < SCENES; i++)
        for (size_t k = 0; k < 3; k++)
            story_free(&stories[i][k]);
    return failed;
}

int main(int argc, char **argv)
{
    for (int i = 4; i < argc; i++)
        read_po(argv[i]);
    if (argc < 4)
        return 2;
    bool zh = strcmp(argv[3], "zh") == 0;
    int failed = strcmp(argv[1], "page") == 0
                     ? print_page(zh)
                     : print_svg(argv[2], zh ? &chinese : &english);
    for (size_t i = 0; i < entry_count; i++) {
        free(entries[i].message);
        free(entries[i].translation);
    }
    return failed ? 1 : 0;
}
