/* What pictures and tables say of a story or a packet beside its label. */
#ifndef WOSHOU_DRAW_MARKS_H
#define WOSHOU_DRAW_MARKS_H

#include "draw/ladder.h"

/* "① " for the ladder's first story, and so on; "" where there is only one. Static. */
const char *story_mark(const struct ladder *ladder, int story);

/* What befell a packet on the wire ("lost"), a message to be translated, or null where it
 * simply arrived. That it was a copy or came again, its label says. */
const char *fate_mark(const struct ladder_packet *packet);

#endif
