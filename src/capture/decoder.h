/* A capture's packets, from the link header in: through whatever wraps it, to the TCP
 * segment, or to the ICMP error that quotes one. It remembers fragments and nothing else. */
#ifndef WOSHOU_CAPTURE_DECODER_H
#define WOSHOU_CAPTURE_DECODER_H

#include "capture/decode.h"
#include "capture/packet.h"

struct decoder;

/* What is meaningful: `segment` on DECODE_TCP, `icmp` on DECODE_ICMP. */
struct decoded {
    bool more; /* the packet holds another frame: ask decoder_more */
    struct segment segment;
    struct icmp_error icmp;
};

/* Null without memory. */
struct decoder *decoder_new(void);
void decoder_free(struct decoder **decoder);

/* Decodes a packet of any link type and wrapping that decoder.c lists. A fragment is
 * DECODE_OTHER but for the last one missing, which is told of as the whole. The payload is
 * borrowed until the next call, or for as long as the packet's bytes are. */
enum decode_result decoder_packet(struct decoder *decoder, const struct packet *packet,
                                  struct decoded *ret_decoded);
/* The next frame of a packet that holds several (802.11's aggregates), while `more`. */
enum decode_result decoder_more(struct decoder *decoder, struct decoded *ret_decoded);

#endif
