#include "draw/placing.h"

#include <math.h>

#include "draw/layout.h"

/* A label keeps this far from its own line, and from the lifelines. */
#define LINE_GAP 2.5
#define EDGE_GAP 8.0

/* What one fault of a place weighs. An overlap is never outweighed by the rest. */
#define COST_OVERLAP 1000.0
#define COST_MARK 40.0 /* a cross, a diamond or a dot is hidden */
#define COST_CROSSING 6.0
#define COST_BELOW 3.0
#define COST_OFF_CENTRE 8.0

/* Places that are tried along a line. */
enum { STEPS = 32 };

struct search {
    struct layout *layout;
    struct layout_text *labels; /* one an arrow */
    size_t placed;              /* labels that have a place: the first ones */
};

/* Where on the way from the client to the server an arrow has its middle. */
static double middle_of(const struct layout *layout, const struct layout_arrow *arrow)
{
    double left = layout->host[PLACE_CLIENT].edge;
    double x = (arrow->x1 + arrow->x2) / 2;
    return (x - left) / (layout->host[PLACE_SERVER].edge - left);
}

/* Stands the text centred over (or under) the point of its arrow's line where it has come
 * `part` of the way from the client to the server. */
static void stand(const struct layout *layout, const struct layout_arrow *arrow,
                  struct layout_text *label, double part, bool below)
{
    double left = layout->host[PLACE_CLIENT].edge;
    double x = left + part * (layout->host[PLACE_SERVER].edge - left);
    double slope = (arrow->y2 - arrow->y1) / (arrow->x2 - arrow->x1);
    double angle = atan(slope), size = layout_size(ROLE_PACKET);
    double off = below ? size * 0.9 + LINE_GAP : -size * 0.22 - LINE_GAP;
    label->angle = angle;
    label->x = x - sin(angle) * off;
    label->y = arrow->y1 + slope * (x - arrow->x1) + cos(angle) * off;
}

static double cost_among_texts(const struct search *search, size_t own,
                               const struct box *box)
{
    const struct layout *layout = search->layout;
    double cost = 0;
    for (size_t i = 0; i < layout->text_count; i++) {
        const struct layout_text *text = &layout->texts[i];
        bool label = text->role == ROLE_PACKET;
        if ((label && (i == own || i >= search->placed)) ||
            (!label && text->role != ROLE_BREAK))
            continue;
        struct box other = layout_text_box(text);
        if (box_overlap(box, &other))
            cost += COST_OVERLAP;
    }
    return cost;
}

/* The mark that an arrow bears on the wire, if any: its box, or one of no size. */
static struct box mark_of(const struct layout_arrow *arrow)
{
    static const double half = 5.5;
    if (arrow->to != ARROW_HOST)
        return (struct box){arrow->x2, arrow->y2, half, half, 0};
    if (arrow->from != ARROW_HOST)
        return (struct box){arrow->x1, arrow->y1, half, half, 0};
    return (struct box){-1000, -1000, 0, 0, 0};
}

static double cost_of(const struct search *search, size_t own)
{
    const struct layout *layout = search->layout;
    struct box box = layout_text_box(&search->labels[own]);
    double cost = cost_among_texts(search, own, &box);
    if (!box_inside(&box, layout->host[PLACE_CLIENT].edge + EDGE_GAP, layout->top,
                    layout->host[PLACE_SERVER].edge - EDGE_GAP, layout->bottom))
        cost += COST_OVERLAP;
    for (size_t i = 0; i < layout->arrow_count; i++) {
        const struct layout_arrow *arrow = &layout->arrows[i];
        if (i != own && box_crossed(&box, arrow->x1, arrow->y1, arrow->x2, arrow->y2))
            cost += COST_CROSSING;
        struct box mark = mark_of(arrow);
        if (box_overlap(&box, &mark))
            cost += COST_MARK;
    }
    return cost;
}

/* Gives label `own` the best place among what stands; returns that place's cost. */
static double settle(const struct search *search, size_t own)
{
    const struct layout_arrow *arrow = &search->layout->arrows[own];
    struct layout_text *label = &search->labels[own];
    double middle = middle_of(search->layout, arrow);
    double best = INFINITY, best_part = 0.5;
    bool best_below = false;
    for (int i = 0; i <= 2 * STEPS; i++) {
        int step = i / 2;
        double part = 0.1 + 0.8 * step / STEPS;
        bool below = i % 2;
        stand(search->layout, arrow, label, part, below);
        double cost = cost_of(search, own) + COST_OFF_CENTRE * fabs(part - middle) +
                      (below ? COST_BELOW : 0);
        if (cost < best) {
            best = cost;
            best_part = part;
            best_below = below;
        }
    }
    stand(search->layout, arrow, label, best_part, best_below);
    return best;
}

bool placing_find(struct layout *layout)
{
    struct search search = {.layout = layout, .labels = layout->texts};
    for (size_t i = 0; i < layout->arrow_count; i++) {
        settle(&search, i);
        search.placed = i + 1;
    }
    /* The early ones were placed before they knew the later ones: let each look again. */
    double worst = 0;
    for (int round = 0; round < 2; round++) {
        worst = 0;
        for (size_t i = 0; i < layout->arrow_count; i++)
            worst = fmax(worst, settle(&search, i));
    }
    return worst < COST_OVERLAP;
}
