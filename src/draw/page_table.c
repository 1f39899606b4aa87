#include "draw/page_table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/marks.h"
#include "draw/markup.h"

/* One line of the table. */
struct entry {
    int64_t t_ns;
    size_t order; /* among entries of one time */
    int story;
    const struct event *event;          /* a call or a state, or null */
    const struct ladder_packet *packet; /* or a packet, at one of its two ends */
    bool arrives;
};

struct table {
    struct buffer *out;
    const struct ladder *ladder;
    const struct words *words;
};

static void cell(const struct table *table, const char *class, const char *message)
{
    buffer_append_format(table->out, "<td%s>", class);
    markup_text(table->out, message[0] ? table->words->say(message) : "");
    buffer_append_text(table->out, "</td>");
}

/* A row up to the cell with what distinguishes this event; that cell is left open. */
static void begin(const struct table *table, const struct entry *entry, const char *where,
                  const char *what)
{
    int64_t us = (entry->t_ns - table->ladder->start_ns) / 1000;
    buffer_append_format(table->out, "<tr><td class=\"number\">%lld.%03lld</td>",
                         (long long)(us / 1000), (long long)(us % 1000));
    cell(table, "", where);
    cell(table, "", what);
    buffer_append_text(table->out, "<td class=\"detail\">");
    markup_text(table->out, story_mark(table->ladder, entry->story));
}

static void end(const struct table *table, const char *known)
{
    buffer_append_text(table->out, "</td>");
    cell(table, "", known);
    buffer_append_text(table->out, "</tr>\n");
}

static const char *place_message(enum place place)
{
    return place == PLACE_CLIENT   ? N_("client")
           : place == PLACE_SERVER ? N_("server")
                                   : N_("the wire");
}

static void call_row(const struct table *table, const struct entry *entry)
{
    const struct event_call *call = &entry->event->call;
    begin(table, entry, place_message(entry->event->place),
          call->returns ? N_("call returns") : N_("call begins"));
    markup_text(table->out, call->name);
    buffer_append_text(table->out, "()");
    if (call->returns && call->result < 0)
        buffer_append_format(table->out, " = %s", error_errno_name((int)-call->result));
    else if (call->returns)
        buffer_append_format(table->out, " = %lld", (long long)call->result);
    end(table, "");
}

static void state_row(const struct table *table, const struct entry *entry)
{
    static const char *const standings[] = {[STANDING_OBSERVED] = N_("observed"),
                                            [STANDING_TRACED] = N_("traced"),
                                            [STANDING_INFERRED] = N_("inferred")};
    const struct event_state *state = &entry->event->state;
    begin(table, entry, place_message(entry->event->place), N_("enters state"));
    buffer_append_text(table->out, state_word(state->state));
    end(table, standings[state->standing]);
}

static void packet_row(const struct table *table, const struct entry *entry)
{
    const struct ladder_packet *packet = entry->packet;
    enum place from = packet->packet.from;
    const char *fate = fate_mark(packet);
    begin(table, entry, place_message(entry->arrives ? !from : from),
          packet->level    ? N_("packet seen")
          : entry->arrives ? N_("packet arrives")
                           : N_("packet leaves"));
    buffer_append_format(table->out, "#%llu", (unsigned long long)packet->packet.number);
    if (packet->run)
        buffer_append_format(table->out, "–%llu", (unsigned long long)packet->run->last);
    buffer_append_char(table->out, ' ');
    markup_text(table->out, packet->label);
    end(table, fate ? fate : "");
}

static void add(struct entry *entries, size_t *count, struct entry entry)
{
    entry.order = *count;
    entries[(*count)++] = entry;
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->t_ns != b->t_ns)
        return a->t_ns < b->t_ns ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Everything that happened, each at its own time: pictures join what belongs to one
 * moment, the table does not. Returns null when memory ran out. */
static struct entry *collect(const struct ladder *ladder, size_t *ret_count)
{
    size_t count = 0, most = 2 * ladder->packet_count + 1;
    for (size_t i = 0; i < ladder->story_count; i++)
        most += ladder->stories[i]->event_count;
    struct entry *entries = calloc(most, sizeof *entries);
    if (!entries)
        return NULL;
    for (size_t i = 0; i < ladder->packet_count; i++) {
        const struct ladder_packet *packet = &ladder->packets[i];
        struct entry entry = {.story = packet->story, .packet = packet};
        entry.t_ns = packet->packet.sent_ns;
        if (entry.t_ns != UNSEEN_NS)
            add(entries, &count, entry);
        entry.t_ns = packet->packet.received_ns;
        entry.arrives = true;
        if (entry.t_ns != UNSEEN_NS)
            add(entries, &count, entry);
    }
    for (size_t i = 0; i < ladder->story_count; i++)
        for (size_t k = 0; k < ladder->stories[i]->event_count; k++) {
            const struct event *event = &ladder->stories[i]->events[k];
            if (event->kind != EVENT_PACKET && event->kind != EVENT_RUN)
                add(entries, &count,
                    (struct entry){.t_ns = event->t_ns, .story = (int)i, .event = event});
        }
    qsort(entries, count, sizeof *entries, compare);
    *ret_count = count;
    return entries;
}

static void print_entries(const struct table *table)
{
    size_t count = 0;
    struct entry *entries = collect(table->ladder, &count);
    if (!entries) {
        if (!table->out->failed)
            table->out->failed = ERROR_MEMORY;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (entries[i].packet)
            packet_row(table, &entries[i]);
        else if (entries[i].event->kind == EVENT_CALL)
            call_row(table, &entries[i]);
        else
            state_row(table, &entries[i]);
    }
    free(entries);
}

void page_table(struct buffer *out, const struct ladder *ladder,
                const struct words *words, const char *class)
{
    static const char *const heads[] = {N_("ms"), N_("where"), N_("what"), N_("which"),
                                        N_("remark")};
    struct table table = {out, ladder, words};
    buffer_append_format(out, "<table class=\"%s\" lang=\"%s\"><thead><tr>", class,
                         words->tag);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buffer_append_text(out, "<th scope=\"col\">");
        markup_text(out, words->say(heads[i]));
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead>\n<tbody>\n");
    print_entries(&table);
    buffer_append_text(out, "</tbody></table>\n");
}
