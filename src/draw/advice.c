#include "draw/advice.h"

#include <stddef.h>

#include "draw/words.h"

/* --- which --- */

static bool has(const struct verdict *verdict, enum anomaly_kind kind)
{
    return verdict->anomalies[kind].count > 0;
}

static enum advice of_unreachable(const struct verdict *verdict)
{
    switch (icmp_meaning(&verdict->icmp)) {
    case ICMP_FORBIDDEN: return ADVICE_FORBIDDEN;
    case ICMP_TOO_FAR: return ADVICE_TOO_FAR;
    default: return ADVICE_UNREACHABLE;
    }
}

static enum advice of_opening(const struct verdict *verdict)
{
    bool by_icmp = !verdict->reset_seen && verdict->icmp.family != 0;
    switch (verdict->open) {
    case OPEN_REFUSED: return by_icmp ? ADVICE_REFUSED_BY_ICMP : ADVICE_REFUSED;
    case OPEN_UNREACHABLE: return of_unreachable(verdict);
    case OPEN_NO_ANSWER:
        if (has(verdict, ANOMALY_CHALLENGE_ACK))
            return ADVICE_STALE;
        return verdict->syns == 1 ? ADVICE_ONE_SYN : ADVICE_NO_ANSWER;
    case OPEN_HALF_OPEN: return ADVICE_HALF_OPEN;
    case OPEN_ABORTED:
        return verdict->reset_by == SIDE_SERVER ? ADVICE_ABORTED_BY_SERVER
                                                : ADVICE_ABORTED_BY_CLIENT;
    default: return ADVICE_NONE;
    }
}

static enum advice of_reset(const struct verdict *verdict)
{
    if (verdict->closed_first == verdict->reset_by || verdict->closed_first == SIDE_BOTH)
        return ADVICE_RESET_AFTER_CLOSE;
    if (verdict->reset_by == SIDE_CLIENT)
        return ADVICE_RESET_BY_CLIENT;
    return verdict->server_bytes == 0 && verdict->open != OPEN_NOT_SEEN
               ? ADVICE_RESET_AT_ONCE
               : ADVICE_RESET_BY_SERVER;
}

static enum advice of_anomalies(const struct verdict *verdict)
{
    static const struct {
        enum anomaly_kind kind;
        enum advice advice;
    } order[] = {
        {ANOMALY_RST_IGNORED, ADVICE_FORGED_RESET},
        {ANOMALY_FIN_IGNORED, ADVICE_FORGED_RESET},
        {ANOMALY_KEEPALIVE_UNANSWERED, ADVICE_VANISHED},
        {ANOMALY_ZERO_WINDOW, ADVICE_ZERO_WINDOW},
        {ANOMALY_PAWS_REJECTED, ADVICE_TIMESTAMPS},
        {ANOMALY_SYN_RETRANSMITTED, ADVICE_SLOW_SERVER},
        {ANOMALY_SYNACK_RETRANSMITTED, ADVICE_LOSS},
        {ANOMALY_DATA_RETRANSMITTED, ADVICE_LOSS},
        {ANOMALY_FIN_RETRANSMITTED, ADVICE_LOSS},
    };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (has(verdict, order[i].kind))
            return order[i].advice;
    return ADVICE_NONE;
}

enum advice advice_of(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    enum advice advice = of_opening(verdict);
    bool waits = verdict->client_state == STATE_CLOSE_WAIT ||
                 verdict->server_state == STATE_CLOSE_WAIT;

    if (verdict->evicted)
        return ADVICE_EVICTED;
    if (advice == ADVICE_NONE && verdict->close == CLOSE_RESET)
        advice = of_reset(verdict);
    if (advice == ADVICE_NONE && verdict->close == CLOSE_HALF_CLOSED && waits)
        advice = ADVICE_NOT_CLOSED;
    if (advice == ADVICE_NONE)
        advice = of_anomalies(verdict);
    if (advice == ADVICE_NONE && has(verdict, ANOMALY_SEQUENCE_GAP))
        advice = ADVICE_GAP;
    if (advice == ADVICE_NONE && verdict->open == OPEN_NOT_SEEN)
        advice = ADVICE_NOT_SEEN;
    return advice;
}

bool advice_is_of_failure(enum advice advice)
{
    return advice < ADVICE_EVICTED;
}

/* --- what is said --- */

static const struct {
    const char *title, *text;
} sayings[ADVICE_NONE] = {
    [ADVICE_REFUSED] =
        {N_("refused"),
         N_("Nothing listens on that port, or a firewall answers for the server. Check on "
            "the server whether the program runs and listens on this port and this "
            "address, not on 127.0.0.1 alone (ss -ltn); if it does, look for a firewall "
            "rule that rejects, there and on the way.")},
    [ADVICE_REFUSED_BY_ICMP] =
        {N_("refused, by ICMP"),
         N_("A closed port answers with RST; ICMP port unreachable is what firewalls "
            "answer (iptables' REJECT). Check the rules of the host that sent it "
            "(nft list ruleset, iptables -S).")},
    [ADVICE_FORBIDDEN] =
        {N_("forbidden on the way"),
         N_("A firewall or router on the way does not let this connection through, and "
            "says so. Check its rules for these addresses and this port; it is the host "
            "that sent the ICMP error.")},
    [ADVICE_UNREACHABLE] =
        {N_("unreachable"),
         N_("The network cannot deliver to the server's address. Check the address "
            "itself; then whether the server is up (its neighbours find no answer to ARP "
            "where a host is down); then the routes from the host that sent the ICMP "
            "error (ip route get ADDRESS).")},
    [ADVICE_TOO_FAR] =
        {N_("lost between routers"),
         N_("The packet was passed on until its time to live ran out, which is a loop in "
            "most cases. Check the routes around the host that sent the ICMP error "
            "(traceroute shows the same routers again and again).")},
    [ADVICE_STALE] =
        {N_("blocked by an older connection"),
         N_("The server still holds an older connection of the same addresses and ports, "
            "and answered the SYN with a challenge ACK. The client's reset should clear "
            "it; check whether a firewall drops that reset, and why the client uses the "
            "same port again so soon.")},
    [ADVICE_NO_ANSWER] =
        {N_("without an answer"),
         N_("The server is down, the address is wrong, or something drops the packets "
            "without a word, as firewalls do. Check whether the server is up and the "
            "address is right (ping), how far the way goes (traceroute -T -p PORT), and "
            "capture on the server: if the SYN arrives there, its firewall drops it or "
            "the answer takes another way back.")},
    [ADVICE_ONE_SYN] =
        {N_("without an answer yet"),
         N_("One SYN and no answer, nor the SYN again a second later. Check whether the "
            "capture went on long enough and saw both directions; a scanner tries no "
            "second time, and a program may have given up. Else: no answer means a host "
            "that is down or a firewall that drops.")},
    [ADVICE_HALF_OPEN] =
        {N_("half open"),
         N_("The server answered, and its answer was never acknowledged: it did not reach "
            "the client, or the client's address was forged or a scanner's. Check with a "
            "capture at the client whether the SYN ACK arrives; if not, the way back "
            "differs, or a firewall on it drops what it saw no SYN for.")},
    [ADVICE_ABORTED_BY_CLIENT] =
        {N_("given up by the client during the handshake"),
         N_("The client sent a reset before the connection was open: a scanner that only "
            "wanted to know whether the port is open, a program that closed while "
            "connecting, or a host that got the answer to a SYN it had not sent (an "
            "address used twice, a balancer that sends answers elsewhere). Check what runs "
            "at the client's address.")},
    [ADVICE_ABORTED_BY_SERVER] =
        {N_("given up by the server during the handshake"),
         N_("The server began to answer and reset the connection before it was open. "
            "Check whether its program stopped listening at that moment, whether its "
            "queue was full (nstat -az TcpExtListenOverflows), and whether a firewall "
            "between sent the reset: its TTL then differs from the server's other "
            "packets.")},
    [ADVICE_RESET_AT_ONCE] =
        {N_("reset by the server, which had said nothing"),
         N_("The server took the connection and reset it without a byte: its program "
            "refuses this client (an access list, too many connections), failed at once, "
            "or does not speak this protocol on this port. Check the program's log at "
            "that time.")},
    [ADVICE_RESET_AFTER_CLOSE] =
        {N_("reset after a close"),
         N_("One end had closed, and the other went on sending: what came for the closed "
            "end was answered with a reset, and what it had not read is lost. Check "
            "whether the program that closed first should have read to the end (shut "
            "down, then read, then close).")},
    [ADVICE_RESET_BY_SERVER] =
        {N_("reset by the server"),
         N_("The server's program closed with data unread, was killed, or a device "
            "between ended the connection in its name. Check the program's log at that "
            "time; and compare the reset's TTL with that of the server's other packets: "
            "if it differs, somebody else sent it.")},
    [ADVICE_RESET_BY_CLIENT] =
        {N_("reset by the client"),
         N_("The client's program closed with data unread, gave up waiting, was killed, or "
            "resets by habit (SO_LINGER with no time), as some do to be spared TIME_WAIT. "
            "Check the client's log and its timeouts; nothing is lost where it had all it "
            "wanted.")},
    [ADVICE_FORGED_RESET] =
        {N_("with a reset or FIN that was not heeded"),
         N_("Its number is none the receiver expects, so the receiver goes on. Packets "
            "like it come from devices that guess (censorship, intrusion prevention), "
            "from attackers, or late from an older connection. Compare its TTL and IP "
            "identification with the other packets of the end it claims to come from.")},
    [ADVICE_VANISHED] =
        {N_("whose peer vanished"),
         N_("Keepalive probes were not answered: the peer is gone without a word, or a "
            "firewall or address translation forgot the connection while it was silent. "
            "Check whether the silence before was longer than their timeouts, and send "
            "keepalives more often than that.")},
    [ADVICE_NOT_CLOSED] =
        {N_("not closed by one program"),
         N_("One end has closed, and the other's program has not: it still sends, it "
            "hangs, or it has forgotten the socket. Check there for sockets in CLOSE_WAIT "
            "(ss -tp state close-wait): their number growing is a leak of descriptors.")},
    [ADVICE_ZERO_WINDOW] =
        {N_("with a receiver that does not keep up"),
         N_("A receiver's buffer was full, so its peer had to stop: its program reads more "
            "slowly than the data comes. Check what that program waits for (processor, "
            "disk, a lock), not the network.")},
    [ADVICE_TIMESTAMPS] =
        {N_("with old timestamps"),
         N_("Segments whose timestamp is older than one before are dropped without a "
            "word. Check whether a balancer or address translation puts several hosts "
            "behind one address, or changes timestamps.")},
    [ADVICE_SLOW_SERVER] =
        {N_("opened only after another SYN"),
         N_("A SYN or its answer was lost, and a second or more with it. Check whether the "
            "server's queue of connections overflows (nstat -az TcpExtListenOverflows "
            "TcpExtListenDrops); if not, the way loses packets.")},
    [ADVICE_LOSS] =
        {N_("with packets sent again"),
         N_("Packets were lost or came too late. A few are usual; many make a connection "
            "slow. Check the interfaces' counters (ip -s link), and whether only large "
            "packets are lost (ping -M do -s 1472): then the path's MTU is smaller than "
            "believed.")},
    [ADVICE_EVICTED] =
        {N_("not followed to the end"),
         N_("There were more connections at once than --max-connections lets be followed: "
            "what came of this one is not known. Give it a higher number, or filter the "
            "packets.")},
    [ADVICE_GAP] =
        {N_("not captured in whole"),
         N_("The receiver acknowledged data that the capture does not have: the capture "
            "lost packets, or saw one direction only. Bytes and retransmissions are then "
            "lower bounds. Capture with a larger buffer (tcpdump -B) or fewer bytes of "
            "each packet (-s 128).")},
    [ADVICE_NOT_SEEN] =
        {N_("opening not seen"),
         N_("The capture began after the connection had. To see how it opens, begin to "
            "capture before it does.")},
};

const char *advice_title(enum advice advice)
{
    return advice == ADVICE_NONE ? NULL : sayings[advice].title;
}

const char *advice_text(enum advice advice)
{
    return advice == ADVICE_NONE ? NULL : sayings[advice].text;
}

/* --- what shows it --- */

static const struct evidence *first_of(const struct verdict *verdict,
                                       const enum anomaly_kind *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has(verdict, kinds[i]))
            return &verdict->anomalies[kinds[i]];
    return &verdict->evidence;
}

const struct evidence *advice_evidence(enum advice advice, const struct verdict *verdict)
{
    static const enum anomaly_kind forged[] = {ANOMALY_RST_IGNORED, ANOMALY_FIN_IGNORED},
                                   again[] = {ANOMALY_DATA_RETRANSMITTED,
                                              ANOMALY_SYNACK_RETRANSMITTED,
                                              ANOMALY_FIN_RETRANSMITTED};
    switch (advice) {
    case ADVICE_FORGED_RESET: return first_of(verdict, forged, 2);
    case ADVICE_LOSS: return first_of(verdict, again, 3);
    case ADVICE_STALE: return &verdict->anomalies[ANOMALY_CHALLENGE_ACK];
    case ADVICE_VANISHED: return &verdict->anomalies[ANOMALY_KEEPALIVE_UNANSWERED];
    case ADVICE_ZERO_WINDOW: return &verdict->anomalies[ANOMALY_ZERO_WINDOW];
    case ADVICE_TIMESTAMPS: return &verdict->anomalies[ANOMALY_PAWS_REJECTED];
    case ADVICE_SLOW_SERVER: return &verdict->anomalies[ANOMALY_SYN_RETRANSMITTED];
    case ADVICE_GAP: return &verdict->anomalies[ANOMALY_SEQUENCE_GAP];
    default: return &verdict->evidence;
    }
}
