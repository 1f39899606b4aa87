/* The contract, seventh part: sockets of other kinds, calls that fail with more to come,
 * and numbers that a program closed or used again without a word to the library. */
#include "event/contract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* --- Other kinds --- */

static void connections_within_the_machine_have_the_same_events(void **state)
{
    struct scene *scene = *state;
    char bytes[4];
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(wo_select(ends[0], scene->event, ALL_OF_IT), 0);
    expect(ends[0], scene->event, WO_CONNECT | WO_WRITE);
    send_plainly(ends[1], "hello");
    expect(ends[0], scene->event, WO_READ);
    assert_int_equal(wo_recv(ends[0], bytes, sizeof(bytes), 0), 4);
    expect(ends[0], scene->event, WO_READ);
    assert_int_equal(wo_recv(ends[0], bytes, sizeof(bytes), 0), 1);
    assert_false(is_set(scene->event));
    close_plainly(ends[1]);
    assert_int_equal(expect(ends[0], scene->event, WO_CLOSE).errors[WO_CLOSE_BIT], 0);
    assert_int_equal(wo_recv(ends[0], bytes, sizeof(bytes), 0), 0);
    wo_close(ends[0]);
}

/* Two datagram sockets connected to each other. */
static struct pair connect_both_ways(struct sockaddr_in *ret_far)
{
    struct pair ends = connect_datagrams();
    socklen_t length = sizeof(*ret_far);

    assert_int_equal(getsockname(ends.far, (struct sockaddr *)ret_far, &length), 0);
    assert_int_equal(connect(ends.near, (struct sockaddr *)ret_far, length), 0);
    return ends;
}

/* The far end, once more at the same address. */
static int open_again(const struct sockaddr_in *far, int near)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)far, sizeof(*far)), 0);
    assert_int_equal(getsockname(near, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, length), 0);
    return fd;
}

static void a_datagram_refused_is_told_once_and_hides_none(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in far;
    struct pair ends = connect_both_ways(&far);
    char bytes[4];

    send_plainly(ends.far, "x");
    close_plainly(ends.far);
    send_plainly(ends.near, "to nobody");
    wo_select(ends.near, scene->event, WO_READ);
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), -ECONNREFUSED);
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 1);
    ends.far = open_again(&far, ends.near);
    send_plainly(ends.far, "");
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 0);
    close_pair(&ends);
}

/* --- Before they were selected --- */

static void a_connect_that_failed_before_is_recorded_when_selected(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in nobody = nobodys_address();
    int fd = new_socket();

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)), -1);
    assert_int_equal(errno, EINPROGRESS);
    wo_select(fd, scene->event, ALL_OF_IT);
    assert_int_equal(expect(fd, scene->event, WO_CONNECT).errors[WO_CONNECT_BIT],
                     ECONNREFUSED);
    wo_close(fd);
}

/* --- Calls that fail, with more to come --- */

/* Nobody else would say that the connection still waits. */
static void an_accept_that_fails_leaves_the_connection_recorded(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int client = connect_plainly(&listener), accepted;
    struct rlimit limit, none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    wo_select(listener.fd, scene->event, WO_ACCEPT);
    expect(listener.fd, scene->event, WO_ACCEPT);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    accepted = wo_accept(listener.fd, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(accepted, -EMFILE);
    expect(listener.fd, scene->event, WO_ACCEPT);
    accepted = wo_accept(listener.fd, NULL, NULL);
    assert_true(accepted >= 0);
    wo_close(accepted);
    close_plainly(client);
    wo_close(listener.fd);
}

static void an_urgent_receive_that_finds_nothing_leaves_the_data(void **state)
{
    struct scene *scene = *state;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_OOB);
    send_plainly(scene->pair.far, "x");
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, &byte, 1, MSG_OOB), -EINVAL);
    expect(scene->pair.near, scene->event, WO_READ);
}

/* --- Numbers used again --- */

/* Another socket by a number whose selection the program never ended. */
static void a_number_closed_by_close_has_nothing_of_the_socket_before(void **state)
{
    struct scene *scene = *state;
    struct pair second = connect_pair();
    int number = scene->pair.near;

    wo_select(number, scene->event, ALL_OF_IT);
    end_plainly(scene->pair.far);
    expect(number, scene->event, WO_CONNECT | WO_WRITE | WO_CLOSE);
    assert_int_equal(dup3(second.near, number, O_CLOEXEC), number);
    close_plainly(second.near);
    second.near = -1;
    wo_select(number, scene->other, WO_READ | WO_WRITE | WO_CLOSE);
    expect(number, scene->other, WO_WRITE);
    send_plainly(second.far, "x");
    end_plainly(second.far);
    await(scene->other);
    assert_true(recorded(number, scene->other) & WO_CLOSE);
    close_pair(&second);
}

static void an_accepted_socket_has_nothing_of_one_closed_by_close(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int number = scene->pair.near, client = connect_plainly(&listener);
    wo_event *kept = new_event(WO_MANUAL_RESET);

    wo_select(listener.fd, scene->event, WO_ACCEPT | WO_READ);
    wo_select(scene->pair.far, kept, WO_CLOSE);
    wo_select(number, kept, WO_READ);
    expect(listener.fd, scene->event, WO_ACCEPT);
    close_plainly(number);
    assert_int_equal(wo_accept(listener.fd, NULL, NULL), number);
    send_plainly(client, "x");
    expect(number, scene->event, WO_READ);
    expect(scene->pair.far, kept, WO_CLOSE);
    wo_event_free(&kept);
    expect_unselected(scene->pair.far, scene->other);
    send_plainly(client, "y");
    expect(number, scene->event, WO_READ);
    close_plainly(client);
    wo_close(listener.fd);
}

/* --- Processes --- */

/* The library's own are neither files nor sockets. */
static void no_descriptor_is_left_to_another_program(void **state)
{
    struct scene *scene = *state;
    const struct dirent *entry;
    int seen = 0;
    DIR *folder;
    wo_set *set;

    assert_int_equal(wo_set_new(&set), 0);
    assert_int_equal(wo_set_add(set, scene->event, NULL), 0);
    assert_int_equal(wo_select(scene->pair.near, scene->event, WO_READ), 0);
    folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char what[64] = "";

        if (readlinkat(dirfd(folder), entry->d_name, what, sizeof(what) - 1) < 0 ||
            strncmp(what, "anon_inode:", 11) != 0)
            continue;
        assert_true(fcntl(atoi(entry->d_name), F_GETFD) & FD_CLOEXEC);
        seen++;
    }
    closedir(folder);
    assert_true(seen >= 4); /* a wake and an engine, of the set and of all others */
    wo_set_free(&set);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest rules[] = {
        RULE(connections_within_the_machine_have_the_same_events),
        RULE(a_datagram_refused_is_told_once_and_hides_none),
        RULE(a_connect_that_failed_before_is_recorded_when_selected),
        RULE(an_accept_that_fails_leaves_the_connection_recorded),
        RULE(an_urgent_receive_that_finds_nothing_leaves_the_data),
        RULE(a_number_closed_by_close_has_nothing_of_the_socket_before),
        RULE(an_accepted_socket_has_nothing_of_one_closed_by_close),
        RULE(no_descriptor_is_left_to_another_program),
    };

    return cmocka_run_group_tests_name("sockets", rules, NULL, NULL);
}
