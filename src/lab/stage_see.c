/* Evidence. Everything here runs in the wire's thread while all is at rest. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lab/stage.h"
#include "wire/diag.h"

/* How far a kernel's timer may be off: a busy machine runs it late, and tells late of the
 * call's return it is measured from. */
static bool too_early(int64_t gap_ns, int64_t wanted_ns)
{
    return gap_ns < wanted_ns - wanted_ns * 3 / 100 - 20 * NS_PER_MS;
}

static bool too_late(int64_t gap_ns, int64_t wanted_ns)
{
    return gap_ns > wanted_ns + wanted_ns * 15 / 100 + 50 * NS_PER_MS;
}

/* Shorter than any timer that sends something again. */
static const int64_t at_once_ns = 150 * NS_PER_MS;

/* --- What happened, whatever it is: one by one, in the order of time --- */

/* The evidence's own events, of stories and of logs alike. */
struct search {
    const struct stage *stage;
    const struct lab_evidence *evidence;
    int64_t since_ns;
    bool unused; /* only what no earlier evidence rests on */
};

static bool is_used(const struct stage *stage, const struct sight *sight)
{
    const struct lab_part_result *result = stage->result;
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct lab_finding *finding = &result->findings[i];
        if (finding != stage->finding && finding->found == FOUND &&
            finding->step->evidence.sense == SENSE_SEEN &&
            sight_equal(&finding->sight, sight))
            return true;
    }
    return false;
}

static bool is_such_event(const struct search *search, const struct story *story,
                          const struct event *event)
{
    const struct lab_evidence *evidence = search->evidence;
    if (evidence->see == SEE_PACKET) {
        if (!sight_is_packet(&evidence->packet, story, event))
            return false;
    } else if (evidence->see != SEE_STATE || !sight_is_state(evidence, event)) {
        return false;
    }
    return evidence->any_socket ||
           stage_is_connection(search->stage, evidence->socket.place,
                               evidence->socket.name, story);
}

static bool is_such_call(const struct lab_evidence *evidence,
                         const struct actor_call *call)
{
    const struct lab_socket *socket = &call->actor->socket;
    return call->call == evidence->call && socket->place == evidence->socket.place &&
           (evidence->any_socket || strcmp(socket->name, evidence->socket.name) == 0);
}

static bool is_such_result(const struct lab_evidence *evidence,
                           const struct actor_call *call)
{
    if (evidence->text && strcmp(evidence->text, call->heard) != 0)
        return false;
    return evidence->any_result ? call->result >= 0 : call->result == evidence->result;
}

static void take_earlier(struct sight *best, const struct sight *sight, size_t *count)
{
    ++*count;
    if (best->kind == SIGHT_NONE || sight->t_ns < best->t_ns)
        *best = *sight;
}

static void search_stories(const struct search *search, struct sight *ret_first,
                           size_t *count)
{
    const struct stage *stage = search->stage;
    for (size_t i = 0; i < wire_story_count(stage->wire); i++) {
        const struct story *story = wire_story(stage->wire, i);
        for (size_t k = 0; k < story->event_count; k++) {
            const struct event *event = &story->events[k];
            struct sight sight = sight_of(event, (int)i);
            if (event->t_ns >= search->since_ns && is_such_event(search, story, event) &&
                !(search->unused && is_used(stage, &sight)))
                take_earlier(ret_first, &sight, count);
        }
    }
}

static void search_logs(const struct search *search, struct sight *ret_first,
                        size_t *count)
{
    list_for_each (link, &search->stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        list_for_each (entry, &actor->log) {
            const struct actor_call *call = list_member(entry, struct actor_call, link);
            if (call->return_ns == UNSEEN_NS || call->return_ns < search->since_ns ||
                (search->unused && call->used) || !is_such_call(search->evidence, call) ||
                !is_such_result(search->evidence, call))
                continue;
            struct sight sight = {.kind = SIGHT_CALL,
                                  .story = -1,
                                  .t_ns = call->return_ns,
                                  .place = actor->socket.place,
                                  .call = call->id};
            take_earlier(ret_first, &sight, count);
        }
    }
}

/* How many there are, and the first of them. */
static size_t search_all(const struct search *search, struct sight *ret_first)
{
    size_t count = 0;
    *ret_first = (struct sight){.story = -1};
    if (search->evidence->see == SEE_RESULT)
        search_logs(search, ret_first, &count);
    else
        search_stories(search, ret_first, &count);
    return count;
}

/* --- Evidence that comes in its turn --- */

static void use_call(const struct stage *stage, const struct sight *sight)
{
    list_for_each (link, &stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        list_for_each (entry, &actor->log) {
            struct actor_call *call = list_member(entry, struct actor_call, link);
            if (call->return_ns == sight->t_ns && call->id == sight->call &&
                actor->socket.place == sight->place)
                call->used = true;
        }
    }
}

/* Of a call's return: it has come, with another result, and no such call lasts that could
 * still bring the right one. */
static bool came_otherwise(const struct search *search, struct lab_finding *finding)
{
    const struct actor_call *other = NULL;
    list_for_each (link, &search->stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        list_for_each (entry, &actor->log) {
            const struct actor_call *call = list_member(entry, struct actor_call, link);
            if (!is_such_call(search->evidence, call))
                continue;
            if (call->return_ns == UNSEEN_NS)
                return false;
            if (call->return_ns >= search->since_ns && !call->used)
                other = call;
        }
    }
    if (!other)
        return false;
    finding->other = other->result;
    finding->sight = (struct sight){.kind = SIGHT_CALL,
                                    .story = -1,
                                    .t_ns = other->return_ns,
                                    .place = other->actor->socket.place,
                                    .call = other->id};
    return true;
}

static enum lab_found judge_time(const struct lab_evidence *evidence, int64_t gap_ns)
{
    if (evidence->when == WHEN_AT_ONCE)
        return gap_ns > at_once_ns ? FOUND_LATE : FOUND;
    if (evidence->when == WHEN_AFTER)
        return too_early(gap_ns, evidence->when_ns)  ? FOUND_EARLY
               : too_late(gap_ns, evidence->when_ns) ? FOUND_LATE
                                                     : FOUND;
    return FOUND;
}

static void see_in_turn(struct stage *stage, const struct lab_evidence *evidence,
                        struct lab_finding *finding)
{
    struct search search = {stage, evidence, stage->cursor_ns, true};
    if (search_all(&search, &finding->sight) == 0) {
        if (evidence->see == SEE_RESULT && came_otherwise(&search, finding))
            finding->found = FOUND_OTHERWISE;
        return;
    }
    finding->gap_ns = finding->sight.t_ns - stage->cursor_ns;
    finding->found = judge_time(evidence, finding->gap_ns);
    if (finding->found == FOUND)
        stage->cursor_ns = finding->sight.t_ns;
    if (evidence->see == SEE_RESULT)
        use_call(stage, &finding->sight);
}

/* --- Evidence of this moment --- */

static bool is_connection(const struct stage *stage, const struct lab_evidence *evidence,
                          const struct story *story)
{
    return evidence->any_socket || stage_is_connection(stage, evidence->socket.place,
                                                       evidence->socket.name, story);
}

static bool is_in_state(const struct stage *stage, const struct lab_evidence *evidence,
                        int64_t *ret_other)
{
    bool found = false;
    for (size_t i = 0; i < wire_story_count(stage->wire) && !found; i++) {
        const struct story *story = wire_story(stage->wire, i);
        if (!is_connection(stage, evidence, story))
            continue;
        *ret_other = sight_last_state(story, evidence->socket.place);
        found = *ret_other == (int64_t)evidence->state;
    }
    return found;
}

static bool call_lasts(const struct stage *stage, const struct lab_evidence *evidence)
{
    list_for_each (link, &stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        list_for_each (entry, &actor->log) {
            const struct actor_call *call = list_member(entry, struct actor_call, link);
            if (call->return_ns == UNSEEN_NS && is_such_call(evidence, call))
                return true;
        }
    }
    return false;
}

/* Of a listening socket TCP_INFO's counts are its queue's. */
static int64_t accept_queue(const struct stage *stage, enum place place)
{
    int64_t depth = 0;
    list_for_each (link, &stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        struct tcp_info info = {0};
        socklen_t length = sizeof info;
        if (actor->socket.place == place && actor->listens && actor->fd >= 0 &&
            getsockopt(actor->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0)
            depth += info.tcpi_unacked;
    }
    return depth;
}

static int64_t count_half_open(const struct stage *stage, enum place place)
{
    int64_t count = 0;
    for (size_t i = 0; i < wire_story_count(stage->wire); i++)
        count +=
            sight_last_state(wire_story(stage->wire, i), place) == STATE_SYN_RECEIVED;
    return count;
}

static uint16_t port_of(const struct stage *stage, size_t story, enum place place)
{
    const struct story *told = wire_story(stage->wire, story);
    return place == PLACE_CLIENT ? told->client.port : told->server.port;
}

static int64_t count_ports(const struct stage *stage, enum place place)
{
    int64_t count = 0;
    for (size_t i = 0; i < wire_story_count(stage->wire); i++) {
        bool before = false;
        for (size_t k = 0; k < i && !before; k++)
            before = port_of(stage, k, place) == port_of(stage, i, place);
        count += !before;
    }
    return count;
}

static int64_t count_sockets(const struct stage *stage, enum place place)
{
    int64_t count = 0;
    list_for_each (link, &stage->actors) {
        const struct actor *actor = list_member(link, struct actor, link);
        struct tcp_info info = {0};
        socklen_t length = sizeof info;
        if (actor->socket.place == place && !actor->listens && actor->fd >= 0 &&
            getsockopt(actor->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
            info.tcpi_state == TCP_ESTABLISHED)
            count++;
    }
    return count;
}

/* As far from its end as is said: looked at a little later, and never earlier. */
static bool timer_runs(const struct stage *stage, const struct lab_evidence *evidence,
                       int64_t *ret_other)
{
    for (size_t i = 0; i < wire_story_count(stage->wire); i++) {
        const struct story *story = wire_story(stage->wire, i);
        struct diag_answer answer;
        if (!is_connection(stage, evidence, story) ||
            wire_ask(stage->wire, evidence->socket.place, &story->client, &story->server,
                     &answer))
            continue;
        *ret_other = answer.expires_ms;
        int64_t left_ns = answer.expires_ms * NS_PER_MS;
        if ((int)answer.timer == evidence->timer &&
            (evidence->timer_ns == 0 ||
             (left_ns <= evidence->timer_ns + evidence->timer_ns / 50 &&
              left_ns >= evidence->timer_ns - evidence->timer_ns / 50)))
            return true;
    }
    return false;
}

static void see_now(struct stage *stage, const struct lab_evidence *evidence,
                    struct lab_finding *finding)
{
    enum place place = evidence->socket.place;
    bool there = false;
    finding->other = -1;
    switch (evidence->see) {
    case SEE_IN_STATE: there = is_in_state(stage, evidence, &finding->other); break;
    case SEE_WAITING: there = call_lasts(stage, evidence); break;
    case SEE_QUEUE: finding->other = accept_queue(stage, place); break;
    case SEE_HALF_OPEN: finding->other = count_half_open(stage, place); break;
    case SEE_PORTS: finding->other = count_ports(stage, place); break;
    case SEE_SOCKETS: finding->other = count_sockets(stage, place); break;
    case SEE_TIMER: there = timer_runs(stage, evidence, &finding->other); break;
    default: break;
    }
    if (evidence->see == SEE_QUEUE || evidence->see == SEE_HALF_OPEN ||
        evidence->see == SEE_PORTS || evidence->see == SEE_SOCKETS)
        there = finding->other >= evidence->least && finding->other <= evidence->most;
    if (there)
        finding->found = FOUND;
}

/* --- All of it --- */

void stage_see(void *owner, struct wire *wire)
{
    struct stage *stage = owner;
    const struct lab_evidence *evidence = &stage->step->evidence;
    struct lab_finding *finding = stage->finding;
    struct search search = {stage, evidence, INT64_MIN, false};
    (void)wire;

    if (evidence->see != SEE_PACKET && evidence->see != SEE_STATE &&
        evidence->see != SEE_RESULT) {
        see_now(stage, evidence, finding);
        return;
    }
    switch (evidence->sense) {
    case SENSE_SEEN: see_in_turn(stage, evidence, finding); break;
    case SENSE_NOT:
        search.since_ns = stage->step_ns;
        finding->found = search_all(&search, &finding->sight) ? FOUND_NOT : FOUND;
        break;
    case SENSE_NEVER:
        finding->found = search_all(&search, &finding->sight) ? FOUND_NOT : FOUND;
        break;
    case SENSE_COUNT: {
        size_t count = search_all(&search, &finding->sight);
        finding->other = (int64_t)count;
        finding->found = count == evidence->count  ? FOUND
                         : count > evidence->count ? FOUND_OTHERWISE
                                                   : FOUND_UNSEEN;
        break;
    }
    }
    if (evidence->sense != SENSE_SEEN && finding->found == FOUND &&
        evidence->sense != SENSE_COUNT)
        finding->sight = (struct sight){.story = -1};
}

void stage_see_never(void *owner, struct wire *wire)
{
    struct stage *stage = owner;
    (void)wire;
    for (size_t i = 0; i < stage->result->finding_count; i++) {
        struct lab_finding *finding = &stage->result->findings[i];
        if (finding->found != FOUND || finding->step->evidence.sense != SENSE_NEVER)
            continue;
        struct search search = {stage, &finding->step->evidence, INT64_MIN, false};
        if (search_all(&search, &finding->sight))
            finding->found = FOUND_NOT;
    }
}
