#include "scope/csv.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "tcp/story.h"

void csv_header(struct buffer *buffer)
{
    buffer_append_text(buffer,
                       "id,client,server,start_ns,end_ns,handshake_ns,open,close,"
                       "closed_first,reset_by,client_state,server_state,client_bytes,"
                       "server_bytes,packets,anomalies,zeek_conn_state,zeek_history,"
                       "wireshark_completeness,evicted\r\n");
}

static const char *or_nothing(const char *word)
{
    return word ? word : "";
}

static void append_anomalies(const struct verdict *verdict, struct buffer *buffer)
{
    const char *between = "";
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0) {
            buffer_append_format(buffer, "%s%s", between,
                                 anomaly_word((enum anomaly_kind)kind));
            between = " ";
        }
}

/* Nothing here needs quoting: words, numbers, addresses. */
void csv_story(const struct story *story, struct buffer *buffer)
{
    const struct verdict *verdict = &story->verdict;
    char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];

    buffer_append_format(buffer, "%" PRIu32 ",%s,%s,%" PRId64 ",%" PRId64 ",", story->id,
                         endpoint_format(&story->client, client),
                         endpoint_format(&story->server, server), verdict->start_ns,
                         verdict->end_ns);
    if (verdict->handshake_ns != UNSEEN_NS)
        buffer_append_format(buffer, "%" PRId64, verdict->handshake_ns);
    buffer_append_format(
        buffer, ",%s,%s,%s,%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",",
        open_word(verdict->open), close_word(verdict->close),
        or_nothing(side_word(verdict->closed_first)),
        or_nothing(side_word(verdict->reset_by)), state_word(verdict->client_state),
        state_word(verdict->server_state), verdict->client_bytes, verdict->server_bytes,
        verdict->packets);
    append_anomalies(verdict, buffer);
    buffer_append_format(buffer, ",%s,%s,%u,%s\r\n", verdict->zeek_state,
                         verdict->zeek_history, verdict->completeness,
                         verdict->evicted ? "true" : "false");
}
