/* load_echo: clients for an echo server at 127.0.0.1:PORT, many in one thread, on epoll.
 *
 *     load_echo echo PORT CONNECTIONS BYTES MILLISECONDS PID
 *         Every connection sends a message of BYTES, reads it back, and sends the next, for
 *         so many milliseconds, after a warm-up in which all that comes back is compared.
 *     load_echo churn PORT AT_ONCE COUNT PID
 *         Makes COUNT connections, AT_ONCE at every moment: connect, send a message, read it
 *         back, end our direction, read to the end.
 *
 * Prints what it took, one `name value` a line; PID is the server's process, whose CPU time
 * is read before and after. A server that answers otherwise than it should, or not at all,
 * ends the program with status 1.
 *
 * Churn leaves COUNT clients' sockets in TIME_WAIT. COUNT and its warm-up stay below the
 * number of ports there are for connections to one server's port. */
#define MEASURE_NAME "load_echo"
#include "measure.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES = 16 * 1024, /* at most */
    VARIANTS = 251,            /* neighbours' messages differ in every byte's place */
    CHURN_BYTES = 64,
    BUFFER_BYTES = 32 * 1024,
    READY_AT_ONCE = 512,
    LIMIT_S = 30,       /* longer than any measurement takes; SIGALRM ends what hangs */
    SETTLE_MS = 20,     /* for the server to put away the last connections */
    WARM_UP_PART = 6,   /* of the time, goes before */
    CHURN_WARM_UP = 10, /* one connection in so many goes before */
    CHURN_MOST = 20000
};

struct connection {
    int fd;
    size_t sent, heard; /* bytes of the message */
    const char *message;
};

struct load {
    int epoll;
    struct sockaddr_in server;
    struct connection *connections;
    size_t count;
    size_t message_bytes;
    uint64_t messages; /* that came back */
    bool compare;
    size_t to_begin, to_end; /* churn: connections still to be made, to be ended */
};

static char pattern[MESSAGE_BYTES + VARIANTS];
static char buffer[BUFFER_BYTES];

static void fill_pattern(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof pattern; i++) {
        state = state * 1664525 + 1013904223;
        pattern[i] = (char)(state >> 24);
    }
}

/* ---- One connection --------------------------------------------------------------------- */

/* What cannot be sent now is sent when there is room. */
static void send_message(struct load *load, struct connection *connection)
{
    size_t lacking = load->message_bytes - connection->sent;
    ssize_t sent = send(connection->fd, connection->message + connection->sent, lacking,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        fail("sending", strerror(errno));
    if (sent > 0)
        connection->sent += (size_t)sent;
}

/* On loopback a blocking connect is done at once: the server's system answers, and it need
 * not accept for that. */
static void begin(struct load *load, struct connection *connection)
{
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                 .data.ptr = connection};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)))
        fail("making a socket", strerror(errno));
    if (connect(fd, (struct sockaddr *)&load->server, sizeof load->server))
        fail("connecting", strerror(errno));
    connection->fd = fd;
    connection->sent = connection->heard = 0;
    connection->message = pattern + (connection - load->connections) % VARIANTS;
    send_message(load, connection);
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &wanted))
        fail("waiting for a socket", strerror(errno));
}

/* What is under way is less than the buffer, so that one call takes all there is, and the
 * next edge is for what came after. What is not compared need not be copied either: TCP
 * counts and drops it (MSG_TRUNC), and the server is less held back by its load. Returns
 * whether the message is back. */
static bool hear(struct load *load, struct connection *connection)
{
    ssize_t length = recv(connection->fd, buffer, sizeof buffer,
                          MSG_DONTWAIT | (load->compare ? 0 : MSG_TRUNC));
    if (length < 0 && errno == EAGAIN)
        return false;
    if (length <= 0)
        fail("receiving", length ? strerror(errno) : "the server closed");
    if ((size_t)length > connection->sent - connection->heard)
        fail("receiving", "more bytes came than were sent");
    if (load->compare &&
        memcmp(buffer, connection->message + connection->heard, (size_t)length) != 0)
        fail("receiving", "these are other bytes");
    connection->heard += (size_t)length;
    return connection->heard == load->message_bytes;
}

/* ---- Many ------------------------------------------------------------------------------- */

static struct load load_open(uint16_t port, size_t count, size_t message_bytes)
{
    struct load load = {.count = count, .message_bytes = message_bytes};
    load.server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons(port),
                                       .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (message_bytes > MESSAGE_BYTES)
        fail("starting", "messages are too long");
    load.connections = allocate(count, sizeof *load.connections);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll < 0)
        fail("starting", strerror(errno));
    return load;
}

static void load_close(struct load *load)
{
    close(load->epoll);
    free(load->connections);
}

/* Waits, and hands each connection about which something changed to `on_ready`. */
static void turn(struct load *load, void (*on_ready)(struct load *, struct connection *))
{
    static struct epoll_event ready[READY_AT_ONCE];
    int count = epoll_wait(load->epoll, ready, READY_AT_ONCE, -1);
    if (count < 0 && errno != EINTR)
        fail("waiting", strerror(errno));
    for (int i = 0; i < count; i++)
        on_ready(load, ready[i].data.ptr);
}

static clockid_t clock_of(pid_t process)
{
    clockid_t clock;
    if (clock_getcpuclockid(process, &clock))
        fail("finding the server's clock", "there is no such process");
    return clock;
}

/* What the clocks showed at one moment, or between two. */
struct times {
    int64_t wall_ns, server_ns, own_ns;
};

static struct times times_now(clockid_t server)
{
    return (struct times){.wall_ns = clock_ns(CLOCK_MONOTONIC),
                          .server_ns = clock_ns(server),
                          .own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID)};
}

static void print_times(struct times since, struct times until)
{
    printf("wall_ns %lld\n", (long long)(until.wall_ns - since.wall_ns));
    printf("server_cpu_ns %lld\n", (long long)(until.server_ns - since.server_ns));
    printf("load_cpu_ns %lld\n", (long long)(until.own_ns - since.own_ns));
}

/* ---- Echo ------------------------------------------------------------------------------- */

static void go_on_echoing(struct load *load, struct connection *connection)
{
    if (connection->sent < load->message_bytes)
        send_message(load, connection);
    if (!hear(load, connection))
        return;
    load->messages++;
    connection->sent = connection->heard = 0;
    send_message(load, connection);
}

static void echo_until(struct load *load, int64_t end_ns)
{
    while (clock_ns(CLOCK_MONOTONIC) < end_ns)
        turn(load, go_on_echoing);
}

static void echo(uint16_t port, size_t count, size_t bytes, int64_t milliseconds,
                 pid_t server)
{
    struct load load = load_open(port, count, bytes);
    clockid_t clock = clock_of(server);
    int64_t length_ns = milliseconds * 1000000;

    load.compare = true;
    for (size_t i = 0; i < count; i++)
        begin(&load, &load.connections[i]);
    echo_until(&load, clock_ns(CLOCK_MONOTONIC) + length_ns / WARM_UP_PART);
    load.compare = false;
    load.messages = 0;
    struct times since = times_now(clock);
    echo_until(&load, since.wall_ns + length_ns);
    struct times until = times_now(clock);

    printf("messages %llu\n", (unsigned long long)load.messages);
    print_times(since, until);
    for (size_t i = 0; i < count; i++)
        close(load.connections[i].fd);
    load_close(&load);
}

/* ---- Churn ------------------------------------------------------------------------------ */

/* Whether it is there: the edge of our own direction's end comes here too. */
static bool hear_end(const struct connection *connection)
{
    ssize_t length = recv(connection->fd, buffer, 1, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN)
        return false;
    if (length != 0)
        fail("reading to the end", length < 0 ? strerror(errno) : "more bytes came");
    return true;
}

static void go_on_churning(struct load *load, struct connection *connection)
{
    if (connection->heard < load->message_bytes) {
        if (hear(load, connection) && shutdown(connection->fd, SHUT_WR))
            fail("ending our direction", strerror(errno));
        return;
    }
    if (!hear_end(connection))
        return;
    close(connection->fd);
    load->to_end--;
    if (load->to_begin) {
        load->to_begin--;
        begin(load, connection);
    }
}

static void churn_some(struct load *load, size_t count)
{
    load->to_begin = load->to_end = count;
    for (size_t i = 0; i < load->count && load->to_begin; i++) {
        load->to_begin--;
        begin(load, &load->connections[i]);
    }
    while (load->to_end)
        turn(load, go_on_churning);
}

static void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 1000000L}, NULL);
}

static void churn(uint16_t port, size_t at_once, size_t count, pid_t server)
{
    struct load load = load_open(port, at_once, CHURN_BYTES);
    clockid_t clock = clock_of(server);

    if (count > CHURN_MOST)
        fail("starting", "these are more connections than there are ports");
    load.compare = true;
    churn_some(&load, count / CHURN_WARM_UP + 1);
    settle();
    struct times since = times_now(clock);
    churn_some(&load, count);
    struct times until = times_now(clock);
    settle();
    until.server_ns = clock_ns(clock);
    print_times(since, until);
    load_close(&load);
}

int main(int argc, char **argv)
{
    alarm(LIMIT_S);
    raise_descriptor_limit();
    fill_pattern();
    if (argc == 7 && strcmp(argv[1], "echo") == 0)
        echo((uint16_t)number(argv[2]), number(argv[3]), number(argv[4]),
             (int64_t)number(argv[5]), (pid_t)number(argv[6]));
    else if (argc == 6 && strcmp(argv[1], "churn") == 0)
        churn((uint16_t)number(argv[2]), number(argv[3]), number(argv[4]),
              (pid_t)number(argv[5]));
    else
        fail("usage", "load_echo echo PORT CONNECTIONS BYTES MILLISECONDS PID | "
                      "churn PORT AT_ONCE COUNT PID");
    return EXIT_SUCCESS;
}
