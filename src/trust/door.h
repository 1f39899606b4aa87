/* The door: what stands between an accepted connection and a guest who has said who he
 * is. It tells plain from TLS, shakes hands, hears HELLO, checks the version and the
 * token, welcomes or refuses, and gives nobody longer than a deadline for all of it.
 * Wrong tokens are held against the address they come from (trust/source.h).
 *
 *     door_admit          takes the accepted socket; put guest->channel.event into the wait set
 *     door_step           whenever that event is set, and once right after door_admit:
 *         DOOR_STILL      nothing to do but wait for the event (a timer of the door's sets it too)
 *         DOOR_READY      welcomed: take guest->channel (a copy; it is yours), read `business` and the
 *                         rest, and call channel_next at once: frames may have come already
 *         DOOR_OVER       refused, gone or too slow: note guest->why, and door_dismiss
 *     door_dismiss        closes and forgets; also in the middle, when the server ends
 *
 * The door is shared by all workers, a guest is his worker's. Who is refused is told so
 * in an ERROR frame, and his connection is closed in good order, which the door sees to:
 * DOOR_STILL until then. */
#ifndef WOSHOU_TRUST_DOOR_H
#define WOSHOU_TRUST_DOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/channel.h"
#include "net/greeting.h"
#include "trust/token.h"

struct error;
struct identity;
struct token_store;
struct watch;

struct door_options {
    const struct identity *identity; /* for TLS; borrowed; null: there is none here */
    struct token_store *tokens;      /* borrowed; null: nobody's token is looked at */
    bool insecure;           /* neither TLS nor a token is asked of other machines */
    const char *server_name; /* at most GREETING_NAME_BYTES of UTF-8; borrowed */
    unsigned most_strangers; /* who have not said who they are, at a time; 0: 1,000 */
    unsigned most_of_source; /* of them from one other address; 0: 100 */
    int64_t patience_ns;     /* from door_admit to HELLO; 0: 10 s */
};

struct door;

int door_new(const struct door_options *options, struct door **ret_door,
             struct error *err);
/* All guests must be dismissed or welcomed. Accepts null, leaves null. */
void door_free(struct door **door);
/* From now on everyone is told that the server is draining. From any thread. */
void door_drain(struct door *door);
/* How many are in front of the door; from any thread. */
unsigned door_strangers(const struct door *door);

enum door_state { DOOR_STILL, DOOR_READY, DOOR_OVER };

enum door_phase {
    DOOR_PHASE_FIRST_BYTE,
    DOOR_PHASE_HANDSHAKE,
    DOOR_PHASE_HELLO,
    DOOR_PHASE_LEAVING,
    DOOR_PHASE_GONE
};

struct door_guest {
    struct channel channel;
    struct door *door;
    enum door_phase phase;
    int64_t deadline_ns, now_ns;
    bool enciphered;
    bool local; /* both ends are on this machine */

    /* With DOOR_READY. */
    uint8_t business; /* enum business */
    uint16_t version;
    uint32_t features;
    uint8_t client_id[GREETING_CLIENT_ID_BYTES];
    /* The token's; else as he would like to be called: raw, and perhaps "". */
    char name[GREETING_NAME_BYTES + 1];
    char token_id[TOKEN_ID_TEXT]; /* "" without one; ask token_store_has now and then */

    /* With DOOR_OVER: for the log and the metrics. */
    enum frame_error refused; /* 0: he left, or was lost */
    const char *why;          /* English, static, of our own words or OpenSSL's */
};

/* Takes the accepted socket and a manual-reset event, both taken whatever comes of it.
 * `event` must be in no set yet. -EBUSY: there are too many strangers, and it is closed
 * already (from half of most_strangers on, some from other machines are sent away by
 * chance, so that who fills the place up cannot keep all others out); or what
 * channel_adopt says. */
int door_admit(struct door *door, int fd, wo_event *event, const struct endpoint *peer,
               struct watch *watch, int64_t now_ns, struct door_guest *ret_guest);
enum door_state door_step(struct door_guest *guest, struct channel_scratch *scratch,
                          int64_t now_ns);
/* Closes his connection, unless he was ready; accepts one dismissed already. */
void door_dismiss(struct door_guest *guest);

#endif
