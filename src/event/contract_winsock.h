/* The contract told of Winsock: what the names of include/woshou/event.h mean there, and as
 * much of cmocka as the stories use. A program that moves from Winsock reads it the other
 * way round. Built by cross compilers, run on Windows or under Wine; see meson.build. */
#ifndef WOSHOU_EVENT_CONTRACT_WINSOCK_H
#define WOSHOU_EVENT_CONTRACT_WINSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <winsock2.h>

#include <windows.h>
#include <ws2tcpip.h>
#undef near /* left from segmented memory, and the names of a pair's ends here */
#undef far

/* --- Events: an event is a HANDLE --- */

typedef struct wo_event wo_event;
typedef struct wo_set wo_set; /* Winsock has none; its stories are not told here */
typedef struct wo_ready {
    wo_event *event;
    void *owner;
} wo_ready;

enum wo_reset { WO_MANUAL_RESET, WO_AUTO_RESET };
enum wo_wait_mode { WO_ANY, WO_ALL };
#define WO_FOREVER INT64_C(-1)

int wo_event_new(enum wo_reset reset, wo_event **ret_event); /* CreateEvent */
void wo_event_free(wo_event **event);                        /* WSACloseEvent */
int wo_event_set(wo_event *event);                           /* WSASetEvent */
int wo_event_reset(wo_event *event);                         /* WSAResetEvent */
/* WSAWaitForMultipleEvents */
int wo_wait(wo_event *const *events, size_t count, enum wo_wait_mode mode,
            int64_t timeout_ns, size_t *ret_index);

/* --- Network events: the same bits --- */

enum wo_network_event {
    WO_READ = FD_READ,
    WO_WRITE = FD_WRITE,
    WO_OOB = FD_OOB,
    WO_ACCEPT = FD_ACCEPT,
    WO_CONNECT = FD_CONNECT,
    WO_CLOSE = FD_CLOSE
};
#define WO_NETWORK_EVENTS 6
#define WO_ALL_NETWORK_EVENTS ((1u << WO_NETWORK_EVENTS) - 1)

/* WSANETWORKEVENTS, with errno's numbers. */
typedef struct wo_network_events {
    unsigned events;
    int errors[WO_NETWORK_EVENTS];
} wo_network_events;

int wo_select(int fd, wo_event *event, unsigned events); /* WSAEventSelect */
/* WSAEnumNetworkEvents */
int wo_enumerate(int fd, wo_event *event, wo_network_events *ret_network);

/* accept, connect, recv, send, closesocket. A SOCKET is a small number and fits an int. */
int wo_accept(int fd, struct sockaddr *ret_address, socklen_t *address_length);
int wo_connect(int fd, const struct sockaddr *address, socklen_t address_length);
ssize_t wo_recv(int fd, void *buffer, size_t length, int flags);
ssize_t wo_send(int fd, const void *buffer, size_t length, int flags);
int wo_close(int fd);

/* --- What Winsock spells otherwise --- */

#define SOCK_CLOEXEC 0
#define MSG_NOSIGNAL 0
#define SHUT_WR SD_SEND
#define accept4(fd, address, length, flags) accept((SOCKET)(fd), address, length)

/* --- cmocka --- */

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};
#define cmocka_unit_test(test)                                                           \
    {                                                                                    \
#test, test, NULL, NULL                                                          \
    }
#define cmocka_unit_test_setup_teardown(test, setup, teardown)                           \
    {                                                                                    \
#test, test, setup, teardown                                                     \
    }
#define cmocka_run_group_tests_name(title, tests, setup, teardown)                       \
    run_stories(tests, sizeof(tests) / sizeof((tests)[0]))

/* Runs the stories and prints TAP. */
int run_stories(const struct CMUnitTest *stories, size_t count);
/* Ends the running story where it does not hold. */
void check(bool holds, const char *what, long long found, long long expected, int line);

#define assert_true(is) check((is), #is, 0, 1, __LINE__)
#define assert_false(is) check(!(is), "not " #is, 1, 0, __LINE__)
#define assert_null(is) check((is) == NULL, #is " is null", 1, 0, __LINE__)
#define assert_int_equal(is, should)                                                     \
    do {                                                                                 \
        long long found = (long long)(is), expected = (long long)(should);               \
        check(found == expected, #is, found, expected, __LINE__);                        \
    } while (0)
#define assert_ptr_equal(is, should) assert_int_equal((intptr_t)(is), (intptr_t)(should))

#endif
