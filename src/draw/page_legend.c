#include "draw/page_legend.h"

#include <stddef.h>

#include "base/buffer.h"
#include "draw/markup.h"

/* Signs are drawn with the pictures' own classes, in a frame of 44 by 22. */
static const struct {
    const char *sign, *meaning;
    int of; /* enum legend, or both */
} signs[] = {
    {"<path class=\"wire\" d=\"M2 11L42 11\"/><path class=\"head\" d=\"M42 11L33 "
     "14.2L33 7.8Z\"/>",
     N_("a packet, at the moment it passed the place of the capture"), LEGEND_CAPTURE},
    {"<g class=\"reset\"><path class=\"wire\" d=\"M2 11L42 11\"/><path class=\"head\" "
     "d=\"M42 11L33 14.2L33 7.8Z\"/></g>",
     N_("a reset"), LEGEND_CAPTURE},
    {"<path class=\"wire\" d=\"M2 7L42 15\"/><path class=\"head\" d=\"M42 15L33 "
     "16.5L34.2 10.2Z\"/>",
     N_("a packet, from its sending to its arrival"), LEGEND_WIRE},
    {"<path class=\"wire\" d=\"M2 7L28 13\"/><path class=\"cross\" d=\"M24 9L32 17M24 "
     "17L32 9\"/>",
     N_("a packet that the wire lost"), LEGEND_WIRE},
    {"<path class=\"wire\" d=\"M16 10L42 15\"/><path class=\"head\" d=\"M42 15L33 "
     "16.5L34.2 10.2Z\"/>"
     "<path class=\"mark wire\" d=\"M12 5L16.5 9.5L12 14L7.5 9.5Z\"/>",
     N_("a packet that the wire slipped in; nobody sent it"), LEGEND_WIRE},
    {"<path class=\"wire\" d=\"M12 9L42 15\"/><path class=\"head\" d=\"M42 15L33 "
     "16.5L34.2 10.2Z\"/>"
     "<circle class=\"head\" cx=\"12\" cy=\"9\" r=\"3\"/>",
     N_("a copy that the wire made of a packet"), LEGEND_WIRE},
    {"<path class=\"wire\" d=\"M2 7L28 13\"/><circle class=\"mark wire\" cx=\"28\" "
     "cy=\"13\" r=\"3\"/>",
     N_("a packet still on its way"), LEGEND_WIRE},
    {"<path class=\"bar call-bar\" d=\"M18 2H25V20H18Z\"/>",
     N_("a program's call, from its entry to its return"), LEGEND_WIRE},
    {"<path class=\"bar open\" d=\"M18 2H25V20H18Z\"/>",
     N_("a state observed: the kernel was asked at that moment"), LEGEND_WIRE},
    {"<path class=\"bar open traced\" d=\"M18 2H25V20H18Z\"/>",
     N_("a state traced: the kernel reported the change"), LEGEND_WIRE},
    {"<path class=\"bar guess\" d=\"M18 2H25V20H18Z\"/>",
     N_("a state inferred from packets, in parentheses: nobody saw it"),
     LEGEND_WIRE | LEGEND_CAPTURE},
    {"<path class=\"life\" d=\"M22 1V21\"/><path class=\"gap\" d=\"M2 11H42\"/>"
     "<path class=\"tear\" d=\"M15 11L29 6M29 12L15 17\"/>",
     N_("a silence, cut short"), LEGEND_WIRE | LEGEND_CAPTURE},
};

void page_legend(struct buffer *out, const struct words *words, const char *class,
                 enum legend legend)
{
    buffer_append_format(out, "<ul class=\"legend %s\" lang=\"%s\">\n", class,
                         words->tag);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!(signs[i].of & (int)legend))
            continue;
        buffer_append_format(
            out,
            "<li><svg class=\"ladder\" viewBox=\"0 0 44 22\" width=\"44\" "
            "height=\"22\" aria-hidden=\"true\">%s</svg><span>",
            signs[i].sign);
        markup_text(out, words->say(signs[i].meaning));
        buffer_append_text(out, "</span></li>\n");
    }
    buffer_append_text(out, "</ul>\n");
}
