#include "draw/svg_style.h"

#include "base/buffer.h"
#include "draw/layout.h"
#include "draw/markup.h"

enum { STORIES = 9 };

/* Colours that people of every colour vision tell apart (after Okabe and Ito), darkened
 * or lightened until text in them reads well on its paper. */
struct palette {
    const char *plain; /* custom properties but for the stories' */
    const char *stories[STORIES];
};

static const struct palette light = {
    "--paper:#fffefb;--ink:#1c1b19;--quiet:#6a665f;--hair:#e9e5dc;--line:#8d887f;"
    "--alarm:#b5370b;--accent:#1f5f99;--call:#f4efe2;"
    "--opening:#dce8f3;--open:#a9c8e4;--closing:#e3e0ec;--waiting:#f1e2b9;",
    {"#1f5f99", "#a8450a", "#0b7458", "#8a3a77", "#75600a", "#2f6f8f", "#a02f4a",
     "#4d5a1a", "#4a4a4a"}};

static const struct palette dark = {
    "--paper:#17181a;--ink:#e8e5de;--quiet:#a09c94;--hair:#2a2b2e;--line:#7d7a74;"
    "--alarm:#ff9066;--accent:#86bbee;--call:#2a2823;"
    "--opening:#20303f;--open:#31597f;--closing:#343044;--waiting:#4d4220;",
    {"#86bbee", "#f0a06a", "#5ecbaa", "#d99ac8", "#d6bd55", "#84c6dd", "#f090a2",
     "#b9c76a", "#c4c4c4"}};

/* Lines of several stories differ in their dashes as well. */
static const char *const dashes[STORIES] = {"none",     "8 3",          "2.5 2.5",
                                            "10 3 2 3", "14 4",         "5 2 1.5 2",
                                            "1.5 3",    "12 3 2 3 2 3", "5 5"};

static void append_palette(struct buffer *out, const char *selector,
                           const struct palette *palette)
{
    buffer_append_format(out, "%s{%s", selector, palette->plain);
    for (int i = 0; i < STORIES; i++)
        buffer_append_format(out, "--s%d:%s;", i + 1, palette->stories[i]);
    buffer_append_text(out, "}\n");
}

void svg_style_colours(struct buffer *out, const char *selector)
{
    append_palette(out, selector, &light);
    buffer_append_text(out, "@media screen and (prefers-color-scheme:dark){\n");
    append_palette(out, selector, &dark);
    buffer_append_text(out, "}\n");
}

/* Each colour is said plainly first, for the viewers of pictures that know no custom
 * properties. */
static const char rules[] =
    ".ladder{font-family:-apple-system,BlinkMacSystemFont,\"Segoe UI\",Roboto,"
    "\"Helvetica Neue\",\"Noto Sans\",\"PingFang SC\",\"Microsoft YaHei\","
    "\"Noto Sans CJK SC\",\"Source Han Sans SC\",sans-serif}\n"
    ".ladder .paper{fill:#fffefb;fill:var(--paper)}\n"
    ".ladder text{fill:#1c1b19;fill:var(--ink);stroke:none}\n"
    ".ladder .halo{stroke:#fffefb;stroke:var(--paper);stroke-width:3.5px;"
    "stroke-linejoin:round;paint-order:stroke}\n"
    ".ladder .strong{font-weight:600}\n"
    ".ladder .note{font-style:italic;fill:#b5370b;fill:var(--alarm)}\n"
    ".ladder .host{font-weight:600}\n"
    ".ladder .endpoint,.ladder .number,.ladder .time{font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,"
    "\"DejaVu Sans Mono\",\"Noto Sans Mono\",monospace}\n"
    ".ladder .endpoint,.ladder .lane,.ladder .number,.ladder .time,.ladder .break{fill:#6a665f;"
    "fill:var(--quiet)}\n"
    ".ladder .break{font-style:italic}\n"
    ".ladder .inferred{font-style:italic;fill:#6a665f;fill:var(--quiet)}\n"
    ".ladder:lang(zh) .note,.ladder:lang(zh) .break{font-style:normal}\n"
    ".ladder path,.ladder "
    "circle{fill:none;stroke:#1c1b19;stroke:var(--ink);stroke-width:1.1}\n"
    ".ladder .rows{stroke:#e9e5dc;stroke:var(--hair);stroke-width:.8}\n"
    ".ladder .life{stroke:#8d887f;stroke:var(--line);stroke-width:1}\n"
    ".ladder .tick{stroke:#8d887f;stroke:var(--line);stroke-width:.8}\n"
    ".ladder .gap{stroke:#8d887f;stroke:var(--line);stroke-width:.9;stroke-dasharray:1.5 "
    "4}\n"
    ".ladder .tear{stroke:#8d887f;stroke:var(--line);stroke-width:1;fill:#fffefb;"
    "fill:var(--paper)}\n"
    ".ladder .bar{stroke:#8d887f;stroke:var(--line);stroke-width:1;fill:#fffefb;"
    "fill:var(--paper)}\n"
    ".ladder .call-bar{fill:#f4efe2;fill:var(--call)}\n"
    ".ladder .opening{fill:#dce8f3;fill:var(--opening)}\n"
    ".ladder .open{fill:#a9c8e4;fill:var(--open)}\n"
    ".ladder .closing{fill:#e3e0ec;fill:var(--closing)}\n"
    ".ladder .waiting{fill:#f1e2b9;fill:var(--waiting)}\n"
    ".ladder .traced{stroke-width:2}\n"
    ".ladder .guess{fill:none;stroke-dasharray:3 2.5}\n"
    ".ladder .head{fill:#1c1b19;fill:var(--ink);stroke:none}\n"
    ".ladder .mark{fill:#fffefb;fill:var(--paper)}\n"
    ".ladder .reset .wire,.ladder .cross{stroke:#b5370b;stroke:var(--alarm)}\n"
    ".ladder .reset .head{fill:#b5370b;fill:var(--alarm)}\n"
    ".ladder .cross{stroke-width:2}\n"
    ".ladder .leader{stroke:#8d887f;stroke:var(--line);stroke-width:.8}\n"
    ".ladder .badge .head{fill:#8d887f;fill:var(--line)}\n"
    ".ladder .badge circle{fill:#fffefb;fill:var(--paper);stroke:#1f5f99;"
    "stroke:var(--accent)}\n"
    ".ladder .badge text{font-size:10.5px;font-weight:600;fill:#1f5f99;"
    "fill:var(--accent)}\n"
    ".ladder .wrong circle{stroke:#b5370b;stroke:var(--alarm);stroke-width:2}\n"
    ".ladder .wrong text{fill:#b5370b;fill:var(--alarm)}\n";

static void append_roles(struct buffer *out)
{
    static const char *const names[ROLE_COUNT] = {"host",  "endpoint", "lane",  "number",
                                                  "time",  "call",     "state", "packet",
                                                  "break", "key",      "remark"};
    for (int role = 0; role < ROLE_COUNT; role++) {
        buffer_append_format(out, ".ladder .%s{font-size:", names[role]);
        markup_number(out, layout_size((enum layout_role)role));
        buffer_append_text(out, "px}\n");
    }
}

void svg_style_rules(struct buffer *out)
{
    buffer_append_text(out, rules);
    append_roles(out);
    for (int i = 0; i < STORIES; i++)
        buffer_append_format(out,
                             ".ladder .s%d .wire{stroke:%s;stroke:var(--s%d);"
                             "stroke-dasharray:%s}\n"
                             ".ladder .s%d .head,.ladder .s%d-text{fill:%s;"
                             "fill:var(--s%d)}\n",
                             i + 1, light.stories[i], i + 1, dashes[i], i + 1, i + 1,
                             light.stories[i], i + 1);
}
