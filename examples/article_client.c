/* article_client ADDRESS PORT [SECONDS]: the article's client. A thread waits on two events,
 * the socket's and one to stop, which main sets after 20 seconds, or SECONDS.
 *
 *     cc article_client.c $(pkg-config --cflags --libs woshou) -pthread -o article_client */
#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include <woshou/event.h>

static wo_event *socket_event, *stop_event; /* HANDLE socketEvent, stopEvent */
static wo_event *thread_ended; /* HANDLE mythread: on Windows threads can be waited on */

static void must(int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "article_client: %s: %s\n", what, strerror(-code));
    exit(1);
}

/* Whether it could command a terminal or turn a line's direction. */
static bool commands(unsigned unit)
{
    return unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || unit == 0x61c ||
           unit == 0x200e || unit == 0x200f || (unit >= 0x2028 && unit <= 0x202e) ||
           (unit >= 0x2066 && unit <= 0x2069);
}

/* Prints a unit of UTF-16; a zero ends a string, as wcout << buff << endl does. */
static void print_unit(unsigned unit)
{
    static mbstate_t state;
    char bytes[16];
    size_t count = c16rtomb(bytes, (char16_t)unit, &state);

    if (count > sizeof bytes) /* no character, or none in this locale */
        state = (mbstate_t){0};
    if (unit == 0)
        putchar('\n');
    else if (count > sizeof bytes || commands(unit))
        putchar('?');
    else
        fwrite(bytes, 1, count, stdout);
}

/* Prints all that can be received now. Whether more may come. */
static bool receive(int sock_to_server)
{
    static unsigned char low;
    static bool half; /* of a unit came, `low`: TCP may divide anywhere */
    unsigned char buff[200];
    ssize_t count;

    while ((count = wo_recv(sock_to_server, buff, sizeof buff, 0)) > 0)
        for (ssize_t i = 0; i < count; i++, half = !half)
            if (half)
                print_unit(low | (unsigned)buff[i] << 8);
            else
                low = buff[i];
    fflush(stdout);
    return count == -EAGAIN; /* else 0, the end, or an error such as -ECONNRESET */
}

static void *receive_thread(void *argument)
{
    int sock_to_server = *(int *)argument;
    wo_event *events[2] = {socket_event, stop_event};
    wo_network_events network;
    bool open = true;
    size_t index;

    while (open) {
        must(wo_wait(events, 2, WO_ANY, WO_FOREVER, &index), "waiting");
        if (index == 0) {
            must(wo_enumerate(sock_to_server, events[0], &network), "enumerating");
            if (network.events & WO_READ)
                open = receive(sock_to_server);
            if (open && network.events & WO_CLOSE) { /* the server closed; what it sent */
                receive(sock_to_server);             /* before that is still to receive */
                open = false;
            }
        } else {
            puts("program will exit.");
            open = false;
        }
    }
    wo_event_set(thread_ended);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {.sin_family = AF_INET};
    int sock_to_server = socket(PF_INET, SOCK_STREAM, 0);
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 20;
    pthread_t thread;

    setlocale(LC_CTYPE, "");
    if (argc < 3 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: article_client ADDRESS PORT [SECONDS]\n");
        return 2;
    }
    server.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
    must(wo_event_new(WO_MANUAL_RESET, &socket_event), "an event"); /* WSACreateEvent() */
    must(wo_event_new(WO_AUTO_RESET, &stop_event), "an event");     /* CreateEvent(...) */
    must(wo_event_new(WO_MANUAL_RESET, &thread_ended), "an event");

    must(wo_connect(sock_to_server, (struct sockaddr *)&server, sizeof server),
         "connecting");
    must(wo_select(sock_to_server, socket_event, WO_READ | WO_CLOSE), "selecting");
    must(-pthread_create(&thread, NULL, receive_thread, &sock_to_server), "a thread");

    /* Sleep(20000), but not longer than the thread runs; then no Sleep(500) and hoping. */
    wo_wait(&thread_ended, 1, WO_ANY, (int64_t)(seconds * 1e9), NULL);
    wo_event_set(stop_event);
    pthread_join(thread, NULL);

    wo_close(sock_to_server);
    wo_event_free(&socket_event);
    wo_event_free(&stop_event);
    wo_event_free(&thread_ended);
    return 0;
}
