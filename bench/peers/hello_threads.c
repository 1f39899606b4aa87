/* hello_threads [PORT]: the article's server as the article has it, on Linux: blocking
 * sockets, and a detached thread for each connection. It says hello, receives once, prints
 * the string as one line, and closes.
 *
 * It is built and set up as well as this design may be: the stacks are small, the queue of
 * connections is as long as the system lets it be, and a line is one write, without a lock
 * or a buffer. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STRING_BYTES = 200, STACK_BYTES = 64 * 1024 };

static const char greeting[12] = "h\0e\0l\0l\0o\0\0";

static size_t encode(uint32_t character, char *utf8)
{
    static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    size_t length = 1 + (character > 0x7f) + (character > 0x7ff) + (character > 0xffff);
    for (size_t i = length - 1; i > 0; i--, character >>= 6)
        utf8[i] = (char)(0x80 | (character & 0x3f));
    utf8[0] = (char)(lead[length] | character);
    return length;
}

static void print_line(const unsigned char *bytes, size_t length)
{
    char line[STRING_BYTES / 2 * 3 + 1];
    size_t end = 0;
    for (size_t i = 0; i + 1 < length; i += 2) {
        uint32_t unit = (uint32_t)(bytes[i] | bytes[i + 1] << 8);
        if (unit == 0)
            break;
        uint32_t next = i + 3 < length ? (uint32_t)(bytes[i + 2] | bytes[i + 3] << 8) : 0;
        if (unit >> 10 == 0x36 && next >> 10 == 0x37) {
            unit = 0x10000 + ((unit & 0x3ff) << 10 | (next & 0x3ff));
            i += 2;
        } else if (unit >> 11 == 0x1b) {
            unit = 0xfffd;
        }
        end += encode(unit, line + end);
    }
    line[end++] = '\n';
    if (write(STDOUT_FILENO, line, end) < 0)
        exit(EXIT_FAILURE);
}

static void *converse(void *argument)
{
    int fd = (int)(intptr_t)argument;
    unsigned char bytes[STRING_BYTES];
    if (send(fd, greeting, sizeof greeting, MSG_NOSIGNAL) > 0) {
        ssize_t length = recv(fd, bytes, sizeof bytes, 0);
        if (length > 0)
            print_line(bytes, (size_t)length);
    }
    close(fd);
    return NULL;
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) ||
        listen(fd, SOMAXCONN) || getsockname(fd, (struct sockaddr *)&address, &length)) {
        perror("hello_threads: listening");
        exit(EXIT_FAILURE);
    }
    fprintf(stderr, "listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    return fd;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int listener = listen_at(argc > 1 ? (uint16_t)atoi(argv[1]) : 0);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (fd < 0) {
            if (errno != ECONNABORTED && errno != EINTR)
                break;
        } else if (pthread_create(&thread, &attributes, converse, (void *)(intptr_t)fd)) {
            perror("hello_threads: a thread");
            close(fd);
        }
    }
    perror("hello_threads: accepting");
    return EXIT_FAILURE;
}
