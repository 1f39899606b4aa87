/* What holds: every state answers every event, and the answer is in this table and
 * nowhere else. */
#include "tcp/state.h"

/* Short names keep the table a table. */
#define NONE STATE_NONE
#define CLSD STATE_CLOSED
#define LSTN STATE_LISTEN
#define SSNT STATE_SYN_SENT
#define SRCV STATE_SYN_RECEIVED
#define ESTB STATE_ESTABLISHED
#define FIN1 STATE_FIN_WAIT_1
#define FIN2 STATE_FIN_WAIT_2
#define CLSW STATE_CLOSE_WAIT
#define CLSG STATE_CLOSING
#define LACK STATE_LAST_ACK
#define TIMW STATE_TIME_WAIT

/* clang-format off */
static const unsigned char table[][STATE_EVENT_COUNT] = {
/*                    sent:                           received:
 *                    SYN   S+A   other FIN   RST     SYN   S+A   ACK   AofF  FIN   F+AofF RST */
[STATE_NONE]         = {SSNT, SRCV, NONE, FIN1, CLSD, NONE, ESTB, NONE, FIN2, CLSW, TIMW, CLSD},
[STATE_CLOSED]       = {SSNT, SRCV, CLSD, CLSD, CLSD, CLSD, CLSD, CLSD, CLSD, CLSD, CLSD, CLSD},
[STATE_LISTEN]       = {SSNT, SRCV, LSTN, LSTN, LSTN, SRCV, LSTN, LSTN, LSTN, LSTN, LSTN, LSTN},
[STATE_SYN_SENT]     = {SSNT, SRCV, ESTB, FIN1, SSNT, SRCV, ESTB, SSNT, SSNT, SSNT, SSNT, CLSD},
[STATE_SYN_RECEIVED] = {SRCV, SRCV, SRCV, FIN1, CLSD, SRCV, ESTB, ESTB, ESTB, CLSW, CLSW, CLSD},
[STATE_ESTABLISHED]  = {ESTB, ESTB, ESTB, FIN1, CLSD, ESTB, ESTB, ESTB, ESTB, CLSW, CLSW, CLSD},
[STATE_FIN_WAIT_1]   = {FIN1, FIN1, FIN1, FIN1, CLSD, FIN1, FIN1, FIN1, FIN2, CLSG, TIMW, CLSD},
[STATE_FIN_WAIT_2]   = {FIN2, FIN2, FIN2, FIN2, CLSD, FIN2, FIN2, FIN2, FIN2, TIMW, TIMW, CLSD},
[STATE_CLOSE_WAIT]   = {CLSW, CLSW, CLSW, LACK, CLSD, CLSW, CLSW, CLSW, CLSW, CLSW, CLSW, CLSD},
[STATE_CLOSING]      = {CLSG, CLSG, CLSG, CLSG, CLSD, CLSG, CLSG, CLSG, TIMW, CLSG, TIMW, CLSD},
[STATE_LAST_ACK]     = {LACK, LACK, LACK, LACK, CLSD, LACK, LACK, LACK, CLSD, LACK, CLSD, CLSD},
[STATE_TIME_WAIT]    = {SSNT, SRCV, TIMW, TIMW, CLSD, TIMW, TIMW, TIMW, TIMW, TIMW, TIMW, CLSD},
};
/* clang-format on */
_Static_assert(sizeof table / sizeof table[0] == STATE_COUNT, "a state lacks its row");

enum tcp_state state_after(enum tcp_state state, enum state_event event)
{
    return (enum tcp_state)table[state][event];
}
