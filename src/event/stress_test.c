/* Eight threads do everything at once to a few events, sets and sockets, and free events under each
 * other's hands. It says nothing of what comes out; it is for the sanitizers, and for hanging. */
#include <stdatomic.h>

#include "event/contract.h"

enum { THREADS = 8, EVENTS = 12, PAIRS = 8, STEPS = 20000, SHORT_NS = 20000 };

static _Atomic(wo_event *) events[EVENTS];
static wo_set *sets[2];
static struct pair pairs[PAIRS];
static struct listener listener;

/* A xorshift generator: the same steps in every run, the threads' timing aside. */
struct dice {
    uint32_t state;
};

static unsigned throw(struct dice * dice, unsigned sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 17;
    dice->state ^= dice->state << 5;
    return dice->state % sides;
}

static wo_event *any_event(struct dice *dice)
{
    return atomic_load(&events[throw(dice, EVENTS)]);
}

static int any_near(struct dice *dice)
{
    return pairs[throw(dice, PAIRS)].near;
}

static void select_one(struct dice *dice)
{
    wo_select(any_near(dice), any_event(dice), throw(dice, WO_ALL_NETWORK_EVENTS + 1));
}

static void enumerate_one(struct dice *dice)
{
    wo_network_events network;

    wo_enumerate(any_near(dice), any_event(dice), &network);
}

static void set_one(struct dice *dice)
{
    wo_event_set(any_event(dice));
}

static void reset_one(struct dice *dice)
{
    wo_event_reset(any_event(dice));
}

static void wait_for_two(struct dice *dice)
{
    wo_event *two[2] = {any_event(dice), any_event(dice)};

    wo_wait(two, 2, throw(dice, 2) ? WO_ANY : WO_ALL, SHORT_NS, NULL);
}

static void wait_for_set(struct dice *dice)
{
    wo_ready ready[3];

    wo_set_wait(sets[throw(dice, 2)], ready, 3, SHORT_NS);
}

static void add_one(struct dice *dice)
{
    wo_set_add(sets[throw(dice, 2)], any_event(dice), NULL);
}

static void remove_one(struct dice *dice)
{
    wo_set_remove(sets[throw(dice, 2)], any_event(dice));
}

static void send_some(struct dice *dice)
{
    wo_send(pairs[throw(dice, PAIRS)].far, "hello", 5, MSG_DONTWAIT);
}

static void receive_some(struct dice *dice)
{
    char bytes[3];

    wo_recv(any_near(dice), bytes, sizeof(bytes), MSG_DONTWAIT);
}

static void time_one(struct dice *dice)
{
    wo_timer_set(any_event(dice), throw(dice, 3) * SHORT_NS, throw(dice, 2) * SHORT_NS);
}

static void cancel_one(struct dice *dice)
{
    wo_timer_cancel(any_event(dice));
}

static void wait_fairly(struct dice *dice)
{
    wo_event *three[3] = {any_event(dice), any_event(dice), any_event(dice)};
    size_t index = throw(dice, 3);

    wo_wait_next(three, 3, SHORT_NS, &index);
}

static void replace_one(struct dice *dice)
{
    wo_event *fresh, *old;

    if (wo_event_new(throw(dice, 2) ? WO_MANUAL_RESET : WO_AUTO_RESET, &fresh) < 0)
        return;
    old = atomic_exchange(&events[throw(dice, EVENTS)], fresh);
    wo_event_free(&old);
}

/* Its number goes round among the threads, who may be in the middle of something with it. */
static void accept_one(struct dice *dice)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int client = new_socket(), accepted;

    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    wo_select(client, any_event(dice), WO_CONNECT | WO_CLOSE);
    wo_connect(client, (struct sockaddr *)&listener.address, sizeof(listener.address));
    accepted = wo_accept(listener.fd, NULL, NULL);
    if (accepted >= 0)
        wo_select(accepted, any_event(dice), WO_READ | WO_CLOSE);
    wo_close(client);
    if (accepted >= 0)
        wo_close(accepted);
}

static void *do_everything(void *argument)
{
    static void (*const steps[])(struct dice *) = {
        select_one,   enumerate_one, set_one,    reset_one,   wait_for_two,
        wait_for_set, add_one,       remove_one, send_some,   receive_some,
        replace_one,  time_one,      cancel_one, wait_fairly, accept_one,
    };
    struct dice *dice = argument;

    for (int i = 0; i < STEPS; i++)
        steps[throw(dice, sizeof(steps) / sizeof(steps[0]))](dice);
    return NULL;
}

static void eight_threads_may_do_everything_at_once(void **state)
{
    pthread_t threads[THREADS];
    struct dice dice[THREADS];

    (void)state;
    for (size_t i = 0; i < EVENTS; i++)
        atomic_store(&events[i], new_event(i % 2 ? WO_AUTO_RESET : WO_MANUAL_RESET));
    for (size_t i = 0; i < PAIRS; i++)
        pairs[i] = connect_pair();
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(wo_set_new(&sets[i]), 0);
    listener = listen_somewhere();
    assert_int_equal(wo_select(listener.fd, atomic_load(&events[0]), WO_ACCEPT | WO_READ),
                     0);
    for (uint32_t i = 0; i < THREADS; i++) {
        dice[i].state = 2463534242u + i;
        assert_int_equal(pthread_create(&threads[i], NULL, do_everything, &dice[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < PAIRS; i++)
        close_pair(&pairs[i]);
    wo_close(listener.fd);
    wo_set_free(&sets[0]);
    for (size_t i = 0; i < EVENTS; i++) {
        wo_event *event = atomic_load(&events[i]);

        wo_event_free(&event);
    }
    wo_set_free(&sets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_may_do_everything_at_once),
    };

    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
