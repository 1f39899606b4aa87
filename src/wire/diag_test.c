/* The kernel is asked about connections of this process, on the loopback. */
#include "wire/diag.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A connection, both ends of it ours. */
struct pair {
    struct diag diag;
    int listener, client, server;
    struct endpoint client_end, server_end;
};

static struct endpoint end_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return endpoint_from_address((struct sockaddr *)&address);
}

static int open_pair(void **state)
{
    static struct pair pair;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(diag_open(&pair.diag, NULL), 0);
    pair.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(pair.listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(pair.listener, 1), 0);
    assert_int_equal(getsockname(pair.listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, length), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    assert_true(pair.server >= 0);
    pair.client_end = end_of(pair.client);
    pair.server_end = end_of(pair.server);
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    int fds[] = {pair->listener, pair->client, pair->server};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    diag_close(&pair->diag);
    return 0;
}

static struct diag_answer ask(struct pair *pair, const struct endpoint *local,
                              const struct endpoint *remote)
{
    struct diag_answer answer;
    assert_int_equal(diag_ask(&pair->diag, local, remote, &answer), 0);
    return answer;
}

static struct diag_answer ask_client(struct pair *pair)
{
    return ask(pair, &pair->client_end, &pair->server_end);
}

static struct diag_answer ask_server(struct pair *pair)
{
    return ask(pair, &pair->server_end, &pair->client_end);
}

static uint64_t inode_of(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static void an_end_is_told_by_its_state_and_its_sockets_inode(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(ask_client(pair).state, STATE_ESTABLISHED);
    assert_int_equal(ask_client(pair).inode, inode_of(pair->client));
    assert_int_equal(ask_server(pair).state, STATE_ESTABLISHED);
    assert_int_equal(ask_server(pair).inode, inode_of(pair->server));
}

static void a_close_goes_through_the_states_of_rfc_9293(void **state)
{
    struct pair *pair = *state;
    close(pair->server);
    pair->server = -1;
    /* The kernel takes its time to acknowledge a FIN. */
    enum tcp_state state_then = ask_server(pair).state;
    assert_true(state_then == STATE_FIN_WAIT_1 || state_then == STATE_FIN_WAIT_2);
    assert_int_equal(ask_client(pair).state, STATE_CLOSE_WAIT);
    close(pair->client);
    pair->client = -1;
    assert_int_equal(ask_server(pair).state, STATE_TIME_WAIT);
    assert_int_equal(ask_client(pair).state, STATE_CLOSED);
}

static void what_the_kernel_does_not_know_is_closed(void **state)
{
    struct pair *pair = *state;
    struct endpoint nobody = endpoint_ipv4(127, 9, 9, 9, 9);
    struct diag_answer answer = ask(pair, &nobody, &pair->client_end);
    assert_int_equal(answer.state, STATE_CLOSED);
    assert_int_equal(answer.inode, 0);
}

static void a_port_without_the_connection_answers_for_its_listener(void **state)
{
    struct pair *pair = *state;
    struct endpoint nobody = endpoint_ipv4(127, 9, 9, 9, 9);
    assert_int_equal(ask(pair, &pair->server_end, &nobody).state, STATE_LISTEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_is_told_by_its_state_and_its_sockets_inode,
                                        open_pair, close_pair),
        cmocka_unit_test_setup_teardown(a_close_goes_through_the_states_of_rfc_9293,
                                        open_pair, close_pair),
        cmocka_unit_test_setup_teardown(what_the_kernel_does_not_know_is_closed,
                                        open_pair, close_pair),
        cmocka_unit_test_setup_teardown(
            a_port_without_the_connection_answers_for_its_listener, open_pair,
            close_pair),
    };
    return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
