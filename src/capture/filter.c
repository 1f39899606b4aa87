#include "capture/filter.h"

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    LINK_TYPES_MAX = 16,
    SNAP_LENGTH = 262144,
    ETHERNET = 1,
    RAW = 101,
    DLT_OF_RAW = 12
};

struct compiled {
    uint16_t link_type;
    bool means_something;
    struct bpf_program program;
};

struct filter {
    char *expression;
    struct compiled compiled[LINK_TYPES_MAX];
    size_t count;
};

/* libpcap's own numbers are those of files but for raw IP. */
static int compile(struct filter *filter, uint16_t link_type, struct compiled *ret,
                   char *message, size_t size)
{
    pcap_t *dead = pcap_open_dead(link_type == RAW ? DLT_OF_RAW : link_type, SNAP_LENGTH);
    if (!dead)
        return ERROR_MEMORY;
    ret->link_type = link_type;
    int code =
        pcap_compile(dead, &ret->program, filter->expression, 1, PCAP_NETMASK_UNKNOWN);
    ret->means_something = code == 0;
    if (code && message)
        strncpy(message, pcap_geterr(dead), size - 1);
    pcap_close(dead);
    return code ? ERROR_ARGUMENT : 0;
}

int filter_new(const char *expression, struct filter **ret_filter, struct error *err)
{
    struct filter *filter = calloc(1, sizeof *filter);
    char message[PCAP_ERRBUF_SIZE] = "";
    int code = ERROR_MEMORY;

    if (filter && (filter->expression = strdup(expression)) != NULL)
        code = compile(filter, ETHERNET, &filter->compiled[0], message, sizeof message);
    if (code) {
        filter_free(&filter);
        return code == ERROR_MEMORY ? error_set(err, code, "no memory for the filter")
                                    : error_set(err, code, "%s", message);
    }
    filter->count = 1;
    *ret_filter = filter;
    return 0;
}

void filter_free(struct filter **filter)
{
    if (!*filter)
        return;
    for (size_t i = 0; i < (*filter)->count; i++)
        pcap_freecode(&(*filter)->compiled[i].program);
    free((*filter)->expression);
    free(*filter);
    *filter = NULL;
}

static const struct compiled *compiled_for(struct filter *filter, uint16_t link_type)
{
    for (size_t i = 0; i < filter->count; i++)
        if (filter->compiled[i].link_type == link_type)
            return &filter->compiled[i];
    if (filter->count == LINK_TYPES_MAX)
        return NULL;
    struct compiled *compiled = &filter->compiled[filter->count++];
    compile(filter, link_type, compiled, NULL, 0);
    return compiled;
}

int filter_matches(struct filter *filter, const struct packet *packet)
{
    const struct compiled *compiled = compiled_for(filter, packet->link_type);
    struct pcap_pkthdr header = {.caplen = packet->captured, .len = packet->length};
    return compiled && compiled->means_something &&
           pcap_offline_filter(&compiled->program, &header, packet->bytes) != 0;
}
