/* A summary in lines, each wrapped where a terminal ends. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/paragraph.h"
#include "draw/fill.h"
#include "draw/words.h"
#include "scope/quantity.h"
#include "scope/summary.h"

enum { INDENT = 4, HOSTS_SHOWN = 5 };

struct printer {
    const struct summary *summary;
    const struct words *words;
    int width;
    bool ascii;
    struct buffer *out;
    struct buffer line; /* the one being made */
};

static void begin_line(struct printer *printer, const char *message)
{
    buffer_clear(&printer->line);
    buffer_append_text(&printer->line, printer->words->say(message));
}

static void end_line(struct printer *printer)
{
    paragraph_append(printer->out, buffer_text(&printer->line), printer->width, INDENT);
}

static void format_duration(const struct printer *printer, int64_t ns,
                            char text[QUANTITY_TEXT])
{
    text[quantity_duration(text, ns, printer->ascii)] = '\0';
}

static void print_total(struct printer *printer)
{
    const struct summary *summary = printer->summary;
    char connections[24], packets[24], duration[QUANTITY_TEXT], bytes[QUANTITY_TEXT];

    snprintf(connections, sizeof connections, "%" PRIu64, summary->connections);
    snprintf(packets, sizeof packets, "%" PRIu64, summary->packets);
    format_duration(printer, summary->last_ns - summary->first_ns, duration);
    bytes[quantity_bytes(bytes, summary->bytes)] = '\0';
    buffer_clear(&printer->line);
    fill_append(
        &printer->line,
        printer->words->say(
            summary->connections == 1
                ? N_("one connection, {packets} packets, {bytes} of data, {duration}")
                : N_("{connections} connections, {packets} packets, {bytes} of data, "
                     "{duration}")),
        (const struct fill[]){{"connections", connections},
                              {"packets", packets},
                              {"bytes", bytes},
                              {"duration", duration}},
        4);
    end_line(printer);
}

static void append_count(struct printer *printer, uint64_t count, const char *word,
                         bool *first)
{
    if (count == 0)
        return;
    buffer_append_format(&printer->line, "%s%" PRIu64 " %s",
                         *first ? "" : printer->words->say(N_(", ")), count, word);
    *first = false;
}

static void print_words(struct printer *printer)
{
    const struct summary *summary = printer->summary;
    bool first = true;

    begin_line(printer, N_("opened: "));
    for (int word = 0; word <= OPEN_NOT_SEEN; word++)
        append_count(printer, summary->open[word], open_word((enum open_word)word),
                     &first);
    end_line(printer);
    first = true;
    begin_line(printer, N_("closed: "));
    for (int word = 0; word <= CLOSE_NONE; word++)
        append_count(printer, summary->close[word], close_word((enum close_word)word),
                     &first);
    end_line(printer);
    first = true;
    begin_line(printer, N_("connections with anomalies: "));
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        append_count(printer, summary->anomalies[kind],
                     anomaly_word((enum anomaly_kind)kind), &first);
    if (!first)
        end_line(printer);
}

/* Of few, percentiles say nothing that their list does not. */
static void print_handshakes(struct printer *printer)
{
    const struct summary *summary = printer->summary;
    char median[QUANTITY_TEXT], high[QUANTITY_TEXT], duration[QUANTITY_TEXT];

    if (summary->handshakes == 0)
        return;
    if (summary->handshakes <= SUMMARY_SLOWEST) {
        begin_line(printer, N_("handshakes, slowest first: "));
    } else {
        format_duration(printer, summary_handshake_ns(summary, 50), median);
        format_duration(printer, summary_handshake_ns(summary, 95), high);
        buffer_clear(&printer->line);
        fill_append(&printer->line,
                    printer->words->say(N_("handshakes: half within about {median}, 95 % "
                                           "within about {high}; slowest: ")),
                    (const struct fill[]){{"median", median}, {"high", high}}, 2);
    }
    for (int i = 0; i < SUMMARY_SLOWEST && summary->slowest[i].id; i++) {
        char id[16];
        format_duration(printer, summary->slowest[i].ns, duration);
        snprintf(id, sizeof id, "%" PRIu32, summary->slowest[i].id);
        if (i)
            buffer_append_text(&printer->line, printer->words->say(N_(", ")));
        fill_append(&printer->line,
                    printer->words->say(N_("{duration} (connection {id})")),
                    (const struct fill[]){{"duration", duration}, {"id", id}}, 2);
    }
    end_line(printer);
}

/* Those with the most, most first. */
static void print_hosts(struct printer *printer, const struct summary_hosts *hosts,
                        const char *title)
{
    bool shown[SUMMARY_HOSTS] = {false};
    if (hosts->used == 0)
        return;
    begin_line(printer, title);
    for (int place = 0; place < HOSTS_SHOWN; place++) {
        uint32_t best = SUMMARY_HOSTS;
        for (uint32_t i = 0; i < hosts->used; i++)
            if (!shown[i] &&
                (best == SUMMARY_HOSTS || hosts->counts[i] > hosts->counts[best]))
                best = i;
        if (best == SUMMARY_HOSTS)
            break;
        shown[best] = true;
        char text[ENDPOINT_TEXT];
        buffer_append_format(&printer->line, "%s%s (%s%" PRIu64 ")",
                             place ? printer->words->say(N_(", ")) : "",
                             endpoint_format(&hosts->servers[best], text),
                             hosts->estimated ? "<= " : "", hosts->counts[best]);
    }
    if (hosts->used > HOSTS_SHOWN)
        buffer_append_text(&printer->line, printer->words->say(N_(", ...")));
    end_line(printer);
}

static void print_evicted(struct printer *printer)
{
    char evicted[24];
    if (printer->summary->evicted == 0)
        return;
    snprintf(evicted, sizeof evicted, "%" PRIu64, printer->summary->evicted);
    buffer_clear(&printer->line);
    fill_append(&printer->line,
                printer->words->say(
                    N_("{evicted} connections were given up before their end, for "
                       "want of room: --max-connections gives more")),
                &(struct fill){"evicted", evicted}, 1);
    end_line(printer);
}

void summary_print(const struct summary *summary, const struct words *words, int width,
                   bool ascii, struct buffer *buffer)
{
    struct printer printer = {.summary = summary,
                              .words = words,
                              .width = width ? width : SHRT_MAX,
                              .ascii = ascii,
                              .out = buffer};
    if (summary->connections == 0)
        return;
    buffer_init(&printer.line, 0);
    print_total(&printer);
    print_words(&printer);
    print_handshakes(&printer);
    print_hosts(&printer, &summary->refusing, N_("refuse: "));
    print_hosts(&printer, &summary->silent, N_("stay silent: "));
    print_evicted(&printer);
    if (printer.line.failed && !buffer->failed)
        buffer->failed = printer.line.failed;
    buffer_done(&printer.line);
}
