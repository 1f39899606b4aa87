#include "hello/server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/watch.h"
#include "hello/client.h"

/* A server in a thread of its own, as the laboratory runs it, with a clock that the test owns. */
struct stage {
    struct hello_server *server;
    wo_event *stop, *listening;
    struct endpoint local;
    pthread_t thread;
    _Atomic int64_t now_ns;
    struct clock clock;
    struct watch watch;
    char calls
        [1024]; /* the names of the server's calls; written by its thread, read after it */
    char said[1024], told[1024];
};

static int64_t stage_now_ns(void *owner)
{
    return atomic_load(&((struct stage *)owner)->now_ns);
}

static void stage_said(void *owner, const struct endpoint *peer, const char *text,
                       size_t length)
{
    (void)peer;
    strncat(((struct stage *)owner)->said, text, length);
}

static void stage_told(void *owner, const struct endpoint *peer, const char *sentence)
{
    assert_non_null(peer);
    strcat(((struct stage *)owner)->told, sentence);
}

static void stage_enter(struct watch *watch, const struct watch_call *call)
{
    (void)watch;
    (void)call;
}

static void stage_leave(struct watch *watch, const struct watch_call *call)
{
    struct stage *stage =
        (struct stage *)(void *)((char *)watch - offsetof(struct stage, watch));
    if (strcmp(call->name, "wait") == 0)
        return; /* how often it waits depends on who is faster */
    strcat(stage->calls, call->name);
    strcat(stage->calls, " ");
}

static void *stage_run(void *owner)
{
    struct stage *stage = owner;
    const struct endpoint loopback = endpoint_ipv4(127, 0, 0, 1, 0);
    const struct address address = address_from_endpoint(&loopback);
    assert_int_equal(hello_server_listen(stage->server, &address, &stage->local, NULL),
                     0);
    wo_event_set(stage->listening);
    assert_int_equal(hello_server_run(stage->server, stage->stop, NULL), 0);
    return NULL;
}

static int stage_open(void **state)
{
    static struct stage stage;
    stage = (struct stage){.now_ns = NS_PER_S};
    stage.clock = (struct clock){stage_now_ns, &stage};
    stage.watch = (struct watch){stage_enter, stage_leave};
    const struct hello_server_options options = {
        .clock = &stage.clock,
        .watch = &stage.watch,
        .reports = {stage_said, stage_told, &stage}};
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &stage.stop), 0);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &stage.listening), 0);
    assert_int_equal(hello_server_new(&options, &stage.server, NULL), 0);
    assert_int_equal(pthread_create(&stage.thread, NULL, stage_run, &stage), 0);
    assert_int_equal(wo_wait(&stage.listening, 1, WO_ANY, WO_FOREVER, NULL), 0);
    *state = &stage;
    return 0;
}

/* Ends the thread; what it wrote can be read from here on. */
static void stage_stop(struct stage *stage)
{
    wo_event_set(stage->stop);
    assert_int_equal(pthread_join(stage->thread, NULL), 0);
}

static int stage_close(void **state)
{
    struct stage *stage = *state;
    hello_server_free(&stage->server);
    assert_null(stage->server);
    wo_event_free(&stage->stop);
    wo_event_free(&stage->listening);
    return 0;
}

/* A plain connection that has had its greeting. */
static int greeted(const struct stage *stage)
{
    char greeting[12];
    const struct address address = address_from_endpoint(&stage->local);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address.storage, address.length), 0);
    assert_int_equal(recv(fd, greeting, sizeof greeting, MSG_WAITALL), 12);
    assert_memory_equal(greeting, "h\0e\0l\0l\0o\0\0", 12);
    return fd;
}

static void assert_closed_by_server(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void its_calls_are_the_articles_in_the_articles_order(void **state)
{
    struct stage *stage = *state;
    int fd = greeted(stage);
    assert_int_equal(send(fd, "h\0i\0\0", 6, 0), 6);
    assert_closed_by_server(fd);
    stage_stop(stage);
    assert_string_equal(stage->calls, "socket bind listen accept send recv close ");
    assert_string_equal(stage->said, "hi");
    assert_string_equal(stage->told, "");
}

static void open_and_served_are_counted(void **state)
{
    struct stage *stage = *state;
    int first = greeted(stage), second = greeted(stage);
    assert_int_equal(hello_server_open_count(stage->server), 2);
    assert_int_equal(hello_server_served_count(stage->server), 0);
    assert_int_equal(send(first, "\0", 2, 0), 2);
    assert_closed_by_server(first);
    stage_stop(stage);
    assert_int_equal(hello_server_open_count(stage->server), 1);
    assert_int_equal(hello_server_served_count(stage->server), 1);
    close(second);
}

static void silence_is_counted_on_the_servers_clock(void **state)
{
    struct stage *stage = *state;
    int silent = greeted(stage);
    close(greeted(stage)); /* this one greeted, the first's silence has begun */
    atomic_fetch_add(&stage->now_ns, 60 * NS_PER_S);
    int waking =
        greeted(stage); /* the server looks at its clock when something happens */
    assert_closed_by_server(silent);
    stage_stop(stage);
    assert_string_equal(stage->told, "said nothing for 60 s, closed");
    close(waking);
}

static void a_string_without_zero_ends_half_a_second_after_its_last_bytes(void **state)
{
    struct stage *stage = *state;
    int talking = greeted(stage);
    assert_int_equal(send(talking, "a\0b", 3, 0), 3);
    close(greeted(stage)); /* once this one is greeted, the bytes before it were read */
    close(greeted(stage));
    atomic_fetch_add(&stage->now_ns, 500 * NS_PER_MS);
    close(greeted(stage));
    assert_closed_by_server(talking);
    stage_stop(stage);
    assert_string_equal(stage->said, "a");
    assert_string_equal(stage->told, "an odd number of bytes, the last left out");
}

static void draining_ends_after_five_seconds_however_much_comes(void **state)
{
    struct stage *stage = *state;
    char flood[300], byte;
    memset(flood, 'x', sizeof flood);
    int flooding = greeted(stage);
    assert_int_equal(send(flooding, flood, sizeof flood, 0), sizeof flood);
    assert_int_equal(recv(flooding, &byte, 1, 0), 0); /* the server has no more to say */
    for (int second = 0; second < 5; second++) {
        assert_int_equal(send(flooding, flood, 2, MSG_NOSIGNAL), 2);
        close(greeted(
            stage)); /* once the second of these is greeted, the bytes were read */
        close(greeted(stage));
        atomic_fetch_add(&stage->now_ns, NS_PER_S);
    }
    close(greeted(stage));
    close(greeted(stage));
    send(flooding, flood, 2, MSG_NOSIGNAL); /* closed: answered by a reset */
    assert_int_equal(send(flooding, flood, 2, MSG_NOSIGNAL), -1);
    close(flooding);
    stage_stop(stage);
    assert_string_equal(stage->told, "more than 200 bytes, the rest left out");
}

static void stopping_leaves_the_open_conversations_to_be_freed(void **state)
{
    struct stage *stage = *state;
    int fds[20];
    for (int i = 0; i < 20; i++)
        fds[i] = greeted(stage);
    stage_stop(stage);
    hello_server_free(&stage->server);
    for (int i = 0; i < 20; i++)
        assert_closed_by_server(fds[i]);
}

static void hear(void *owner, const char *text, size_t length,
                 const struct message_faults *faults)
{
    assert_false(message_faulty(faults));
    strncat(owner, text, length);
}

static void our_client_hears_answers_and_leaves(void **state)
{
    struct stage *stage = *state;
    char heard[64] = "";
    const struct address_list addresses = {1, {address_from_endpoint(&stage->local)}};
    const struct hello_client_options options = {
        .say = "hi", .heard = hear, .owner = heard};
    struct hello_client client;
    wo_event *stop;
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &stop), 0);
    assert_int_equal(hello_client_open(&client, &addresses, &options, stop, NULL), 0);
    assert_true(endpoint_equal(&client.stream.peer, &stage->local));
    assert_int_equal(hello_client_run(&client, stop, NULL), 0);
    hello_client_close(&client);
    wo_event_free(&stop);
    stage_stop(stage);
    assert_string_equal(heard, "hello");
    assert_string_equal(stage->said, "hi");
}

int main(void)
{
#define stage_test(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)
    const struct CMUnitTest tests[] = {
        stage_test(its_calls_are_the_articles_in_the_articles_order),
        stage_test(open_and_served_are_counted),
        stage_test(silence_is_counted_on_the_servers_clock),
        stage_test(a_string_without_zero_ends_half_a_second_after_its_last_bytes),
        stage_test(draining_ends_after_five_seconds_however_much_comes),
        stage_test(stopping_leaves_the_open_conversations_to_be_freed),
        stage_test(our_client_hears_answers_and_leaves),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
