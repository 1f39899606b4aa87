/* Every link type and every wrapping, each around the same segment: packets are made from
 * the inside out, so that a wrapping's test reads as its header does. The input of every
 * decoding ends at an unmapped page: a read past its end stops the test. More than 600 lines,
 * because every wrapping has a few of its own. */
#include "capture/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    ROOM = 1024,
    VXLAN = 4789,
    GENEVE = 6081,
    GTP = 2152,
    TEREDO = 3544,
    AYIYA = 5072
};
enum { TCP = 6, UDP = 17, IPV6_IN_IP = 41, GRE = 47, IPIP = 4 };
enum { IPV4_TYPE = 0x0800, IPV6_TYPE = 0x86dd };

/* A packet that grows at its front. */
struct made {
    size_t begin; /* bytes[begin] to the end of `bytes` */
    uint8_t bytes[ROOM];
};

static size_t made_length(const struct made *made)
{
    return ROOM - made->begin;
}

static void put_bytes(struct made *made, const void *bytes, size_t length)
{
    assert_true(made->begin >= length);
    made->begin -= length;
    memcpy(made->bytes + made->begin, bytes, length);
}

#define put(made, ...)                                                                   \
    put_bytes(made, (const uint8_t[]){__VA_ARGS__},                                      \
              sizeof((const uint8_t[]){__VA_ARGS__}))
#define BYTES_OF(number) (uint8_t)((number) >> 8), (uint8_t)((number)&0xff)

/* --- Headers --- */

static void put_ipv4(struct made *made, uint8_t protocol)
{
    size_t total = made_length(made) + 20;
    put(made, 0x45, 0, BYTES_OF(total), 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 9, 0, 1,
        10, 9, 0, 2);
}

static void put_ipv6(struct made *made, uint8_t next)
{
    size_t payload = made_length(made);
    put(made, 0x60, 0, 0, 0, BYTES_OF(payload), next, 64, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

/* From port 40001 to 30001: seq 0x01020304, five bytes. */
static void put_tcp(struct made *made)
{
    put(made, 'h', 'e', 'l', 'l', 'o');
    put(made, 0x9c, 0x41, 0x75, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 0x10, 0, 0, 0,
        0, 0);
}

static void put_tcp4(struct made *made)
{
    put_tcp(made);
    put_ipv4(made, TCP);
}

static void put_tcp6(struct made *made)
{
    put_tcp(made);
    put_ipv6(made, TCP);
}

static void put_udp(struct made *made, unsigned port)
{
    size_t length = made_length(made) + 8;
    put(made, 0xc0, 0, BYTES_OF(port), BYTES_OF(length), 0, 0);
}

static void put_ethernet(struct made *made, unsigned type)
{
    put(made, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, BYTES_OF(type));
}

static void put_snap(struct made *made, unsigned type)
{
    put(made, 0xaa, 0xaa, 3, 0, 0, 0, BYTES_OF(type));
}

/* Within IPv4, within Ethernet. */
static void put_outside(struct made *made, uint8_t protocol)
{
    put_ipv4(made, protocol);
    put_ethernet(made, IPV4_TYPE);
}

static void put_outside_udp(struct made *made, unsigned port)
{
    put_udp(made, port);
    put_outside(made, UDP);
}

/* An 802.11 data frame to a station, without service quality. */
static void put_wlan(struct made *made)
{
    put(made, 0x08, 2, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0);
}

/* The same with it; `aggregate` frames are in it. */
static void put_wlan_quality(struct made *made, bool aggregate)
{
    put(made, aggregate ? 0x80 : 0, 0);
    put(made, 0x88, 2, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0);
}

/* --- Link types --- */

static void raw4(struct made *made)
{
    put_tcp4(made);
}

static void raw6(struct made *made)
{
    put_tcp6(made);
}

static void ethernet(struct made *made)
{
    put_tcp4(made);
    put_ethernet(made, IPV4_TYPE);
}

static void vlan(struct made *made)
{
    put_tcp6(made);
    put(made, 0, 5, BYTES_OF(IPV6_TYPE));
    put_ethernet(made, 0x8100);
}

static void qinq(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 5, BYTES_OF(IPV4_TYPE));
    put(made, 0, 9, 0x81, 0);
    put_ethernet(made, 0x88a8);
}

static void snap(struct made *made)
{
    put_tcp4(made);
    put_snap(made, IPV4_TYPE);
    put_ethernet(made, 0x40); /* a length */
}

static void mpls(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 1, 1, 64); /* the bottom of the stack */
    put(made, 0, 1, 0, 64);
    put_ethernet(made, 0x8847);
}

static void mpls_pseudowire(struct made *made)
{
    put_tcp4(made);
    put_ethernet(made, IPV4_TYPE);
    put(made, 0, 0, 0, 0); /* its control word */
    put(made, 0, 1, 1, 64);
    put_ethernet(made, 0x8847);
}

static void pppoe(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 0x21);
    put(made, 0x11, 0, 0, 7, 0, 47);
    put_ethernet(made, 0x8864);
}

static void ppp(struct made *made)
{
    put_tcp6(made);
    put(made, 0xff, 3, 0, 0x57);
}

static void ppp_compressed(struct made *made)
{
    put_tcp4(made);
    put(made, 0x21);
}

static void null_little(struct made *made)
{
    put_tcp4(made);
    put(made, 2, 0, 0, 0);
}

static void null_big(struct made *made)
{
    put_tcp6(made);
    put(made, 0, 0, 0, 30);
}

static void hdlc(struct made *made)
{
    put_tcp4(made);
    put(made, 0x0f, 0, BYTES_OF(IPV4_TYPE));
}

static void wlan(struct made *made)
{
    put_tcp4(made);
    put_snap(made, IPV4_TYPE);
    put_wlan(made);
}

static void radiotap(struct made *made)
{
    put_tcp6(made);
    put_snap(made, IPV6_TYPE);
    put_wlan_quality(made, false);
    put(made, 0, 0, 12, 0, 4, 0, 0, 0, 0, 0, 0, 0);
}

static void sll(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, BYTES_OF(IPV4_TYPE));
}

static void sll2(struct made *made)
{
    put_tcp6(made);
    put(made, BYTES_OF(IPV6_TYPE), 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0);
}

static void nflog(struct made *made)
{
    put_tcp4(made);
    size_t length = made_length(made) + 4;
    put(made, (uint8_t)length, 0, 9, 0);
    put(made, 6, 0, 10, 0, 'a', 0, 0, 0); /* a prefix, filled up */
    put(made, 2, 0, 0, 0);
}

static void ipoib(struct made *made)
{
    static const uint8_t addresses[40];
    put_tcp4(made);
    put(made, BYTES_OF(IPV4_TYPE), 0, 0);
    put_bytes(made, addresses, sizeof addresses);
}

static void juniper(struct made *made)
{
    ethernet(made);
    put(made, 'M', 'G', 'C', 0x80, 0, 3, 1, 1, 1);
}

/* --- Tunnels --- */

static void ip_in_ip(struct made *made)
{
    put_tcp4(made);
    put_outside(made, IPIP);
}

static void ip6_in_ip4(struct made *made)
{
    put_tcp6(made);
    put_outside(made, IPV6_IN_IP);
}

static void ip4_in_ip6(struct made *made)
{
    put_tcp4(made);
    put_ipv6(made, IPIP);
    put_ethernet(made, IPV6_TYPE);
}

static void gre(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 0, BYTES_OF(IPV4_TYPE));
    put_outside(made, GRE);
}

static void gre_with_everything(struct made *made)
{
    put_tcp4(made);
    put_ethernet(made, IPV4_TYPE);
    put(made, 0xb0, 0, 0x65, 0x58, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2);
    put_outside(made, GRE);
}

static void gre_ppp(struct made *made)
{
    put_tcp4(made);
    put(made, 0x21);
    put(made, 0x30, 0x81, 0x88, 0x0b, 0, 46, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3);
    put_outside(made, GRE);
}

static void erspan_1(struct made *made)
{
    ethernet(made);
    put(made, 0, 0, 0x88, 0xbe);
    put_outside(made, GRE);
}

static void erspan_2(struct made *made)
{
    ethernet(made);
    put(made, 0x10, 1, 0, 1, 0, 0, 0, 0);
    put(made, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 9);
    put_outside(made, GRE);
}

static void erspan_3(struct made *made)
{
    ethernet(made);
    put(made, 0, 0, 0, 0, 0, 0, 0, 0); /* of the platform */
    put(made, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
    put(made, 0x10, 0, 0x22, 0xeb, 0, 0, 0, 9);
    put_outside(made, GRE);
}

static void wccp(struct made *made)
{
    put_tcp4(made);
    put(made, 0, 0, 0, 0);
    put(made, 0, 0, 0x88, 0x3e);
    put_outside(made, GRE);
}

static void aruba(struct made *made)
{
    put_tcp4(made);
    put_snap(made, IPV4_TYPE);
    put_wlan(made);
    put(made, 0, 0, 0x82, 0);
    put_outside(made, GRE);
}

static void vxlan(struct made *made)
{
    ethernet(made);
    put(made, 8, 0, 0, 0, 0, 0, 7, 0);
    put_outside_udp(made, VXLAN);
}

static void vxlan_gpe(struct made *made)
{
    put_tcp4(made);
    put(made, 0x0c, 0, 0, 1, 0, 0, 7, 0);
    put_outside_udp(made, 4790);
}

static void geneve(struct made *made)
{
    ethernet(made);
    put(made, 0x02, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 1, 0, 0, 0, 0);
    put_outside_udp(made, GENEVE);
}

static void gtp(struct made *made)
{
    put_tcp4(made);
    put(made, 1, 9, 9, 0); /* an extension header, the last */
    put(made, 0x34, 255, 0, 57, 0, 0, 0, 1, 0, 0, 0, 0x85);
    put_outside_udp(made, GTP);
}

static void teredo(struct made *made)
{
    put_tcp6(made);
    put(made, 0, 0, 1, 1, 1, 1, 1, 1); /* its origin */
    put_outside_udp(made, TEREDO);
}

/* Between relays: on any port, told by its prefix. */
static void teredo_anywhere(struct made *made)
{
    put_tcp6(made);
    put_outside_udp(made, 50000);
}

static void ayiya(struct made *made)
{
    static const uint8_t identity_and_signature[16 + 20];
    put_tcp6(made);
    put_bytes(made, identity_and_signature, sizeof identity_and_signature);
    put(made, 0x41, 0x52, 0x11, 41, 0, 0, 0, 1);
    put_outside_udp(made, AYIYA);
}

/* Everything in everything. */
static void vlan_gre_vxlan_mpls(struct made *made)
{
    mpls(made);
    put(made, 8, 0, 0, 0, 0, 0, 7, 0);
    put_udp(made, VXLAN);
    put_ipv6(made, UDP);
    put(made, 0, 0, BYTES_OF(IPV6_TYPE));
    put_ipv4(made, GRE);
    put(made, 0, 5, BYTES_OF(IPV4_TYPE));
    put_ethernet(made, 0x8100);
}

static const struct {
    const char *name;
    uint16_t link_type;
    void (*make)(struct made *made);
} samples[] = {
    {"null", 0, null_little},
    {"loop", 108, null_big},
    {"ethernet", 1, ethernet},
    {"vlan", 1, vlan},
    {"qinq", 1, qinq},
    {"snap", 1, snap},
    {"mpls", 1, mpls},
    {"mpls_pseudowire", 1, mpls_pseudowire},
    {"pppoe", 1, pppoe},
    {"ppp", 9, ppp},
    {"ppp_compressed", 9, ppp_compressed},
    {"raw_12", 12, raw4},
    {"raw_14", 14, raw6},
    {"raw_101", 101, raw6},
    {"ipv4", 228, raw4},
    {"ipv6", 229, raw6},
    {"hdlc", 104, hdlc},
    {"hdlc_as_ppp", 50, ppp},
    {"wlan", 105, wlan},
    {"radiotap", 127, radiotap},
    {"sll", 113, sll},
    {"sll2", 276, sll2},
    {"nflog", 239, nflog},
    {"ipoib", 242, ipoib},
    {"juniper", 178, juniper},
    {"ip_in_ip", 1, ip_in_ip},
    {"ip6_in_ip4", 1, ip6_in_ip4},
    {"ip4_in_ip6", 1, ip4_in_ip6},
    {"gre", 1, gre},
    {"gre_with_everything", 1, gre_with_everything},
    {"gre_ppp", 1, gre_ppp},
    {"erspan_1", 1, erspan_1},
    {"erspan_2", 1, erspan_2},
    {"erspan_3", 1, erspan_3},
    {"wccp", 1, wccp},
    {"aruba", 1, aruba},
    {"vxlan", 1, vxlan},
    {"vxlan_gpe", 1, vxlan_gpe},
    {"geneve", 1, geneve},
    {"gtp", 1, gtp},
    {"teredo", 1, teredo},
    {"teredo_anywhere", 1, teredo_anywhere},
    {"ayiya", 1, ayiya},
    {"vlan_gre_vxlan_mpls", 1, vlan_gre_vxlan_mpls},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* --- Decoding, at the edge of a page --- */

struct edge {
    uint8_t *page, *end;
    size_t size;
    struct decoder *decoder;
    struct decoded decoded;
};

static int make_edge(void **state)
{
    static struct edge edge;
    edge.size = (size_t)sysconf(_SC_PAGESIZE);
    edge.page = mmap(NULL, 2 * edge.size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge.decoder = decoder_new();
    if (edge.page == MAP_FAILED || !edge.decoder)
        return -1;
    edge.end = edge.page + edge.size;
    *state = &edge;
    return mprotect(edge.end, edge.size, PROT_NONE);
}

static int drop_edge(void **state)
{
    struct edge *edge = *state;
    decoder_free(&edge->decoder);
    return munmap(edge->page, 2 * edge->size);
}

/* The first `captured` bytes of a packet. */
static enum decode_result decode(struct edge *edge, uint16_t link_type,
                                 const uint8_t *bytes, size_t length, size_t captured)
{
    struct packet packet = {.bytes = memcpy(edge->end - captured, bytes, captured),
                            .captured = (uint32_t)captured,
                            .length = (uint32_t)length,
                            .link_type = link_type};
    return decoder_packet(edge->decoder, &packet, &edge->decoded);
}

static enum decode_result decode_made(struct edge *edge, const struct made *made,
                                      size_t captured)
{
    return decode(edge, 1, made->bytes + made->begin, made_length(made), captured);
}

static void assert_hello(const struct segment *segment)
{
    assert_int_equal(segment->source.port, 40001);
    assert_int_equal(segment->destination.port, 30001);
    assert_int_equal(segment->seq, 0x01020304);
    assert_int_equal(segment->payload_bytes, 5);
}

static struct made make(size_t sample)
{
    struct made made = {.begin = ROOM};
    samples[sample].make(&made);
    return made;
}

static void every_link_type_and_tunnel_is_seen_through(void **state)
{
    struct edge *edge = *state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct made made = make(i);
        size_t length = made_length(&made);
        if (decode(edge, samples[i].link_type, made.bytes + made.begin, length, length) !=
            DECODE_TCP)
            fail_msg("%s is not seen through", samples[i].name);
        assert_hello(&edge->decoded.segment);
        assert_int_equal(edge->decoded.segment.payload_captured, 5);
        assert_memory_equal(edge->decoded.segment.payload, "hello", 5);
        assert_false(edge->decoded.more);
    }
}

/* The ports, numbers and flags suffice; the payload keeps its length. */
static void a_snap_length_cuts_anywhere(void **state)
{
    struct edge *edge = *state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct made made = make(i);
        size_t length = made_length(&made), enough = length - 5 - 6;
        for (size_t captured = 0; captured < length; captured++) {
            enum decode_result result = decode(edge, samples[i].link_type,
                                               made.bytes + made.begin, length, captured);
            if ((result == DECODE_TCP) != (captured >= enough))
                fail_msg("%s cut to %zu of %zu is %d", samples[i].name, captured, length,
                         result);
            if (result == DECODE_TCP)
                assert_hello(&edge->decoded.segment);
        }
    }
}

static void every_byte_takes_every_value_and_is_cut_anywhere(void **state)
{
    struct edge *edge = *state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct made made = make(i);
        size_t length = made_length(&made);
        uint8_t *bytes = made.bytes + made.begin;
        for (size_t at = 0; at < length; at++) {
            uint8_t was = bytes[at];
            for (int value = 0; value < 256; value++) {
                bytes[at] = (uint8_t)value;
                decode(edge, samples[i].link_type, bytes, length, length);
            }
            for (size_t captured = 0; captured < length; captured++) {
                bytes[at] = (uint8_t)~was;
                decode(edge, samples[i].link_type, bytes, length, captured);
            }
            bytes[at] = was;
        }
    }
}

/* --- Lengths --- */

static void a_length_left_to_the_device_goes_to_the_packets_end(void **state)
{
    struct edge *edge = *state;
    struct made made = make(2);
    made.bytes[made.begin + 14 + 2] = made.bytes[made.begin + 14 + 3] = 0;
    assert_int_equal(decode_made(edge, &made, made_length(&made)), DECODE_TCP);
    assert_int_equal(edge->decoded.segment.payload_bytes, 5);
    /* also where it was cut */
    assert_int_equal(decode_made(edge, &made, made_length(&made) - 3), DECODE_TCP);
    assert_int_equal(edge->decoded.segment.payload_bytes, 5);
    assert_int_equal(edge->decoded.segment.payload_captured, 2);
}

/* A header may say what it likes: the packet ended where it ended. */
static void a_length_longer_than_the_packet_is_not_believed(void **state)
{
    struct edge *edge = *state;
    struct made made = make(2);
    made.bytes[made.begin + 14 + 2] = 3; /* 768 bytes more */
    assert_int_equal(decode_made(edge, &made, made_length(&made)), DECODE_TCP);
    assert_int_equal(edge->decoded.segment.payload_bytes, 5);
}

static void padding_and_a_check_sequence_are_no_payload(void **state)
{
    struct edge *edge = *state;
    struct made made = {.begin = ROOM};
    put(&made, 0xde, 0xad, 0xbe, 0xef); /* the check sequence */
    size_t tail = ROOM - made.begin;
    memmove(made.bytes, made.bytes + made.begin, tail);
    struct made inner = make(2);
    uint8_t bytes[256];
    size_t length = made_length(&inner);
    memcpy(bytes, inner.bytes + inner.begin, length);
    bytes[14 + 2] = bytes[14 + 3] = 0; /* so that only the frame says where it ends */
    memcpy(bytes + length, made.bytes, tail);
    struct packet packet = {.bytes = bytes,
                            .captured = (uint32_t)(length + tail),
                            .length = (uint32_t)(length + tail),
                            .link_type = 1,
                            .fcs_bytes = 4};
    assert_int_equal(decoder_packet(edge->decoder, &packet, &edge->decoded), DECODE_TCP);
    assert_int_equal(edge->decoded.segment.payload_bytes, 5);
}

/* --- Fragments --- */

/* A piece of the segment's IP packet: `from` and `length` in bytes behind the IP header. */
static enum decode_result fragment4(struct edge *edge, size_t from, size_t length,
                                    bool more, size_t captured)
{
    struct made whole = make(11), piece = {.begin = ROOM};
    put_bytes(&piece, whole.bytes + whole.begin + 20 + from, length);
    put_ipv4(&piece, TCP);
    piece.bytes[piece.begin + 6] = more ? 0x20 : 0;
    piece.bytes[piece.begin + 7] = (uint8_t)(from / 8);
    put_ethernet(&piece, IPV4_TYPE);
    size_t all = made_length(&piece);
    return decode_made(edge, &piece, captured && captured < all ? captured : all);
}

static void fragments_are_put_together(void **state)
{
    struct edge *edge = *state;
    assert_int_equal(fragment4(edge, 0, 16, true, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 16, 9, false, 0), DECODE_TCP);
    assert_hello(&edge->decoded.segment);
    assert_memory_equal(edge->decoded.segment.payload, "hello", 5);
    /* in any order, and with copies */
    assert_int_equal(fragment4(edge, 16, 9, false, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 16, 9, false, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 8, 8, true, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 0, 8, true, 0), DECODE_TCP);
    assert_hello(&edge->decoded.segment);
}

static void fragments_that_overlap_are_dropped(void **state)
{
    struct edge *edge = *state;
    assert_int_equal(fragment4(edge, 0, 16, true, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 8, 17, false, 0), DECODE_OTHER);
    assert_int_equal(fragment4(edge, 16, 9, false, 0), DECODE_OTHER);
}

/* It can never be put together, and has TCP's header all the same. */
static void a_first_fragment_that_was_cut_tells_its_header(void **state)
{
    struct edge *edge = *state;
    assert_int_equal(fragment4(edge, 0, 24, true, 14 + 20 + 20), DECODE_TCP);
    assert_int_equal(edge->decoded.segment.source.port, 40001);
    assert_int_equal(edge->decoded.segment.payload_bytes, 4);
    assert_int_equal(edge->decoded.segment.payload_captured, 0);
    assert_int_equal(fragment4(edge, 16, 9, false, 14 + 20 + 4), DECODE_OTHER);
}

static void fragments_of_ipv6_are_put_together(void **state)
{
    struct edge *edge = *state;
    struct made whole = make(13);
    const uint8_t *segment = whole.bytes + whole.begin + 40;
    for (int last = 0; last < 2; last++) {
        struct made piece = {.begin = ROOM};
        put_bytes(&piece, segment + (last ? 16 : 0), last ? 9 : 16);
        put(&piece, TCP, 0, 0, last ? 16 : 1, 0, 0, 0, 7);
        put_ipv6(&piece, 44);
        put_ethernet(&piece, IPV6_TYPE);
        assert_int_equal(decode_made(edge, &piece, made_length(&piece)),
                         last ? DECODE_TCP : DECODE_OTHER);
    }
    assert_hello(&edge->decoded.segment);
}

/* --- Several in one --- */

static void an_aggregate_gives_each_of_its_frames(void **state)
{
    struct edge *edge = *state;
    struct made made = {.begin = ROOM};
    for (int frame = 0; frame < 2; frame++) {
        struct made inner = {.begin = ROOM};
        put_tcp4(&inner);
        put_snap(&inner, IPV4_TYPE);
        if (frame == 1)
            put(&made, 0); /* the first is filled up to four bytes */
        put_bytes(&made, inner.bytes + inner.begin, made_length(&inner));
        put_ethernet(&made, (unsigned)made_length(&inner));
    }
    put_wlan_quality(&made, true);
    size_t length = made_length(&made);
    assert_int_equal(decode(edge, 105, made.bytes + made.begin, length, length),
                     DECODE_TCP);
    assert_hello(&edge->decoded.segment);
    assert_true(edge->decoded.more);
    assert_int_equal(decoder_more(edge->decoder, &edge->decoded), DECODE_TCP);
    assert_hello(&edge->decoded.segment);
    assert_false(edge->decoded.more);
    for (size_t captured = 0; captured < length; captured++) {
        decode(edge, 105, made.bytes + made.begin, length, captured);
        while (edge->decoded.more)
            decoder_more(edge->decoder, &edge->decoded);
    }
}

/* --- ICMP, and what is none of ours --- */

static void an_icmp_error_quotes_a_connection(void **state)
{
    struct edge *edge = *state;
    struct made made = {.begin = ROOM};
    char text[ENDPOINT_TEXT];
    put_tcp4(&made);
    put(&made, 3, 13, 0, 0, 0, 0, 0, 0);
    put_outside(&made, 1);
    assert_int_equal(decode_made(edge, &made, 14 + 20 + 8 + 20 + 8), DECODE_ICMP);
    assert_int_equal(edge->decoded.icmp.type, 3);
    assert_int_equal(edge->decoded.icmp.code, 13);
    assert_int_equal(edge->decoded.icmp.seq, 0x01020304);
    assert_string_equal(endpoint_format(&edge->decoded.icmp.source, text),
                        "10.9.0.1:40001");
    made.bytes[made.begin + 34] = 8; /* an echo asks, and quotes nothing */
    assert_int_equal(decode_made(edge, &made, made_length(&made)), DECODE_OTHER);
}

static void an_icmpv6_error_does_too(void **state)
{
    struct edge *edge = *state;
    struct made made = {.begin = ROOM};
    put_tcp6(&made);
    put(&made, 1, 4, 0, 0, 0, 0, 0, 0);
    put_ipv6(&made, 58);
    put_ethernet(&made, IPV6_TYPE);
    assert_int_equal(decode_made(edge, &made, made_length(&made)), DECODE_ICMP);
    assert_int_equal(edge->decoded.icmp.family, 6);
    assert_int_equal(edge->decoded.icmp.destination.port, 30001);
}

static void a_nest_of_wrappings_ends(void **state)
{
    struct edge *edge = *state;
    struct made made = {.begin = ROOM};
    put_tcp4(&made);
    for (int i = 0; i < 40; i++)
        put_ipv4(&made, IPIP);
    put_ethernet(&made, IPV4_TYPE);
    assert_int_equal(decode_made(edge, &made, made_length(&made)), DECODE_OTHER);
}

static void what_is_no_ip_or_encrypted_is_other(void **state)
{
    struct edge *edge = *state;
    struct made made = make(18); /* wlan */
    made.bytes[made.begin + 1] |= 0x40;
    size_t length = made_length(&made);
    assert_int_equal(decode(edge, 105, made.bytes + made.begin, length, length),
                     DECODE_OTHER);
    struct made arp = {.begin = ROOM};
    put(&arp, 0, 1, 8, 0, 6, 4, 0, 1);
    put_ethernet(&arp, 0x0806);
    assert_int_equal(decode_made(edge, &arp, made_length(&arp)), DECODE_OTHER);
    assert_int_equal(decode(edge, 999, arp.bytes + arp.begin, 22, 22), DECODE_OTHER);
}

/* Each with a decoder that remembers nothing of the others' fragments. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_edge, drop_edge)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_link_type_and_tunnel_is_seen_through),
        TEST(a_snap_length_cuts_anywhere),
        TEST(every_byte_takes_every_value_and_is_cut_anywhere),
        TEST(a_length_left_to_the_device_goes_to_the_packets_end),
        TEST(a_length_longer_than_the_packet_is_not_believed),
        TEST(padding_and_a_check_sequence_are_no_payload),
        TEST(fragments_are_put_together),
        TEST(fragments_that_overlap_are_dropped),
        TEST(a_first_fragment_that_was_cut_tells_its_header),
        TEST(fragments_of_ipv6_are_put_together),
        TEST(an_aggregate_gives_each_of_its_frames),
        TEST(an_icmp_error_quotes_a_connection),
        TEST(an_icmpv6_error_does_too),
        TEST(a_nest_of_wrappings_ends),
        TEST(what_is_no_ip_or_encrypted_is_other),
    };
    return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
