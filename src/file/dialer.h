/* A dialer: a thread that opens connections more for a transfer under way, so that its loop need not wait
 * for their handshakes.
 *
 *     dialer_new           nothing is dialled yet
 *     dialer_want          one more, please
 *     the event is set; dialer_take gives a channel that is attached
 *     dialer_free          also in the middle */
#ifndef WOSHOU_FILE_DIALER_H
#define WOSHOU_FILE_DIALER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/session.h"
#include "woshou/event.h"

struct dialer;
struct error;

/* The options are copied, what they point to is borrowed until dialer_free; `stop` is replaced by one of
 * the dialer's own. */
int dialer_new(const struct session_options *options, const uint8_t *transfer_id,
               struct dialer **ret_dialer, struct error *err);
/* Waits for what is under way to be broken off. Accepts null, leaves null. */
void dialer_free(struct dialer **dialer);
/* Set while there is something to take. */
wo_event *dialer_event(struct dialer *dialer);
void dialer_want(struct dialer *dialer);
/* How many were asked for, and have neither come nor failed. */
unsigned dialer_pending(struct dialer *dialer);
/* True, and the channel is the caller's; false: none is there. */
bool dialer_take(struct dialer *dialer, struct channel *ret_channel);

#endif
