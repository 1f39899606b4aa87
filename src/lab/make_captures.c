/* make-captures FOLDER [NAME...]: makes the project's own captures anew. Each is a scene of
 * one idea, played by two real kernels over a wire of ours that loses, delays and slips in
 * exactly what the scene wants; a vantage point on the wire writes down what passes.
 *
 * The scenes are played all at once, each in a process and on hosts of its own. A scene is
 * one thread that moves both ends' sockets, so that it reads in the order in which things
 * happen; where it waits, it waits for something. More than 600 lines, because the verbs of
 * which scenes are made stand here with them, and are nobody else's. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/decode.h"
#include "lab/craft.h"
#include "lab/vantage.h"
#include "wire/wire.h"

enum { CLIENT_PORT = 40001, SERVER_PORT = 30001, CLOSED_PORT = 30009, FOREVER = 1 << 20 };
enum { PATIENCE_S = 20, POLL_MS = PATIENCE_S * 1000 };

/* What a packet is, for counting and for losing. */
enum kind { ANY, SYN, SYN_ACK, ACK, DATA, FIN, RST, NO_ROOM, KIND_COUNT };

struct stage;

struct scene {
    const char *name;
    void (*play)(struct stage *stage);
    struct {
        enum place from;
        enum kind kind;
        unsigned first, last; /* of that end's and that kind; 0: none */
    } lose, unseen;           /* on the wire; by the vantage point alone */
    enum place vantage_at;
    struct vantage_options vantage;
    int64_t delay_ns; /* of the wire; 0: a millisecond */
};

struct stage {
    const struct scene *scene;
    struct wire *wire;
    int listener, end[2]; /* -1: none */
    pthread_mutex_t lock; /* over what follows, which the wire's thread writes */
    pthread_cond_t passed;
    struct vantage *vantage;
    bool ended, mute[2];
    unsigned count[2][KIND_COUNT];
    struct craft_tcp next[2]; /* what each end might send now */
    struct crafted syn;       /* the client's first */
    int64_t passed_ns;        /* when the last passed */
};

static _Noreturn void give_up(const struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static _Noreturn void give_up(const struct stage *stage, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "make-captures: %s: ", stage->scene->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}

/* --- What passes --- */

static bool is_of(const struct segment *segment, enum kind kind)
{
    bool syn = segment->flags & TCP_SYN, ack = segment->flags & TCP_ACK;
    bool fin = segment->flags & TCP_FIN, rst = segment->flags & TCP_RST;
    switch (kind) {
    case ANY: return true;
    case SYN: return syn && !ack;
    case SYN_ACK: return syn && ack;
    case ACK: return ack && !syn && !fin && !rst && segment->payload_bytes == 0;
    case DATA: return !syn && segment->payload_bytes > 0;
    case FIN: return fin;
    case RST: return rst;
    default: return segment->window == 0 && !rst;
    }
}

static void remember(struct stage *stage, const struct wire_packet *packet)
{
    const struct segment *segment = packet->segment;
    bool counts = segment->flags & (TCP_SYN | TCP_FIN);

    for (int kind = 0; kind < KIND_COUNT; kind++)
        stage->count[packet->from][kind] += is_of(segment, (enum kind)kind);
    stage->next[packet->from] =
        (struct craft_tcp){.source = segment->source,
                           .destination = segment->destination,
                           .seq = segment->seq + segment->payload_bytes + counts,
                           .ack = segment->ack,
                           .flags = TCP_ACK,
                           .window = segment->window,
                           .tsval = segment->tsval,
                           .tsecr = segment->tsecr};
    if (is_of(segment, SYN) && packet->from == PLACE_CLIENT && !stage->syn.length &&
        packet->length <= sizeof stage->syn.bytes) {
        memcpy(stage->syn.bytes, packet->bytes, packet->length);
        stage->syn.length = packet->length;
    }
}

static bool is_chosen(const struct stage *stage, const struct wire_packet *packet,
                      enum place from, enum kind kind, unsigned first, unsigned last)
{
    unsigned nth = stage->count[packet->from][kind];
    return packet->from == from && is_of(packet->segment, kind) && nth >= first &&
           nth <= last;
}

#define CHOSEN(stage, packet, which)                                                     \
    is_chosen(stage, packet, (which).from, (which).kind, (which).first, (which).last)

static struct wire_decision decide(void *owner, const struct wire_packet *packet)
{
    struct stage *stage = owner;
    const struct scene *scene = stage->scene;

    pthread_mutex_lock(&stage->lock);
    stage->passed_ns = clock_monotonic_ns();
    remember(stage, packet);
    bool lost = stage->mute[packet->from] || CHOSEN(stage, packet, scene->lose);
    bool passes = !lost || packet->from == scene->vantage_at;
    if (passes && !stage->ended && !CHOSEN(stage, packet, scene->unseen))
        vantage_see(stage->vantage, clock_monotonic_ns(), packet->bytes, packet->length);
    pthread_cond_broadcast(&stage->passed);
    pthread_mutex_unlock(&stage->lock);
    return (struct wire_decision){.act = lost ? WIRE_DROP : WIRE_PASS};
}

/* Until that end has sent so many of a kind. */
static void await_count(struct stage *stage, enum place from, enum kind kind,
                        unsigned count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&stage->lock);
    while (stage->count[from][kind] < count)
        if (pthread_cond_timedwait(&stage->passed, &stage->lock, &until))
            give_up(stage, "the %s never sent what was waited for", place_word(from));
    pthread_mutex_unlock(&stage->lock);
}

static unsigned count_of(struct stage *stage, enum place from, enum kind kind)
{
    pthread_mutex_lock(&stage->lock);
    unsigned count = stage->count[from][kind];
    pthread_mutex_unlock(&stage->lock);
    return count;
}

/* Until nothing has moved for longer than an acknowledgement may be delayed. The wire knows
 * of a packet a moment after it was seen to pass, so that both are asked. */
static void quiet(struct stage *stage)
{
    int64_t quiet_ns = 100 * NS_PER_MS + 2 * stage->scene->delay_ns, passed_ns;
    do {
        if (wire_wait_quiet(stage->wire, quiet_ns, PATIENCE_S * NS_PER_S))
            give_up(stage, "the wire never became quiet");
        pthread_mutex_lock(&stage->lock);
        passed_ns = stage->passed_ns;
        pthread_mutex_unlock(&stage->lock);
    } while (clock_monotonic_ns() - passed_ns < quiet_ns);
}

static struct craft_tcp next_of(struct stage *stage, enum place end)
{
    pthread_mutex_lock(&stage->lock);
    struct craft_tcp next = stage->next[end];
    pthread_mutex_unlock(&stage->lock);
    return next;
}

static void slip_in(struct stage *stage, enum place from, const struct crafted *packet)
{
    vantage_see(stage->vantage, clock_monotonic_ns(), packet->bytes, packet->length);
    if (wire_inject(stage->wire, from, packet->bytes, packet->length))
        give_up(stage, "a packet could not be slipped in");
    quiet(stage);
}

/* What that end might send now, but with other flags and so many numbers further on. */
static void slip_in_segment(struct stage *stage, enum place from, uint8_t flags,
                            uint32_t ahead)
{
    struct craft_tcp tcp = next_of(stage, from);
    tcp.flags = flags;
    tcp.seq += ahead;
    tcp.tsval = tcp.tsecr = 0;
    struct crafted packet = craft_tcp(&tcp);
    slip_in(stage, from, &packet);
}

/* --- Sockets of both hosts --- */

struct errand {
    struct stage *stage;
    enum place place;
    const char *setting, *value; /* of the host, or null: a socket is wanted */
    int fd;
};

static void *run_errand(void *owner)
{
    struct errand *errand = owner;
    struct program program;
    struct error err = {0};

    if (wire_enter_program(errand->stage->wire, errand->place, &program, &err))
        give_up(errand->stage, "%s", err.sentence);
    if (errand->setting) {
        errand->fd = open(errand->setting, O_WRONLY | O_CLOEXEC);
        if (errand->fd < 0 || write(errand->fd, errand->value, strlen(errand->value)) < 0)
            give_up(errand->stage, "%s: %s", errand->setting, strerror(errno));
        close(errand->fd);
    } else {
        errand->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    wire_leave_program(&program);
    return NULL;
}

static int go_on_errand(struct errand errand)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_errand, &errand))
        give_up(errand.stage, "no thread to be had");
    pthread_join(thread, NULL);
    return errand.fd;
}

static struct sockaddr_in address_at(enum place place, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(place == PLACE_CLIENT ? 0x0a090001 : 0x0a090002);
    return address;
}

static int bound_socket(struct stage *stage, enum place place, uint16_t port)
{
    struct sockaddr_in address = address_at(place, port);
    int fd = go_on_errand((struct errand){.stage = stage, .place = place}), one = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        give_up(stage, "a socket: %s", strerror(errno));
    return fd;
}

static void set(struct stage *stage, int fd, int level, int option, int value)
{
    if (setsockopt(fd, level, option, &value, sizeof value) < 0)
        give_up(stage, "socket option %d: %s", option, strerror(errno));
}

static void begin_listening(struct stage *stage)
{
    stage->listener = bound_socket(stage, PLACE_SERVER, SERVER_PORT);
    if (listen(stage->listener, 5) < 0)
        give_up(stage, "listen: %s", strerror(errno));
}

static void have_socket(struct stage *stage, uint16_t port)
{
    stage->end[PLACE_CLIENT] = bound_socket(stage, PLACE_CLIENT, port);
}

static void begin_connecting(struct stage *stage, enum place from, uint16_t port)
{
    struct sockaddr_in there = address_at(place_other(from), port);
    if (connect(stage->end[from], (struct sockaddr *)&there, sizeof there) < 0 &&
        errno != EINPROGRESS)
        give_up(stage, "connect: %s", strerror(errno));
}

static void await_ready(struct stage *stage, int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    if (poll(&ready, 1, POLL_MS) != 1)
        give_up(stage, "a socket never became ready");
}

/* 0 or the error it failed with. */
static int outcome_of_connecting(struct stage *stage, enum place end)
{
    int system = 0;
    socklen_t length = sizeof system;
    await_ready(stage, stage->end[end], POLLOUT);
    getsockopt(stage->end[end], SOL_SOCKET, SO_ERROR, &system, &length);
    return system;
}

static void finish_connecting(struct stage *stage, enum place end)
{
    int system = outcome_of_connecting(stage, end);
    if (system)
        give_up(stage, "connect: %s", strerror(system));
}

static void expect_failure(struct stage *stage, int system)
{
    if (outcome_of_connecting(stage, PLACE_CLIENT) != system)
        give_up(stage, "connect did not fail as it should: %s", strerror(system));
}

static void take_connection(struct stage *stage)
{
    await_ready(stage, stage->listener, POLLIN);
    stage->end[PLACE_SERVER] = accept4(stage->listener, NULL, NULL, SOCK_NONBLOCK);
    if (stage->end[PLACE_SERVER] < 0)
        give_up(stage, "accept: %s", strerror(errno));
}

static void open_from(struct stage *stage, uint16_t port)
{
    have_socket(stage, port);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    finish_connecting(stage, PLACE_CLIENT);
    take_connection(stage);
    quiet(stage);
}

static void open_it(struct stage *stage)
{
    begin_listening(stage);
    open_from(stage, CLIENT_PORT);
}

static void say(struct stage *stage, enum place from, const char *text)
{
    if (send(stage->end[from], text, strlen(text), MSG_NOSIGNAL) < 0)
        give_up(stage, "send: %s", strerror(errno));
}

/* Reads what is there; the number of bytes, 0 at the end. */
static size_t hear(struct stage *stage, enum place at)
{
    char bytes[65536];
    await_ready(stage, stage->end[at], POLLIN);
    ssize_t length = recv(stage->end[at], bytes, sizeof bytes, 0);
    if (length < 0)
        give_up(stage, "recv: %s", strerror(errno));
    return (size_t)length;
}

static void tell(struct stage *stage, enum place from, const char *text)
{
    say(stage, from, text);
    hear(stage, place_other(from));
    quiet(stage);
}

static void begin_closing(struct stage *stage, enum place end)
{
    close(stage->end[end]);
    stage->end[end] = -1;
}

/* Closes it, and waits until that shows on the wire. */
static void shut(struct stage *stage, enum place end, enum kind kind)
{
    unsigned before = count_of(stage, end, kind);
    begin_closing(stage, end);
    await_count(stage, end, kind, before + 1);
}

static void shut_with_reset(struct stage *stage, enum place end)
{
    struct linger none = {.l_onoff = 1};
    setsockopt(stage->end[end], SOL_SOCKET, SO_LINGER, &none, sizeof none);
    shut(stage, end, RST);
    quiet(stage);
}

/* The other end answers the FIN with its own at once: three segments; or later: four. */
static void close_in_three(struct stage *stage, enum place first)
{
    enum place second = place_other(first);
    set(stage, stage->end[second], IPPROTO_TCP, TCP_QUICKACK, 0);
    shut(stage, first, FIN);
    hear(stage, second);
    shut(stage, second, FIN);
    quiet(stage);
}

static void close_in_four(struct stage *stage, enum place first)
{
    shut(stage, first, FIN);
    hear(stage, place_other(first));
    quiet(stage);
    shut(stage, place_other(first), FIN);
    quiet(stage);
}

/* --- The scenes --- */

static void play_whole(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "hello");
    close_in_three(stage, PLACE_SERVER);
}

static void play_four(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_CLIENT, "hello");
    close_in_four(stage, PLACE_CLIENT);
}

static void play_refused(struct stage *stage)
{
    have_socket(stage, CLIENT_PORT);
    begin_connecting(stage, PLACE_CLIENT, CLOSED_PORT);
    expect_failure(stage, ECONNREFUSED);
}

static void play_no_answer(struct stage *stage)
{
    have_socket(stage, CLIENT_PORT);
    set(stage, stage->end[PLACE_CLIENT], IPPROTO_TCP, TCP_SYNCNT, 2);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    expect_failure(stage, ETIMEDOUT);
}

static void play_half_open(struct stage *stage)
{
    begin_listening(stage);
    have_socket(stage, CLIENT_PORT);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    await_count(stage, PLACE_SERVER, SYN_ACK, 2);
}

/* Somebody sends a SYN in the client's name, which knows of none. */
static void play_aborted(struct stage *stage)
{
    struct craft_tcp syn = {.source = endpoint_ipv4(10, 9, 0, 1, 40444),
                            .destination = endpoint_ipv4(10, 9, 0, 2, SERVER_PORT),
                            .seq = 0x5eed,
                            .flags = TCP_SYN,
                            .window = 1024};
    struct crafted packet = craft_tcp(&syn);
    begin_listening(stage);
    slip_in(stage, PLACE_CLIENT, &packet);
    await_count(stage, PLACE_CLIENT, RST, 1);
}

static void play_simultaneous_open(struct stage *stage)
{
    have_socket(stage, CLIENT_PORT);
    stage->end[PLACE_SERVER] = bound_socket(stage, PLACE_SERVER, SERVER_PORT);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    begin_connecting(stage, PLACE_SERVER, CLIENT_PORT);
    finish_connecting(stage, PLACE_CLIENT);
    finish_connecting(stage, PLACE_SERVER);
    quiet(stage);
    tell(stage, PLACE_CLIENT, "hello");
}

static void play_simultaneous_close(struct stage *stage)
{
    open_it(stage);
    begin_closing(stage, PLACE_CLIENT);
    begin_closing(stage, PLACE_SERVER);
    await_count(stage, PLACE_CLIENT, FIN, 1);
    await_count(stage, PLACE_SERVER, FIN, 1);
    quiet(stage);
}

static void play_half_close(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_CLIENT, "that is all");
    shutdown(stage->end[PLACE_CLIENT], SHUT_WR);
    hear(stage, PLACE_SERVER);
    quiet(stage);
    tell(stage, PLACE_SERVER, "not yet");
    tell(stage, PLACE_SERVER, "still here");
}

static void play_reset_by_client(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "hello");
    shut_with_reset(stage, PLACE_CLIENT);
}

static void play_reset_by_server(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_CLIENT, "hello");
    shut_with_reset(stage, PLACE_SERVER);
}

/* Far behind anything the client would take from the server. */
static void play_rst_ignored(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "hello");
    slip_in_segment(stage, PLACE_SERVER, TCP_RST, 0x30000000);
    tell(stage, PLACE_SERVER, "still here");
    close_in_three(stage, PLACE_SERVER);
}

/* In the window, but not the very number; and a SYN where there is a connection. */
static void play_challenge_ack(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "hello");
    slip_in_segment(stage, PLACE_SERVER, TCP_RST, 100);
    tell(stage, PLACE_SERVER, "still here");
    slip_in_segment(stage, PLACE_CLIENT, TCP_SYN, 5000);
    tell(stage, PLACE_CLIENT, "me too");
    close_in_three(stage, PLACE_SERVER);
}

static void play_duplicated(struct stage *stage)
{
    open_it(stage);
    struct craft_tcp again = next_of(stage, PLACE_CLIENT);
    tell(stage, PLACE_CLIENT, "hello");
    again.payload = "hello";
    again.flags = TCP_PSH | TCP_ACK;
    struct crafted packet = craft_tcp(&again);
    slip_in(stage, PLACE_CLIENT, &packet);
    close_in_three(stage, PLACE_CLIENT);
}

static void play_keepalive(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "hello");
    int fd = stage->end[PLACE_CLIENT];
    set(stage, fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
    set(stage, fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set(stage, fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
    unsigned before = count_of(stage, PLACE_SERVER, ACK);
    set(stage, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    await_count(stage, PLACE_SERVER, ACK, before + 1);
    pthread_mutex_lock(&stage->lock);
    stage->mute[PLACE_SERVER] = true;
    pthread_mutex_unlock(&stage->lock);
    await_count(stage, PLACE_CLIENT, RST, 1);
}

static void play_zero_window(struct stage *stage)
{
    static char much[6000];
    memset(much, '.', sizeof much - 1);
    begin_listening(stage);
    set(stage, stage->listener, SOL_SOCKET, SO_RCVBUF, 1);
    have_socket(stage, CLIENT_PORT);
    set(stage, stage->end[PLACE_CLIENT], IPPROTO_TCP, TCP_MAXSEG, 536);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    finish_connecting(stage, PLACE_CLIENT);
    take_connection(stage);
    quiet(stage);
    say(stage, PLACE_CLIENT, much);
    await_count(stage, PLACE_SERVER, NO_ROOM, 2); /* the second answers a probe */
    for (size_t heard = 0; heard < sizeof much - 1;)
        heard += hear(stage, PLACE_SERVER);
    quiet(stage);
    close_in_three(stage, PLACE_CLIENT);
}

static void answer_by_icmp(struct stage *stage, uint8_t code, int system)
{
    struct endpoint router = endpoint_ipv4(10, 9, 0, 254, 0);
    have_socket(stage, CLIENT_PORT);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    await_count(stage, PLACE_CLIENT, SYN, 1);
    struct crafted packet =
        craft_icmp(&router, 3, code, stage->syn.bytes, stage->syn.length);
    slip_in(stage, PLACE_SERVER, &packet);
    expect_failure(stage, system);
}

static void play_unreachable(struct stage *stage)
{
    answer_by_icmp(stage, 13, EHOSTUNREACH); /* forbidden by administration */
}

static void play_refused_by_icmp(struct stage *stage)
{
    answer_by_icmp(stage, 3, ECONNREFUSED); /* the port */
}

/* The server, which closed first, is in TIME_WAIT when the same four-tuple comes again. */
static void play_reuse(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_SERVER, "first");
    close_in_three(stage, PLACE_SERVER);
    open_from(stage, CLIENT_PORT);
    tell(stage, PLACE_SERVER, "second");
    close_in_three(stage, PLACE_SERVER);
}

static void speak_in_the_syn(struct stage *stage, uint16_t port)
{
    struct sockaddr_in there = address_at(PLACE_SERVER, SERVER_PORT);
    have_socket(stage, port);
    ssize_t sent = sendto(stage->end[PLACE_CLIENT], "hello", 5, MSG_FASTOPEN,
                          (struct sockaddr *)&there, sizeof there);
    if (sent < 0 && errno != EINPROGRESS)
        give_up(stage, "sendto: %s", strerror(errno));
    finish_connecting(stage, PLACE_CLIENT);
    if (sent < 0) /* without a cookie it only asked for one */
        say(stage, PLACE_CLIENT, "hello");
    take_connection(stage);
    hear(stage, PLACE_SERVER);
    quiet(stage);
    close_in_three(stage, PLACE_CLIENT);
}

static void play_fast_open(struct stage *stage)
{
    for (int place = PLACE_CLIENT; place <= PLACE_SERVER; place++)
        go_on_errand((struct errand){.stage = stage,
                                     .place = (enum place)place,
                                     .setting = "/proc/sys/net/ipv4/tcp_fastopen",
                                     .value = "3"});
    begin_listening(stage);
    set(stage, stage->listener, IPPROTO_TCP, TCP_FASTOPEN, 5);
    speak_in_the_syn(stage, CLIENT_PORT);
    speak_in_the_syn(stage, CLIENT_PORT + 1);
}

/* The client's numbers begin just before they wrap around. */
static void play_wrap_around(struct stage *stage)
{
    begin_listening(stage);
    have_socket(stage, CLIENT_PORT);
    int fd = stage->end[PLACE_CLIENT];
    set(stage, fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
    set(stage, fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    set(stage, fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)0xfffffff8);
    set(stage, fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
    begin_connecting(stage, PLACE_CLIENT, SERVER_PORT);
    finish_connecting(stage, PLACE_CLIENT);
    take_connection(stage);
    quiet(stage);
    tell(stage, PLACE_CLIENT, "before");
    tell(stage, PLACE_CLIENT, "and behind");
    close_in_three(stage, PLACE_CLIENT);
}

/* A segment with a timestamp from before: one that lost its way, for all the receiver
 * knows. */
static void play_paws(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_CLIENT, "hello");
    struct craft_tcp old = next_of(stage, PLACE_CLIENT);
    old.tsval -= 100000;
    old.payload = "from long ago";
    old.flags = TCP_PSH | TCP_ACK;
    struct crafted packet = craft_tcp(&old);
    slip_in(stage, PLACE_CLIENT, &packet);
    tell(stage, PLACE_CLIENT, "still here");
    close_in_three(stage, PLACE_CLIENT);
}

static void play_conversation(struct stage *stage)
{
    open_it(stage);
    tell(stage, PLACE_CLIENT, "one");
    tell(stage, PLACE_SERVER, "two");
    tell(stage, PLACE_CLIENT, "three");
    close_in_three(stage, PLACE_CLIENT);
}

#define NG WRITER_PCAPNG
#define NS WRITER_NANOSECONDS

static const struct scene scenes[] = {
    {.name = "three-segment", .play = play_whole},
    {.name = "four-segment", .play = play_four, .vantage = {.link = VANTAGE_ETHERNET}},
    {.name = "refused", .play = play_refused, .vantage = {.format = NG, .unit = NS}},
    {.name = "no-answer",
     .play = play_no_answer,
     .lose = {PLACE_CLIENT, SYN, 1, FOREVER}},
    {.name = "half-open",
     .play = play_half_open,
     .lose = {PLACE_CLIENT, ACK, 1, FOREVER},
     .vantage_at = PLACE_SERVER},
    {.name = "aborted", .play = play_aborted},
    {.name = "syn-lost", .play = play_whole, .lose = {PLACE_CLIENT, SYN, 1, 1}},
    {.name = "synack-lost",
     .play = play_whole,
     .lose = {PLACE_SERVER, SYN_ACK, 1, 1},
     .vantage_at = PLACE_SERVER},
    {.name = "data-lost", .play = play_conversation, .lose = {PLACE_CLIENT, DATA, 1, 1}},
    {.name = "fin-lost",
     .play = play_whole,
     .lose = {PLACE_SERVER, FIN, 1, 1},
     .vantage_at = PLACE_SERVER},
    {.name = "simultaneous-open",
     .play = play_simultaneous_open,
     .delay_ns = 20 * NS_PER_MS},
    {.name = "simultaneous-close",
     .play = play_simultaneous_close,
     .delay_ns = 20 * NS_PER_MS,
     .vantage = {.format = NG}},
    {.name = "half-close", .play = play_half_close},
    {.name = "reset-by-client", .play = play_reset_by_client, .vantage = {.unit = NS}},
    {.name = "reset-by-server", .play = play_reset_by_server},
    {.name = "rst-ignored", .play = play_rst_ignored},
    {.name = "challenge-ack", .play = play_challenge_ack},
    {.name = "duplicated", .play = play_duplicated},
    {.name = "keepalive", .play = play_keepalive},
    {.name = "zero-window", .play = play_zero_window, .vantage = {.snap_length = 96}},
    {.name = "unreachable",
     .play = play_unreachable,
     .lose = {PLACE_CLIENT, SYN, 1, FOREVER}},
    {.name = "refused-by-icmp",
     .play = play_refused_by_icmp,
     .lose = {PLACE_CLIENT, SYN, 1, FOREVER}},
    {.name = "reuse", .play = play_reuse},
    {.name = "fast-open", .play = play_fast_open},
    {.name = "wrap-around", .play = play_wrap_around},
    {.name = "paws", .play = play_paws},
    {.name = "middle", .play = play_conversation, .vantage = {.skip = 4}},
    {.name = "gap", .play = play_conversation, .unseen = {PLACE_CLIENT, DATA, 1, 1}},
    {.name = "syn-ack-first", .play = play_whole, .vantage = {.first_two_swapped = true}},
    {.name = "any",
     .play = play_conversation,
     .vantage = {.link = VANTAGE_ANY, .format = NG, .unit = NS}},
};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

/* --- Playing --- */

static void end_scene(struct stage *stage)
{
    struct error err = {0};
    pthread_mutex_lock(&stage->lock);
    stage->ended = true; /* what closing the rest sends belongs to no scene */
    int code = vantage_close(&stage->vantage, &err);
    pthread_mutex_unlock(&stage->lock);
    if (code)
        give_up(stage, "%s", err.sentence);
    for (int end = 0; end < 2; end++)
        if (stage->end[end] >= 0)
            close(stage->end[end]);
    if (stage->listener >= 0)
        close(stage->listener);
    wire_stop(stage->wire);
    wire_close(&stage->wire);
}

static int play(const struct scene *scene, const char *folder)
{
    struct stage stage = {.scene = scene, .listener = -1, .end = {-1, -1}};
    struct error err = {0};
    char path[4096];

    pthread_mutex_init(&stage.lock, NULL);
    pthread_cond_init(&stage.passed, NULL);
    struct wire_options options = {
        .kind = WIRE_TUN,
        .delay_ns = scene->delay_ns ? scene->delay_ns : NS_PER_MS,
        .rule = {.decide = decide, .owner = &stage},
    };
    snprintf(path, sizeof path, "%s/%s.%s", folder, scene->name,
             scene->vantage.format == WRITER_PCAPNG ? "pcapng" : "pcap");
    if (vantage_open(path, &scene->vantage, &stage.vantage, &err) ||
        wire_open(&options, &stage.wire, &err))
        give_up(&stage, "%s", err.sentence);
    scene->play(&stage);
    end_scene(&stage);
    return 0;
}

static bool is_wanted(const struct scene *scene, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], scene->name) == 0)
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    int failed = 0, status;
    if (argc < 2) {
        fputs("usage: make-captures FOLDER [NAME...]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < SCENES; i++) {
        if (!is_wanted(&scenes[i], argv + 2, argc - 2))
            continue;
        pid_t child = fork();
        if (child == 0)
            exit(play(&scenes[i], argv[1]));
        failed += child < 0;
    }
    while (wait(&status) > 0)
        failed += status != 0;
    return failed ? 1 : 0;
}
