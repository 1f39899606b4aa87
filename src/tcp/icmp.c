/* What ICMP errors mean to a connection. */
#include "tcp/story.h"

static enum icmp_meaning meaning_of_unreachable(uint8_t code)
{
    switch (code) {
    case 0:
    case 6:
    case 11: return ICMP_NETWORK;
    case 1:
    case 7:
    case 8:
    case 12: return ICMP_HOST;
    case 3: return ICMP_PORT;
    case 9:
    case 10:
    case 13: return ICMP_FORBIDDEN;
    default: return ICMP_OTHER;
    }
}

static enum icmp_meaning meaning_of_unreachable_v6(uint8_t code)
{
    switch (code) {
    case 0: return ICMP_NETWORK;
    case 1:
    case 5:
    case 6: return ICMP_FORBIDDEN;
    case 2:
    case 3: return ICMP_HOST;
    case 4: return ICMP_PORT;
    default: return ICMP_OTHER;
    }
}

enum icmp_meaning icmp_meaning(const struct icmp_note *note)
{
    if (note->family == 4)
        return note->type == 3    ? meaning_of_unreachable(note->code)
               : note->type == 11 ? ICMP_TOO_FAR
                                  : ICMP_OTHER;
    if (note->family == 6)
        return note->type == 1   ? meaning_of_unreachable_v6(note->code)
               : note->type == 3 ? ICMP_TOO_FAR
                                 : ICMP_OTHER;
    return ICMP_NOTHING;
}
