#include "draw/marks.h"

#include "draw/words.h"

const char *story_mark(const struct ladder *ladder, int story)
{
    static const char marks[LADDER_STORIES_MAX][5] = {"① ", "② ", "③ ", "④ ", "⑤ ",
                                                      "⑥ ", "⑦ ", "⑧ ", "⑨ "};
    return ladder->story_count > 1 && story >= 0 && story < LADDER_STORIES_MAX
               ? marks[story]
               : "";
}

const char *fate_mark(const struct ladder_packet *packet)
{
    switch (packet->packet.fate) {
    case FATE_LOST: return N_("lost");
    case FATE_DELAYED: return N_("delayed");
    case FATE_INJECTED: return N_("injected");
    case FATE_DUPLICATED:
    case FATE_DELIVERED: break;
    }
    return packet->received_row == LADDER_NONE && !packet->level ? N_("in flight") : NULL;
}
