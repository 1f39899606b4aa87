#include "capture/sniffer.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

enum { BUFFER_BYTES = 32 << 20, SNAP_LENGTH = 262144, RAW = 101, DLT_OF_RAW = 12 };

struct sniffer {
    pcap_t *pcap;
    uint64_t number;
    uint16_t link_type;
};

/* "eth0, lo, any" */
static void append_names(struct buffer *names)
{
    char message[PCAP_ERRBUF_SIZE];
    pcap_if_t *all = NULL;
    if (pcap_findalldevs(&all, message))
        return;
    for (const pcap_if_t *one = all; one; one = one->next)
        buffer_append_format(names, "%s%s", names->length ? ", " : "", one->name);
    pcap_freealldevs(all);
}

static int fail(struct sniffer *sniffer, const char *name, int status, struct error *err)
{
    char array[160];
    struct buffer names;

    buffer_init_fixed(&names, array, sizeof array);
    switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return error_set(err, ERROR_PERMISSION,
                         "capturing on %s needs the right to: run it with sudo, or give "
                         "the program CAP_NET_RAW (setcap cap_net_raw+ep)",
                         name);
    case PCAP_ERROR_NO_SUCH_DEVICE:
        append_names(&names);
        return error_set(err, ERROR_ABSENT, "there is no interface %s; there are: %s",
                         name, buffer_text(&names));
    case PCAP_ERROR_IFACE_NOT_UP:
        return error_set(err, ERROR_SYSTEM, "interface %s is down", name);
    default:
        return error_set(err, ERROR_SYSTEM, "%s: %s", name, pcap_geterr(sniffer->pcap));
    }
}

static int set_up(struct sniffer *sniffer, const struct sniffer_options *options,
                  struct error *err)
{
    pcap_t *pcap = sniffer->pcap;
    struct bpf_program program;
    char message[PCAP_ERRBUF_SIZE] = "";

    pcap_set_snaplen(pcap, options->snap_length ? options->snap_length : SNAP_LENGTH);
    pcap_set_promisc(pcap, !options->not_promiscuous);
    pcap_set_immediate_mode(pcap, 1);
    pcap_set_timeout(pcap, 100);
    pcap_set_buffer_size(pcap, BUFFER_BYTES);
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    int status = pcap_activate(pcap);
    if (status < 0)
        return fail(sniffer, options->interface, status, err);
    /* Of `any`, where the library can: the interface's number comes along. */
    pcap_set_datalink(pcap, DLT_LINUX_SLL2);
    int link = pcap_datalink(pcap);
    sniffer->link_type = (uint16_t)(link == DLT_OF_RAW ? RAW : link);
    if (options->filter) {
        if (pcap_compile(pcap, &program, options->filter, 1, PCAP_NETMASK_UNKNOWN))
            return error_set(err, ERROR_ARGUMENT, "%s", pcap_geterr(pcap));
        status = pcap_setfilter(pcap, &program);
        pcap_freecode(&program);
        if (status)
            return error_set(err, ERROR_SYSTEM, "%s", pcap_geterr(pcap));
    }
    if (pcap_setnonblock(pcap, 1, message))
        return error_set(err, ERROR_SYSTEM, "%s", message);
    return 0;
}

int sniffer_open(const struct sniffer_options *options, struct sniffer **ret_sniffer,
                 struct error *err)
{
    char message[PCAP_ERRBUF_SIZE] = "";
    struct sniffer *sniffer = calloc(1, sizeof *sniffer);

    if (!sniffer)
        return error_set(err, ERROR_MEMORY, "no memory to capture with");
    sniffer->pcap = pcap_create(options->interface, message);
    int code = sniffer->pcap ? set_up(sniffer, options, err)
                             : error_set(err, ERROR_SYSTEM, "%s", message);
    if (code)
        sniffer_close(&sniffer);
    else
        *ret_sniffer = sniffer;
    return code;
}

void sniffer_close(struct sniffer **sniffer)
{
    if (!*sniffer)
        return;
    if ((*sniffer)->pcap)
        pcap_close((*sniffer)->pcap);
    free(*sniffer);
    *sniffer = NULL;
}

int sniffer_descriptor(const struct sniffer *sniffer)
{
    return pcap_get_selectable_fd(sniffer->pcap);
}

int sniffer_next(struct sniffer *sniffer, struct packet *ret_packet, struct error *err)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int status = pcap_next_ex(sniffer->pcap, &header, &bytes);

    if (status < 0)
        return error_set(err, ERROR_SYSTEM, "%s", pcap_geterr(sniffer->pcap));
    if (status == 0)
        return 0;
    *ret_packet = (struct packet){
        .number = ++sniffer->number,
        .t_ns = header->ts.tv_sec * NS_PER_S + header->ts.tv_usec, /* nanoseconds */
        .bytes = bytes,
        .captured = header->caplen,
        .length = header->len,
        .link_type = sniffer->link_type,
    };
    return 1;
}

uint64_t sniffer_dropped(const struct sniffer *sniffer)
{
    struct pcap_stat counts = {0};
    return pcap_stats(sniffer->pcap, &counts) == 0 ? counts.ps_drop : 0;
}

int sniffer_list(struct buffer *buffer, struct error *err)
{
    char message[PCAP_ERRBUF_SIZE] = "";
    pcap_if_t *all = NULL;

    if (pcap_findalldevs(&all, message))
        return error_set(err, ERROR_SYSTEM, "%s", message);
    for (const pcap_if_t *one = all; one; one = one->next)
        buffer_append_format(buffer, "%-16s %s\n", one->name,
                             one->description                ? one->description
                             : one->flags & PCAP_IF_LOOPBACK ? "loopback"
                                                             : "");
    pcap_freealldevs(all);
    return 0;
}
