#include "draw/join.h"

#include <string.h>

#include "capture/decode.h"

/* Whether the row's packet is sent or received at that end. */
static bool packet_at(const struct ladder *ladder, const struct ladder_row *row,
                      enum place side)
{
    if (row->packet == LADDER_NONE)
        return false;
    const struct ladder_packet *packet = &ladder->packets[row->packet];
    return packet->level || (row->packet_sent && packet->packet.from == side) ||
           (row->packet_received && packet->packet.from != side);
}

static bool side_empty(const struct ladder_side *side)
{
    return side->state == LADDER_NONE && side->call == LADDER_NONE;
}

/* Before anything happened on the wire. */
static bool state_at_rest(const struct ladder *ladder, int state)
{
    return state != LADDER_NONE && (ladder->states[state].state == STATE_CLOSED ||
                                    ladder->states[state].state == STATE_LISTEN);
}

/* Whether it is in a call's nature to make its host send. */
static bool call_sends(const char *name)
{
    static const char *const names[] = {"connect",  "send",     "sendto",
                                        "sendmsg",  "write",    "writev",
                                        "sendfile", "shutdown", "close"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

bool join_sending(const struct ladder *ladder, const struct ladder_row *row,
                  enum place from)
{
    const struct ladder_side *side = &row->side[from];
    if (row->packet != LADDER_NONE || !side_empty(&row->side[place_other(from)]) ||
        side->call_returns || state_at_rest(ladder, side->state))
        return false;
    return side->call == LADDER_NONE || call_sends(ladder->calls[side->call].name);
}

bool join_state(const struct ladder *ladder, const struct ladder_row *row, enum place at,
                enum tcp_state state)
{
    const struct ladder_side *side = &row->side[at];
    if (side->state != LADDER_NONE)
        return false;
    if (packet_at(ladder, row, at))
        return true;
    /* What the other end was in when the first SYN set out for it. */
    if (row->packet != LADDER_NONE && row->packet_sent &&
        ladder->packets[row->packet].packet.flags == TCP_SYN &&
        (state == STATE_CLOSED || state == STATE_LISTEN))
        return true;
    return row->packet == LADDER_NONE && side->call_enters && !side->call_returns &&
           (state == STATE_CLOSED || state == STATE_LISTEN);
}

bool join_entry(const struct ladder_row *row, enum place at)
{
    return row->packet == LADDER_NONE && row->side[at].call == LADDER_NONE &&
           row->side[at].state != LADDER_NONE;
}

bool join_return(const struct ladder *ladder, const struct ladder_row *row, enum place at,
                 int call)
{
    const struct ladder_side *side = &row->side[at];
    if (side->call != LADDER_NONE)
        return side->call == call && !side->call_returns;
    return packet_at(ladder, row, at);
}
