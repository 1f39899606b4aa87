#include "draw/lanes.h"

enum {
    TIME_WIDTH = 8,   /* "2190.413" */
    CALLS_WIDTH = 8,  /* "connect(" */
    STATE_WIDTH = 12, /* "SYN_RECEIVED" */
    CALLS_MORE = 10,  /* what wide terminals give: ") = ECONNREFUSED" */
    STATE_MORE = 2,   /* "(SYN_RECEIVED)" */
    TIME_MORE = 2,
    WIRE_MOST = 60,  /* longer arrows tell nothing more */
    NOTES_WIDTH = 8, /* " < 10,11" */
    NOTES_FROM = 96  /* narrower terminals need the room for the wire */
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

struct lanes lanes_of(const struct ladder *ladder, const struct text_options *options)
{
    int width = options->width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : options->width;
    width = smaller(width, TEXT_WIDTH_MAX);
    bool notes = ladder->note_count && width >= NOTES_FROM;
    if (notes)
        width -= NOTES_WIDTH;
    int more = width - TEXT_WIDTH_MIN;
    struct lanes lanes = {
        .time_width = TIME_WIDTH + smaller(more / 8, TIME_MORE),
        .mark = -1,
        .glyphs = options->ascii ? &glyphs_ascii : &glyphs_unicode,
    };
    if (!options->without_calls)
        lanes.calls_width = CALLS_WIDTH + smaller(more / 4, CALLS_MORE);
    else
        more += 2 * CALLS_WIDTH;
    if (!options->without_states)
        lanes.state_width = STATE_WIDTH + smaller(more / 8, STATE_MORE);

    lanes.time = lanes.time_width;
    if (options->number_width)
        lanes.time += options->number_width + 1;
    int column = lanes.time;
    if (ladder->story_count > 1) {
        lanes.mark = column + 1;
        column += 3;
    }
    lanes.calls[PLACE_CLIENT] = column + 1;
    if (lanes.calls_width)
        column += 1 + lanes.calls_width;
    lanes.rail[PLACE_CLIENT] = column + 1 + lanes.state_width;
    lanes.wire = lanes.rail[PLACE_CLIENT] + 1;
    int right = 1 + lanes.state_width + (lanes.calls_width ? 1 + lanes.calls_width : 0);
    lanes.wire_width = smaller(width - lanes.wire - right, WIRE_MOST);
    lanes.rail[PLACE_SERVER] = lanes.wire + lanes.wire_width;
    lanes.width = lanes.rail[PLACE_SERVER] + right;
    lanes.calls[PLACE_SERVER] = lanes.width - lanes.calls_width;
    lanes.notes = notes ? lanes.width + 1 : -1;
    lanes.whole = lanes.width + (notes ? NOTES_WIDTH : 0);
    return lanes;
}

const char *lanes_mark(const struct text_options *options, int story)
{
    static const char *const circled[LADDER_STORIES_MAX] = {"①", "②", "③", "④", "⑤",
                                                            "⑥", "⑦", "⑧", "⑨"};
    static const char *const plain[LADDER_STORIES_MAX] = {
        "1:", "2:", "3:", "4:", "5:", "6:", "7:", "8:", "9:"};
    return options->ascii ? plain[story] : circled[story];
}
