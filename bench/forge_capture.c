/* forge_capture: captures that no network makes within reason, to standard output.
 *
 *     forge_capture syns COUNT        so many connections of one SYN each, as of a scan
 *     forge_capture one COUNT         one connection of so many packets: a handshake, and
 *                                     data and its acknowledgements from then on
 *
 * Ethernet, IPv4, a packet each microsecond. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEASURE_NAME "forge_capture"
#include "measure.h"

enum {
    LINK = 14,
    IP = 20,
    TCP = 20,
    HEADERS = LINK + IP + TCP,
    RECORD = 16,
    DATA_BYTES = 100,
    CLIENT = 0x0a000001, /* 10.0.0.1 */
    SERVER = 0x0a800001, /* 10.128.0.1 */
    SERVER_PORT = 80,
    SYN = 2,
    ACK = 16
};

struct segment {
    uint32_t source, destination;
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t bytes;
};

static void write_or_fail(const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, stdout) != count)
        fail("writing", strerror(errno));
}

static void put16(uint8_t *at, uint16_t value)
{
    value = htons(value);
    memcpy(at, &value, sizeof value);
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, sizeof value);
}

static void write_header(void)
{
    struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, snap, link;
    } header = {0xa1b2c3d4, 2, 4, 0, 0, 262144, 1};
    write_or_fail(&header, sizeof header);
}

static void write_record(uint64_t number, uint32_t length)
{
    uint32_t record[RECORD / 4] = {(uint32_t)(1000000000 + number / 1000000),
                                   (uint32_t)(number % 1000000), length, length};
    write_or_fail(record, sizeof record);
}

/* Checksums are left out: whoever captures on the sending host never sees them either. */
static void write_segment(uint64_t number, const struct segment *segment)
{
    uint8_t packet[HEADERS + DATA_BYTES] = {0}, *ip = packet + LINK, *tcp = ip + IP;

    put16(packet + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(IP + TCP + segment->bytes));
    put16(ip + 4, (uint16_t)number);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, segment->source);
    put32(ip + 16, segment->destination);
    put16(tcp, segment->source_port);
    put16(tcp + 2, segment->destination_port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->ack);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = segment->flags;
    put16(tcp + 14, 65535);
    write_record(number, HEADERS + segment->bytes);
    write_or_fail(packet, HEADERS + segment->bytes);
}

static void forge_syns(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct segment syn = {CLIENT + (uint32_t)(i / 50000),
                              SERVER,
                              (uint16_t)(1024 + i % 50000),
                              SERVER_PORT,
                              (uint32_t)(i * 1000003),
                              0,
                              SYN,
                              0};
        write_segment(i + 1, &syn);
    }
}

/* The server sends, a segment after the other, and every second one is acknowledged. */
static void forge_one(size_t count)
{
    struct segment client = {CLIENT, SERVER, 40000, SERVER_PORT, 1000, 0, SYN, 0};
    struct segment server = {SERVER, CLIENT, SERVER_PORT, 40000,
                             5000,   1001,   SYN | ACK,   0};

    write_segment(1, &client);
    write_segment(2, &server);
    client.seq++;
    server.seq++;
    client.flags = server.flags = ACK;
    server.bytes = DATA_BYTES;
    for (size_t i = 3; i <= count; i++) {
        bool of_server = i % 3 != 0;
        if (!of_server)
            client.ack = server.seq;
        write_segment(i, of_server ? &server : &client);
        server.seq += of_server ? DATA_BYTES : 0;
    }
}

int main(int argc, char **argv)
{
    bool syns = argc == 3 && strcmp(argv[1], "syns") == 0;
    if (!syns && !(argc == 3 && strcmp(argv[1], "one") == 0))
        fail("usage", "forge_capture syns|one COUNT");
    size_t count = number(argv[2]);
    write_header();
    if (syns)
        forge_syns(count);
    else
        forge_one(count);
    if (fclose(stdout))
        fail("writing", strerror(errno));
    return EXIT_SUCCESS;
}
