/* The contract, sixth part: what Winsock has not, or leaves undefined; fair waits, what is
 * refused, events freed while they are used, signal handlers, sockets that are not
 * selected. The other parts but those on wait sets and timers are told of Windows too. */
#include "event/contract.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 5000 };

/* --- Waiting --- */

static void what_is_no_event_is_refused(void **state)
{
    wo_event *event = NULL, *freed, *copy;

    (void)state;
    assert_int_equal(wo_event_new((enum wo_reset)7, &event), -EINVAL);
    assert_null(event);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, NULL), -EINVAL);
    assert_int_equal(wo_event_set(NULL), -EINVAL);
    assert_int_equal(wo_event_reset(NULL), -EINVAL);
    freed = copy = new_event(WO_MANUAL_RESET);
    wo_event_free(&freed);
    assert_int_equal(wo_event_set(copy), -EINVAL);
    assert_int_equal(wo_event_reset(copy), -EINVAL);
    assert_int_equal(wo_wait(&copy, 1, WO_ANY, 0, NULL), -EINVAL);
}

static void a_wait_is_told_what_is_wrong_with_it(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *hole[2] = {event, NULL};
    size_t index = 77;

    (void)state;
    assert_int_equal(wo_wait(&event, 0, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(NULL, 1, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(hole, 2, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, (enum wo_wait_mode)9, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, -2, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, 0, &index), -ETIMEDOUT);
    assert_int_equal(index, 77);
    wo_event_free(&event);
}

static void there_is_no_limit_of_64_events(void **state)
{
    static wo_event *events[MANY];
    size_t index;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        events[i] = new_event(WO_AUTO_RESET);
    wo_event_set(events[MANY - 1]);
    wo_event_set(events[64]);
    assert_int_equal(wo_wait(events, MANY, WO_ANY, 0, &index), 0);
    assert_int_equal(index, 64);
    assert_int_equal(wo_wait(events, MANY, WO_ANY, 0, &index), 0);
    assert_int_equal(index, MANY - 1);
    for (size_t i = 0; i < MANY; i++)
        wo_event_set(events[i]);
    assert_int_equal(wo_wait(events, MANY, WO_ALL, 0, &index), 0);
    assert_int_equal(wo_wait(events, MANY, WO_ANY, 0, &index), -ETIMEDOUT);
    for (size_t i = 0; i < MANY; i++)
        wo_event_free(&events[i]);
}

static void a_fair_wait_gives_every_set_event_its_turn(void **state)
{
    wo_event *events[4];
    size_t index = SIZE_MAX;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        events[i] = new_event(WO_MANUAL_RESET);
    wo_event_set(events[0]);
    wo_event_set(events[1]);
    wo_event_set(events[3]);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(wo_wait_next(events, 4, 0, &index), 0);
        assert_int_equal(index, ((size_t[]){0, 1, 3})[i % 3]);
    }
    wo_event_reset(events[0]);
    wo_event_reset(events[3]);
    for (index = 0; index < 4; index += 3) { /* behind 0, and round from 3 */
        assert_int_equal(wo_wait_next(events, 4, 0, &index), 0);
        assert_int_equal(index, 1);
    }
    wo_event_reset(events[1]);
    index = 2;
    assert_int_equal(wo_wait_next(events, 4, 0, &index), -ETIMEDOUT);
    assert_int_equal(index, 2);
    assert_int_equal(wo_wait_next(events, 4, 0, NULL), -EINVAL);
    assert_int_equal(wo_wait_next(events, 0, 0, &index), -EINVAL);
    assert_int_equal(wo_wait_next(NULL, 4, 0, &index), -EINVAL);
    assert_int_equal(wo_wait_next(events, 4, -2, &index), -EINVAL);
    for (size_t i = 0; i < 4; i++)
        wo_event_free(&events[i]);
}

static void a_busy_low_index_does_not_starve_the_network(void **state)
{
    struct pair pair = connect_pair();
    wo_event *events[2] = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)};
    size_t index = 1;

    (void)state;
    wo_select(pair.near, events[1], WO_READ);
    wo_event_set(events[0]);
    assert_int_equal(wo_wait_next(events, 2, 0, &index), 0);
    assert_int_equal(index, 0);
    send_plainly(pair.far, "x");
    assert_int_equal(wo_wait_next(events, 2, 0, &index), 0);
    assert_int_equal(index, 1);
    close_pair(&pair);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void a_timeout_is_never_early(void **state)
{
    static const int64_t timeouts_ns[] = {1, 1000, 300000, 1700000, 12345678};
    wo_event *event = new_event(WO_MANUAL_RESET);

    (void)state;
    for (size_t i = 0; i < sizeof(timeouts_ns) / sizeof(timeouts_ns[0]); i++) {
        int64_t began_ns = monotonic_ns();

        assert_int_equal(wo_wait(&event, 1, WO_ANY, timeouts_ns[i], NULL), -ETIMEDOUT);
        assert_true(monotonic_ns() - began_ns >= timeouts_ns[i]);
    }
    wo_event_free(&event);
}

static void a_timeout_of_centuries_does_not_end_at_once(void **state)
{
    struct waiting waiting = {
        .events = {new_event(WO_MANUAL_RESET)}, .count = 1, .timeout_ns = INT64_MAX};
    struct waiting in_set = {.timeout_ns = INT64_MAX};
    wo_event *event = new_event(WO_MANUAL_RESET);

    (void)state;
    assert_int_equal(wo_set_new(&in_set.set), 0);
    wo_set_add(in_set.set, event, NULL);
    start_waiting(&waiting);
    start_waiting(&in_set);
    wo_event_set(waiting.events[0]);
    wo_event_set(event);
    finish_waiting(&waiting);
    finish_waiting(&in_set);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(in_set.result, 1);
    wo_set_free(&in_set.set);
    wo_event_free(&waiting.events[0]);
    wo_event_free(&event);
}

static void freeing_an_event_cancels_the_waits_on_it(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *kept = new_event(WO_MANUAL_RESET);
    struct waiting first = {.events = {kept, event}, .count = 2}, second = first;

    (void)state;
    second.mode = WO_ALL;
    start_waiting(&first);
    start_waiting(&second);
    wo_event_free(&event);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, -ECANCELED);
    assert_int_equal(second.result, -ECANCELED);
    wo_event_free(&kept);
}

/* --- Signal handlers --- */

static wo_event *set_by_handler;

static void set_it(int number)
{
    (void)number;
    wo_event_set(set_by_handler);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(number, &action, NULL);
}

static void a_signal_handler_may_set_an_event(void **state)
{
    struct waiting waiting = {.events = {new_event(WO_MANUAL_RESET)}, .count = 1};

    (void)state;
    set_by_handler = waiting.events[0];
    handle(SIGUSR1, set_it);
    start_waiting(&waiting);
    pthread_kill(waiting.thread, SIGUSR1);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    wo_event_free(&waiting.events[0]);
}

static void do_nothing(int number)
{
    (void)number;
}

static void a_signal_alone_does_not_end_a_wait(void **state)
{
    struct waiting waiting = {
        .events = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)}, .count = 2};

    (void)state;
    handle(SIGUSR1, do_nothing);
    start_waiting(&waiting);
    pthread_kill(waiting.thread, SIGUSR1);
    wo_event_set(waiting.events[1]);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(waiting.index, 1);
    wo_event_free(&waiting.events[0]);
    wo_event_free(&waiting.events[1]);
}

static atomic_int rings;

static void ring(int number)
{
    (void)number;
    atomic_fetch_add(&rings, 1);
    wo_event_set(set_by_handler);
}

/* A timer's signal finds the thread anywhere in the library, its locks held or not. Every
 * setting must arrive: after each wait the next one ends only by another. */
static void a_handler_may_interrupt_the_library_anywhere(void **state)
{
    struct itimerval often = {.it_interval = {.tv_usec = 50},
                              .it_value = {.tv_usec = 50}};
    struct itimerval never = {0};
    wo_event *event = new_event(WO_AUTO_RESET), *other = new_event(WO_MANUAL_RESET);

    (void)state;
    set_by_handler = event;
    handle(SIGALRM, ring);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 300; i++) {
        int before = atomic_load(&rings);

        while (atomic_load(&rings) < before + 2) {
            wo_event_set(other);
            wo_event_reset(other);
        }
        assert_int_equal(wo_wait(&event, 1, WO_ANY, LONG_NS, NULL), 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    wo_event_free(&event);
    wo_event_free(&other);
}

/* --- Network events --- */

struct scene {
    struct pair pair;
    wo_event *event, *other;
};

static int open_scene(void **state)
{
    static struct scene scene;

    scene.pair = connect_pair();
    scene.event = new_event(WO_MANUAL_RESET);
    scene.other = new_event(WO_MANUAL_RESET);
    *state = &scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;

    close_pair(&scene->pair);
    wo_event_free(&scene->event);
    wo_event_free(&scene->other);
    return 0;
}

/* The kernel tells the error once; a call in between must not take it from the record. */
static void the_error_of_a_connect_is_not_lost_to_another_call(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in nobody = nobodys_address();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssize_t sent;

    wo_select(fd, scene->event, WO_CONNECT);
    wo_connect(fd, (struct sockaddr *)&nobody, sizeof(nobody));
    do
        sent = wo_send(fd, "x", 1, 0);
    while (sent == -EAGAIN);
    assert_int_equal(sent, -ECONNREFUSED);
    assert_int_equal(expect(fd, scene->event, WO_CONNECT).errors[4], ECONNREFUSED);
    wo_close(fd);
}

/* A connect that fails at once is the caller's to know, and is not recorded. */
static void a_connect_that_fails_at_once_is_not_recorded(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in nobody = nobodys_address();
    int fd = new_socket();

    wo_select(fd, scene->event, ALL_OF_IT);
    assert_int_equal(wo_connect(fd, (struct sockaddr *)&address, sizeof(address)),
                     -EAFNOSUPPORT);
    assert_false(is_set(scene->event));
    assert_int_equal(recorded(fd, scene->event), 0);
    wo_connect(fd, (struct sockaddr *)&nobody, sizeof(nobody));
    expect(fd, scene->event, WO_CONNECT);
    wo_close(fd);
}

static void selecting_what_cannot_be_selected_is_refused(void **state)
{
    struct scene *scene = *state;
    wo_event *freed = new_event(WO_MANUAL_RESET), *copy = freed;
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC), pipes[2];

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    wo_event_free(&freed);
    assert_int_equal(wo_select(scene->pair.near, NULL, WO_READ), -EINVAL);
    assert_int_equal(wo_select(scene->pair.near, scene->event, 1u << 6), -EINVAL);
    assert_int_equal(wo_select(scene->pair.near, copy, WO_READ), -EINVAL);
    assert_int_equal(wo_select(-1, scene->event, WO_READ), -EBADF);
    assert_int_equal(wo_select(file, scene->event, WO_READ), -ENOTSOCK);
    assert_int_equal(wo_select(pipes[0], scene->event, WO_READ), -ENOTSOCK);
    close(file);
    assert_int_equal(wo_select(file, scene->event, WO_READ), -EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

/* The same, where the other event lives in a wait set, on another engine. */
static void selecting_into_a_wait_set_reports_nothing_again(void **state)
{
    struct scene *scene = *state;
    wo_ready ready;
    wo_set *set;

    assert_int_equal(wo_set_new(&set), 0);
    wo_set_add(set, scene->other, NULL);
    wo_select(scene->pair.near, scene->event, WO_READ | WO_WRITE);
    send_plainly(scene->pair.far, "x");
    expect(scene->pair.near, scene->event, WO_READ | WO_WRITE);
    wo_select(scene->pair.near, scene->other, WO_READ | WO_WRITE);
    assert_int_equal(wo_set_wait(set, &ready, 1, 0), -ETIMEDOUT);
    wo_set_add(set, scene->event, NULL);
    wo_set_remove(set, scene->other);
    assert_false(is_set(scene->other));
    send_plainly(scene->pair.far, "y");
    expect(scene->pair.near, scene->other, WO_READ);
    wo_set_free(&set);
}

static void an_enumeration_that_fails_changes_nothing(void **state)
{
    struct scene *scene = *state;
    wo_event *freed = new_event(WO_MANUAL_RESET), *copy = freed;
    wo_network_events network = {.events = 99, .errors = {11, 12, 13, 14, 15, 16}};

    wo_event_free(&freed);
    wo_event_set(scene->event);
    assert_int_equal(wo_enumerate(scene->pair.near, scene->event, &network), -EINVAL);
    assert_int_equal(wo_enumerate(-1, scene->event, &network), -EINVAL);
    assert_true(is_set(scene->event));
    wo_select(scene->pair.near, scene->event, WO_WRITE);
    assert_int_equal(wo_enumerate(scene->pair.near, scene->event, NULL), -EINVAL);
    assert_int_equal(wo_enumerate(scene->pair.near, copy, &network), -EINVAL);
    assert_int_equal(network.events, 99);
    assert_int_equal(network.errors[1], 12);
    expect(scene->pair.near, scene->event, WO_WRITE);
}

static void closing_ends_the_selection(void **state)
{
    struct scene *scene = *state;
    int number = scene->pair.near, again;
    wo_network_events network;

    wo_select(number, scene->event, WO_READ | WO_CLOSE);
    assert_int_equal(wo_close(number), 0);
    assert_int_equal(wo_close(number), -EBADF);
    assert_int_equal(wo_enumerate(number, scene->event, &network), -EINVAL);
    /* Another socket by the same number has nothing of the first. */
    again = fcntl(scene->pair.far, F_DUPFD_CLOEXEC, number);
    assert_int_equal(again, number);
    assert_int_equal(wo_select(again, scene->other, WO_CLOSE), 0);
    assert_false(is_set(scene->event));
    expect(again, scene->other, WO_CLOSE);
}

static void freeing_an_event_ends_the_selections_to_it(void **state)
{
    struct scene *scene = *state;
    wo_event *freed = new_event(WO_MANUAL_RESET);
    wo_network_events network;

    wo_select(scene->pair.near, freed, WO_READ | WO_WRITE);
    wo_event_free(&freed);
    assert_int_equal(wo_enumerate(scene->pair.near, NULL, &network), -EINVAL);
    wo_select(scene->pair.near, scene->event, WO_WRITE);
    expect(scene->pair.near, scene->event, WO_WRITE);
}

static void on_unselected_sockets_the_calls_are_the_systems(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    char bytes[8];
    int client = connect_plainly(&listener),
        accepted = wo_accept(listener.fd, NULL, NULL);

    assert_true(accepted >= 0);
    assert_true(fcntl(accepted, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(wo_send(scene->pair.near, "hello", 5, 0), 5);
    assert_int_equal(wo_recv(scene->pair.far, bytes, sizeof(bytes), 0), 5);
    assert_int_equal(wo_recv(scene->pair.far, bytes, sizeof(bytes), MSG_DONTWAIT),
                     -EAGAIN);
    assert_int_equal(wo_recv(-1, bytes, sizeof(bytes), 0), -EBADF);
    assert_int_equal(wo_send(-1, bytes, sizeof(bytes), 0), -EBADF);
    assert_int_equal(wo_accept(-1, NULL, NULL), -EBADF);
    assert_int_equal(wo_connect(-1, NULL, 0), -EBADF);
    assert_int_equal(wo_close(-1), -EBADF);
    wo_close(accepted);
    wo_close(client);
    wo_close(listener.fd);
}

/* A file of `length` bytes, open and without a name. */
static int new_file(size_t length)
{
    char name[] = "/tmp/woshou-contract-XXXXXX", bytes[4096];
    int file = mkstemp(name);

    assert_true(file >= 0);
    unlink(name);
    for (size_t at = 0; at < length; at += sizeof(bytes)) {
        memset(bytes, (int)(at / sizeof(bytes)), sizeof(bytes));
        assert_int_equal(write(file, bytes, sizeof(bytes)), sizeof(bytes));
    }
    return file;
}

static void room_for_a_file_is_recorded_as_for_a_send(void **state)
{
    enum { LENGTH = 32 << 20 };
    struct scene *scene = *state;
    int file = new_file(LENGTH);
    int64_t offset = 0;
    size_t received = 0;
    static unsigned char bytes[1 << 16];
    int rounds = 0;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    expect(scene->pair.near, scene->event, WO_WRITE);
    while (received < LENGTH) {
        int64_t before = offset;
        ssize_t sent =
            wo_sendfile(scene->pair.near, file, &offset, LENGTH - (size_t)offset);
        assert_true(sent > 0 || sent == -EAGAIN || offset == LENGTH);
        assert_int_equal(offset, before + (sent > 0 ? sent : 0));
        if (sent > 0)
            continue;
        assert_false(offset < LENGTH && is_set(scene->event));
        rounds++;
        while (received < (size_t)offset) {
            ssize_t length = recv(scene->pair.far, bytes, sizeof(bytes), 0);
            assert_true(length > 0);
            for (ssize_t at = 0; at < length; at++)
                assert_int_equal(bytes[at], (received + (size_t)at) / 4096 % 256);
            received += (size_t)length;
        }
        if (received < LENGTH)
            expect(scene->pair.near, scene->event, WO_WRITE);
    }
    assert_true(rounds > 1);
    close(file);
}

static void a_file_that_ends_is_no_error(void **state)
{
    struct scene *scene = *state;
    int file = new_file(4096);
    int64_t offset = 4000;

    assert_int_equal(wo_sendfile(scene->pair.near, file, &offset, 1000), 96);
    assert_int_equal(offset, 4096);
    assert_int_equal(wo_sendfile(scene->pair.near, file, &offset, 1000), 0);
    assert_int_equal(wo_sendfile(scene->pair.near, file, NULL, 1000), -EINVAL);
    assert_int_equal(wo_sendfile(-1, file, &offset, 1), -EBADF);
    assert_int_equal(wo_sendfile(scene->pair.near, -1, &offset, 1), -EBADF);
    close(file);
}

static volatile sig_atomic_t pipes_broken;

static void note_broken_pipe(int signal)
{
    (void)signal;
    pipes_broken++;
}

/* Whether the thread holds SIGPIPE back or not, what is pending stays so and nothing is added. */
static void a_file_into_a_closed_socket_raises_no_signal(void **state)
{
    struct scene *scene = *state;
    const struct sigaction noting = {.sa_handler = note_broken_pipe};
    struct sigaction before;
    int file = new_file(4096);
    int64_t offset = 0;
    sigset_t pipe, pending;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    assert_int_equal(sigaction(SIGPIPE, &noting, &before), 0);
    assert_int_equal(shutdown(scene->pair.near, SHUT_WR), 0);
    assert_int_equal(wo_sendfile(scene->pair.near, file, &offset, 1), -EPIPE);
    assert_int_equal(offset, 0);
    assert_int_equal(pipes_broken, 0);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    assert_int_equal(wo_sendfile(scene->pair.near, file, &offset, 1), -EPIPE);
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    pthread_kill(pthread_self(), SIGPIPE);
    assert_int_equal(wo_sendfile(scene->pair.near, file, &offset, 1), -EPIPE);
    assert_int_equal(pipes_broken, 0);
    pthread_sigmask(SIG_UNBLOCK, &pipe, NULL);
    assert_int_equal(pipes_broken, 1);
    sigaction(SIGPIPE, &before, NULL);
    close(file);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest rules[] = {
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_wait_is_told_what_is_wrong_with_it),
        cmocka_unit_test(there_is_no_limit_of_64_events),
        cmocka_unit_test(a_fair_wait_gives_every_set_event_its_turn),
        cmocka_unit_test(a_busy_low_index_does_not_starve_the_network),
        cmocka_unit_test(a_timeout_is_never_early),
        cmocka_unit_test(a_timeout_of_centuries_does_not_end_at_once),
        cmocka_unit_test(freeing_an_event_cancels_the_waits_on_it),
        cmocka_unit_test(a_signal_handler_may_set_an_event),
        cmocka_unit_test(a_signal_alone_does_not_end_a_wait),
        cmocka_unit_test(a_handler_may_interrupt_the_library_anywhere),
        RULE(the_error_of_a_connect_is_not_lost_to_another_call),
        RULE(a_connect_that_fails_at_once_is_not_recorded),
        RULE(selecting_what_cannot_be_selected_is_refused),
        RULE(selecting_into_a_wait_set_reports_nothing_again),
        RULE(an_enumeration_that_fails_changes_nothing),
        RULE(closing_ends_the_selection),
        RULE(freeing_an_event_ends_the_selections_to_it),
        RULE(on_unselected_sockets_the_calls_are_the_systems),
        RULE(room_for_a_file_is_recorded_as_for_a_send),
        RULE(a_file_that_ends_is_no_error),
        RULE(a_file_into_a_closed_socket_raises_no_signal),
    };

    return cmocka_run_group_tests_name("beyond Winsock", rules, NULL, NULL);
}
