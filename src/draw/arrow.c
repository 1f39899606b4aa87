#include "draw/arrow.h"

#include <stddef.h>

/* The y where a thing of this row stands, `otherwise` for none. */
static double row_or(const struct layout *layout, int row, double otherwise)
{
    return row == LADDER_NONE ? otherwise : layout->row_y[row];
}

/* The point where an arrow has come `part` of its way. */
static void point_on(const struct layout_arrow *arrow, double part, double *x, double *y)
{
    *x = arrow->x1 + part * (arrow->x2 - arrow->x1);
    *y = arrow->y1 + part * (arrow->y2 - arrow->y1);
}

/* The arrow of the packet that the wire made this copy of, or null. */
static const struct layout_arrow *original_of(const struct layout *layout, int copy)
{
    const struct ladder_packet *packets = layout->ladder->packets;
    for (int i = 0; i < copy; i++)
        if (!packets[i].copy && packets[i].story == packets[copy].story &&
            packets[i].packet.number == packets[copy].packet.number &&
            packets[i].packet.from == packets[copy].packet.from)
            return &layout->arrows[i];
    return NULL;
}

struct layout_arrow arrow_of_packet(const struct layout *layout, int index)
{
    static const double lost = 0.62, in_flight = 0.5, injected = 0.38, copied = 0.22;
    const struct ladder_packet *packet = &layout->ladder->packets[index];
    enum place from = packet->packet.from;
    int sent = packet->sent_row, received = packet->received_row;
    struct layout_arrow arrow = {
        .packet = index, .x1 = layout->host[from].edge, .x2 = layout->host[!from].edge};
    double begin = row_or(layout, sent, row_or(layout, received, layout->top));
    double end = packet->level ? begin : begin + layout->row_height;
    if (received != LADDER_NONE && !packet->level)
        end = layout->row_y[received];
    if (sent == LADDER_NONE && !packet->level)
        begin = end - layout->row_height;
    arrow.y1 = begin;
    arrow.y2 = end;
    if (sent == LADDER_NONE && packet->packet.fate == FATE_INJECTED) {
        arrow.from = ARROW_INJECTED;
        point_on(&arrow, injected, &arrow.x1, &arrow.y1);
    }
    const struct layout_arrow *original =
        packet->copy ? original_of(layout, index) : NULL;
    if (original) {
        arrow.from = ARROW_COPY;
        point_on(original, copied, &arrow.x1, &arrow.y1);
    }
    if (received == LADDER_NONE && !packet->level) {
        bool gone = packet->packet.fate == FATE_LOST;
        arrow.to = gone ? ARROW_LOST : ARROW_IN_FLIGHT;
        point_on(&arrow, gone ? lost : in_flight, &arrow.x2, &arrow.y2);
    }
    return arrow;
}
