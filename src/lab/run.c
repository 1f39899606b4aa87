/* The director: takes a part's steps in turn, and asks the wire for rest between them. */
#include "lab/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "lab/stage.h"
#include "wire/link.h"

/* How long all may take to come to rest, how long evidence is waited for unless it says,
 * and how often it is looked for. A busy machine is a slow one, not a different one. */
#define REST_NS (30 * NS_PER_S)
#define SETTLE_NS (5 * NS_PER_S)
#define PATIENCE_NS (3 * NS_PER_S)
#define LOOK_NS (5 * NS_PER_MS)
#define LOOK_SLOWLY_NS (25 * NS_PER_MS)

int64_t stage_now_ns(void)
{
    return clock_monotonic_ns();
}

static void sleep_ns(int64_t ns)
{
    struct timespec left = {ns / NS_PER_S, ns % NS_PER_S};
    nanosleep(&left, NULL);
}

static int stopped(const struct stage *stage)
{
    return stage->options->stop && *stage->options->stop
               ? error_set(stage->err, ERROR_INTERRUPTED, "stopped")
               : 0;
}

static int rest(struct stage *stage, void (*look)(void *owner, struct wire *wire))
{
    int status = wire_at_rest(stage->wire, look, stage, REST_NS);
    if (status == ERROR_TIMED_OUT)
        return error_set(stage->err, status, "the hosts did not come to rest");
    return status ? error_set(stage->err, status, "the wire failed") : 0;
}

static void look_at_nothing(void *owner, struct wire *wire)
{
    (void)owner, (void)wire;
}

/* --- Sockets --- */

struct actor *stage_actor(const struct stage *stage, enum place place, const char *name)
{
    list_for_each (link, &stage->actors) {
        struct actor *actor = list_member(link, struct actor, link);
        if (actor->socket.place == place && strcmp(actor->socket.name, name) == 0)
            return actor;
    }
    return NULL;
}

bool stage_is_connection(const struct stage *stage, enum place place, const char *name,
                         const struct story *story)
{
    const struct actor *actor = stage_actor(stage, place, name);
    if (!actor || !actor->local_port)
        return false;
    const struct endpoint *here = place == PLACE_CLIENT ? &story->client : &story->server;
    const struct endpoint *there =
        place == PLACE_CLIENT ? &story->server : &story->client;
    return here->port == actor->local_port && endpoint_equal(&actor->peer, there);
}

static int begin_actor(struct stage *stage, const struct lab_socket *socket, int fd,
                       struct actor **ret_actor)
{
    int status = actor_start(stage->wire, socket, fd, ret_actor, stage->err);
    if (status)
        return status;
    if (socket->place == PLACE_CLIENT)
        (*ret_actor)->port = stage->next_client_port++;
    list_append(&stage->actors, &(*ret_actor)->link);
    return 0;
}

/* What accept has returned gets a program of its own, under the name the script gave. */
static int adopt(struct stage *stage, struct actor *listener)
{
    struct list_link *last = listener->log.head.previous;
    if (last == &listener->log.head)
        return 0;
    struct actor_call *call = list_member(last, struct actor_call, link);
    if (call->call != CALL_ACCEPT || call->return_ns == UNSEEN_NS || call->result < 0 ||
        call->adopted)
        return 0;
    call->adopted = true;
    struct lab_socket socket = {listener->socket.place, call->as};
    struct actor *actor = stage_actor(stage, socket.place, socket.name);
    if (actor) {
        if (actor->fd >= 0) {
            close((int)call->result);
            return error_set(stage->err, ERROR_ARGUMENT,
                             "accept would give its socket a name that another has");
        }
        list_remove(&actor->link);
        list_append(&stage->gone, &actor->link);
    }
    int status = begin_actor(stage, &socket, (int)call->result, &actor);
    if (status) {
        close((int)call->result);
        return status;
    }
    actor->local_port = call->local_port;
    actor->peer = call->peer;
    return 0;
}

static int adopt_all(struct stage *stage)
{
    int status = 0;
    list_for_each (link, &stage->actors) {
        struct actor *actor = list_member(link, struct actor, link);
        if (status == 0 && !actor_busy(actor))
            status = adopt(stage, actor);
    }
    return status;
}

/* --- Steps --- */

static int set(struct stage *stage, const struct lab_step *step)
{
    char path[80];
    struct error err = {0};
    snprintf(path, sizeof path, "ipv4/%s", step->setting.name);
    int status =
        wire_set(stage->wire, step->setting.place, path, step->setting.value, &err);
    if (status == ERROR_ABSENT && step->setting.if_known)
        return 0;
    if (status == ERROR_ABSENT)
        return error_set(stage->err, status, "this kernel has no setting net.ipv4.%s",
                         step->setting.name);
    return status ? error_set(stage->err, status, "%s", err.sentence) : 0;
}

/* Until its call has returned. */
static int wait_for_actor(struct stage *stage, struct actor *actor)
{
    int64_t give_up_ns = stage_now_ns() + PATIENCE_NS;
    int status = 0;
    while (status == 0 && actor_busy(actor)) {
        if (stage_now_ns() > give_up_ns)
            return error_set(stage->err, ERROR_TIMED_OUT,
                             "the call before on the same socket has not returned");
        sleep_ns(LOOK_NS);
        status = stopped(stage);
    }
    return status;
}

static struct endpoint destination(const struct stage *stage, const struct lab_do *act)
{
    const uint8_t *host = link_addresses[PLACE_CLIENT];
    uint16_t port = act->port;
    if (act->socket.place == PLACE_CLIENT)
        return wire_server(stage->wire, port ? port : LAB_SERVER_PORT);
    return endpoint_ipv4(host[0], host[1], host[2], host[3],
                         port ? port : LAB_CLIENT_PORT);
}

static int act(struct stage *stage, const struct lab_do *order)
{
    struct actor *actor = stage_actor(stage, order->socket.place, order->socket.name);
    bool first = order->call == CALL_CONNECT || order->call == CALL_LISTEN ||
                 order->call == CALL_BIND || order->call == CALL_SET;
    int status = 0;
    if (!actor && !first)
        return error_set(stage->err, ERROR_ARGUMENT,
                         "there is no such socket: nothing has made it");
    if (!actor)
        status = begin_actor(stage, &order->socket, -1, &actor);
    if (status == 0)
        status = wait_for_actor(stage, actor);
    if (status == 0 && actor->fd < 0 && !first)
        return error_set(stage->err, ERROR_ARGUMENT, "this socket is closed");
    if (status)
        return status;
    struct endpoint peer = destination(stage, order);
    status = actor_order(actor, order, order->call == CALL_CONNECT ? &peer : NULL);
    return status ? error_set(stage->err, status, "no memory for a call") : 0;
}

static int wait_some(struct stage *stage, int64_t ns)
{
    int64_t end_ns = stage_now_ns() + ns;
    int status = 0;
    while (status == 0 && stage_now_ns() < end_ns) {
        int64_t left_ns = end_ns - stage_now_ns();
        sleep_ns(left_ns < LOOK_SLOWLY_NS ? left_ns : LOOK_SLOWLY_NS);
        status = stopped(stage);
    }
    return status;
}

static int64_t patience_ns(const struct lab_evidence *evidence)
{
    if (evidence->patience_ns)
        return evidence->patience_ns;
    if (evidence->when == WHEN_AFTER)
        return evidence->when_ns + evidence->when_ns / 4 + PATIENCE_NS / 2;
    return PATIENCE_NS;
}

/* Looks until it is there, or cannot come any more, or patience is over. */
static int look_for(struct stage *stage, struct lab_finding *finding)
{
    const struct lab_evidence *evidence = &stage->step->evidence;
    int64_t begun_ns = stage_now_ns(), give_up_ns = begun_ns + patience_ns(evidence);
    int status = 0;

    finding->step = stage->step;
    finding->sight.story = -1;
    stage->finding = finding;
    for (;;) {
        bool last = stage_now_ns() >= give_up_ns;
        status = rest(stage, stage_see);
        if (status == 0)
            status = adopt_all(stage);
        if (status == 0)
            status = stopped(stage);
        if (status || finding->found != FOUND_UNSEEN || last)
            break;
        sleep_ns(stage_now_ns() - begun_ns < NS_PER_S ? LOOK_NS : LOOK_SLOWLY_NS);
    }
    if (finding->found == FOUND_UNSEEN)
        finding->found = finding->other >= 0 && evidence->see != SEE_PACKET &&
                                 evidence->see != SEE_STATE && evidence->see != SEE_RESULT
                             ? FOUND_OTHERWISE
                             : FOUND_NOT;
    if (evidence->sense == SENSE_COUNT && finding->found == FOUND_NOT)
        finding->found = FOUND_OTHERWISE;
    finding->t_ns =
        (finding->sight.kind == SIGHT_NONE ? stage_now_ns() : finding->sight.t_ns) -
        stage->result->started_ns;
    return status;
}

static int take_step(struct stage *stage, struct lab_finding **next_finding)
{
    const struct lab_step *step = stage->step;
    int status = 0;
    if (step->kind != STEP_EVIDENCE)
        stage->step_ns = stage_now_ns();
    switch (step->kind) {
    case STEP_SETTING: return set(stage, step);
    case STEP_DO: status = act(stage, &step->act); break;
    case STEP_WAIT: return wait_some(stage, step->wait_ns);
    case STEP_EVIDENCE: return look_for(stage, (*next_finding)++);
    case STEP_WIRE:
        stage->status = 0;
        status = rest(stage, stage_wire_act);
        status = status ? status : stage->status;
        break;
    }
    if (status == 0)
        status = rest(stage, look_at_nothing);
    return status ? status : adopt_all(stage);
}

/* --- A part --- */

static bool fails(const struct lab_finding *finding)
{
    return finding->found != FOUND && finding->found != FOUND_UNSEEN;
}

static int play(struct stage *stage, const struct lab_steps *steps,
                struct lab_finding **next_finding)
{
    int status = 0;
    for (const struct lab_step *step = steps->first; step && status == 0;
         step = step->next) {
        stage->step = step;
        status = take_step(stage, next_finding);
        if (step->kind == STEP_EVIDENCE && status == 0 && fails(*next_finding - 1))
            return 1;
    }
    return status;
}

static size_t count_evidence(const struct lab_steps *steps)
{
    size_t count = 0;
    for (const struct lab_step *step = steps->first; step; step = step->next)
        count += step->kind == STEP_EVIDENCE;
    return count;
}

static void list_evidence(struct lab_finding *findings, size_t *count,
                          const struct lab_steps *steps)
{
    for (const struct lab_step *step = steps->first; step; step = step->next)
        if (step->kind == STEP_EVIDENCE)
            findings[(*count)++] = (struct lab_finding){
                .step = step, .found = FOUND_UNSEEN, .sight = {.story = -1}, .other = -1};
}

static int keep_stories(struct lab_part_result *result, const struct wire *wire)
{
    size_t count = wire_story_count(wire);
    result->stories = calloc(count ? count : 1, sizeof(struct story *));
    if (!result->stories)
        return ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        int failed = story_copy(wire_story(wire, i), &result->stories[i]);
        if (failed)
            return failed;
        result->story_count++;
    }
    return 0;
}

static void judge(struct lab_part_result *result)
{
    result->outcome = result->trouble[0] ? OUTCOME_NOT_PROVOKED : OUTCOME_SUPPORTED;
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct lab_finding *finding = &result->findings[i];
        if (!fails(finding))
            continue;
        result->outcome = finding->step->evidence.required ? OUTCOME_NOT_PROVOKED
                                                           : OUTCOME_CONTRADICTED;
        return;
    }
}

/* Times count from what happened first, as they do beside the picture. */
static void begin_with_first_event(struct lab_part_result *result)
{
    int64_t first_ns = INT64_MAX;
    for (size_t i = 0; i < result->story_count; i++)
        if (result->stories[i]->event_count &&
            result->stories[i]->events[0].t_ns < first_ns)
            first_ns = result->stories[i]->events[0].t_ns;
    if (first_ns == INT64_MAX)
        return;
    for (size_t i = 0; i < result->finding_count; i++)
        result->findings[i].t_ns -= first_ns - result->started_ns;
    result->started_ns = first_ns;
}

static void dismiss(struct list *actors)
{
    list_for_each_safe (link, actors) {
        struct actor *actor = list_member(link, struct actor, link);
        list_remove(link);
        actor_stop(&actor);
    }
}

/* Trouble with the script or the machine is a reason, and no error: 0 then. */
static int note_trouble(struct lab_part_result *result, const struct stage *stage,
                        int status)
{
    if (status == 0 || status == ERROR_MEMORY || status == ERROR_INTERRUPTED)
        return status;
    snprintf(result->trouble, sizeof result->trouble, "%s", stage->err->sentence);
    result->trouble_line = stage->step ? stage->step->line : 0;
    return 0;
}

static bool kernel_has(const char *setting)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", setting);
    return access(path, F_OK) == 0;
}

static int run_part(const struct experiment *experiment, const struct lab_part *part,
                    const struct lab_options *options, struct lab_part_result *result,
                    enum wire_kind *ret_kind, struct error *err)
{
    struct stage *stage = calloc(1, sizeof *stage);
    result->part = part;
    result->left_out = part->needs && !kernel_has(part->needs);
    if (result->left_out) {
        free(stage);
        return 0;
    }
    result->findings =
        calloc(count_evidence(&experiment->given) + count_evidence(&part->steps) + 1,
               sizeof *result->findings);
    if (!stage || !result->findings) {
        free(stage);
        return error_set(err, ERROR_MEMORY, "no memory for an experiment");
    }
    list_evidence(result->findings, &result->finding_count, &experiment->given);
    list_evidence(result->findings, &result->finding_count, &part->steps);
    *stage = (struct stage){.options = options,
                            .result = result,
                            .next_client_port = LAB_CLIENT_PORT,
                            .err = err};
    list_init(&stage->actors);
    list_init(&stage->gone);
    struct wire_options wire = {.kind = options->kind,
                                .delay_ns = options->delay_ns,
                                .settle_ns = SETTLE_NS,
                                .rule = {stage_decide, stage},
                                .on_packet = stage_on_packet,
                                .owner = stage};
    struct lab_finding *next_finding = result->findings;
    int status = wire_open(&wire, &stage->wire, err);
    if (status) {
        free(stage);
        return status;
    }
    *ret_kind = wire_kind(stage->wire);
    if (*ret_kind != WIRE_TUN && *ret_kind != WIRE_VETH) {
        status = error_set(err, ERROR_UNSUPPORTED, "two hosts cannot be had here: %s",
                           wire_why_not_better(stage->wire));
        wire_close(&stage->wire);
        free(stage);
        return status;
    }
    stage->cursor_ns = result->started_ns = stage_now_ns();
    /* A device that has just come up may lose what is sent at once. */
    status = rest(stage, look_at_nothing);
    if (status == 0)
        status = play(stage, &experiment->given, &next_finding);
    if (status == 0)
        status = play(stage, &part->steps, &next_finding);
    if (status == 0)
        status = rest(stage, stage_see_never);
    status = note_trouble(result, stage, status > 0 ? 0 : status);
    int ended = wire_stop(stage->wire);
    if (status == 0 && ended)
        status = error_set(err, ended, "the wire failed");
    if (status == 0) {
        status = keep_stories(result, stage->wire);
        if (status)
            error_set(err, status, "no memory for the stories");
    }
    dismiss(&stage->actors);
    dismiss(&stage->gone);
    stage_forget_packets(stage);
    wire_close(&stage->wire);
    free(stage);
    judge(result);
    begin_with_first_event(result);
    return status;
}

/* --- The whole --- */

static size_t count_parts(const struct experiment *experiment)
{
    size_t count = 0;
    for (const struct lab_part *part = experiment->parts; part; part = part->next)
        count++;
    return count;
}

int lab_run(const struct experiment *experiment, const struct lab_options *options,
            struct lab_result *ret_result, struct error *err)
{
    struct lab_result result = {.experiment = experiment, .kind = options->kind};
    struct lab_options now = *options;
    int64_t begun_ns = stage_now_ns();
    int status = 0;
    result.parts = calloc(count_parts(experiment) + 1, sizeof *result.parts);
    if (!result.parts)
        return error_set(err, ERROR_MEMORY, "no memory for an experiment");
    for (const struct lab_part *part = experiment->parts; part; part = part->next) {
        struct lab_part_result *one = &result.parts[result.part_count++];
        buffer_init(&one->capture[0].bytes, 0);
        buffer_init(&one->capture[1].bytes, 0);
        status = run_part(experiment, part, &now, one, &result.kind, err);
        if (status)
            break;
        now.kind = result.kind;
        if (result.outcome == OUTCOME_SUPPORTED)
            result.outcome = one->outcome;
        else if (one->outcome == OUTCOME_CONTRADICTED)
            result.outcome = OUTCOME_CONTRADICTED;
        if (options->first_failure && result.outcome != OUTCOME_SUPPORTED)
            break;
    }
    result.took_ns = stage_now_ns() - begun_ns;
    if (status)
        lab_result_done(&result);
    else
        *ret_result = result;
    return status;
}

void lab_result_done(struct lab_result *result)
{
    for (size_t i = 0; i < result->part_count; i++) {
        struct lab_part_result *part = &result->parts[i];
        for (size_t k = 0; k < part->story_count; k++)
            story_free(&part->stories[k]);
        free(part->stories);
        free(part->findings);
        buffer_done(&part->capture[0].bytes);
        buffer_done(&part->capture[1].bytes);
    }
    free(result->parts);
    *result = (struct lab_result){0};
}

const struct lab_finding *lab_result_decisive(const struct lab_result *result,
                                              const struct lab_part_result **ret_part)
{
    for (size_t i = 0; i < result->part_count; i++) {
        const struct lab_part_result *part = &result->parts[i];
        if (part->outcome != result->outcome || part->outcome == OUTCOME_SUPPORTED)
            continue;
        *ret_part = part;
        for (size_t k = 0; k < part->finding_count; k++)
            if (fails(&part->findings[k]))
                return &part->findings[k];
        return NULL;
    }
    *ret_part = NULL;
    return NULL;
}
