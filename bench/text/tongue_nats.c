#include <stdio.h>
#include <string.h>

#include "tongue.h"

static void greet(int fd)
{
    static const char connect[] =
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,"
        "\"name\":\"load\",\"lang\":\"c\",\"version\":\"1\",\"protocol\":1,"
        "\"headers\":true,\"no_responders\":true}\r\nPING\r\n";
    hear_until(fd, "\r\n", NULL); /* INFO */
    say(fd, connect, strlen(connect));
    hear_until(fd, "PONG\r\n", "-ERR");
}

static void subscribe(int fd, const char *subject)
{
    char text[128];
    int length = snprintf(text, sizeof text, "SUB %s 1\r\nPING\r\n", subject);
    say(fd, text, (size_t)length);
    hear_until(fd, "PONG\r\n", "-ERR");
}

static void listen_here(int fd, unsigned number)
{
    (void)number;
    greet(fd);
    subscribe(fd, "bench");
}

static void speak(int fd, unsigned number)
{
    (void)number;
    greet(fd);
}

static char inbox[32];

/* The first makes the stream. Acknowledgements come to an inbox, as in every client of JetStream. */
static void keep(int fd, unsigned number)
{
    static const char config[] =
        "{\"name\":\"BENCH\",\"subjects\":[\"kept\"],\"retention\":\"limits\","
        "\"storage\":\"file\",\"num_replicas\":1,\"max_msgs\":-1,"
        "\"max_bytes\":-1,\"max_age\":0,\"discard\":\"old\"}";
    char text[512];
    greet(fd);
    snprintf(inbox, sizeof inbox, "_INBOX.load");
    char mine[64];
    snprintf(mine, sizeof mine, "%s.%u", inbox, number);
    subscribe(fd, mine);
    if (number != 1)
        return;
    int length =
        snprintf(text, sizeof text, "PUB $JS.API.STREAM.CREATE.BENCH %s %zu\r\n%s\r\n",
                 mine, strlen(config), config);
    say(fd, text, (size_t)length);
    hear_until(fd, "}\r\n", "\"error\"");
}

static size_t message(uint8_t *ret_bytes, uint64_t number)
{
    (void)number;
    return (size_t)sprintf((char *)ret_bytes, "PUB bench %d\r\n%s\r\n", PAYLOAD_BYTES,
                           payload());
}

/* `number`'s upper half is the connection's. */
static size_t kept(uint8_t *ret_bytes, uint64_t number)
{
    return (size_t)sprintf((char *)ret_bytes, "PUB kept %s.%u %d\r\n%s\r\n", inbox,
                           (unsigned)(number >> 32), PAYLOAD_BYTES, payload());
}

/* An acknowledgement is a message: a line of its own, and one of JSON. */
static size_t count(const uint8_t *bytes, size_t length, size_t *state)
{
    size_t lines = *state;
    for (const uint8_t *at = bytes;
         (at = memchr(at, '\n', (size_t)(bytes + length - at))); at++)
        lines++;
    *state = lines % 2;
    return lines / 2;
}

/* It pings every client once, two seconds after it came, to learn how far away it is. */
const struct tongue tongue_nats = {"nats",  listen_here, speak, keep,
                                   message, kept,        count, 2200};
