#include "draw/page_table.h"

#include "base/buffer.h"
#include "base/error.h"
#include "draw/marks.h"
#include "draw/markup.h"

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
static void begin(const struct table *table, const struct ladder_row *row,
                  const char *where, const char *what)
{
    int64_t us = (row->t_ns - table->ladder->start_ns) / 1000;
    buffer_append_format(table->out, "<tr><td class=\"number\">%lld.%03lld</td>",
                         (long long)(us / 1000), (long long)(us % 1000));
    cell(table, "", where);
    cell(table, "", what);
    buffer_append_text(table->out, "<td class=\"detail\">");
    markup_text(table->out, story_mark(table->ladder, row->story));
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

static void call_row(const struct table *table, const struct ladder_row *row,
                     enum place place, bool returns)
{
    const struct ladder_side *side = &row->side[place];
    const struct ladder_call *call = &table->ladder->calls[side->call];
    begin(table, row, place_message(place),
          returns ? N_("call returns") : N_("call begins"));
    buffer_append_format(table->out, "%s()", call->name);
    if (returns && call->result < 0)
        buffer_append_format(table->out, " = %s", error_errno_name((int)-call->result));
    else if (returns)
        buffer_append_format(table->out, " = %lld", (long long)call->result);
    end(table, "");
}

static void state_row(const struct table *table, const struct ladder_row *row,
                      enum place place)
{
    static const char *const standings[] = {[STANDING_OBSERVED] = N_("observed"),
                                            [STANDING_TRACED] = N_("traced"),
                                            [STANDING_INFERRED] = N_("inferred")};
    const struct ladder_state *state = &table->ladder->states[row->side[place].state];
    begin(table, row, place_message(place), N_("enters state"));
    buffer_append_text(table->out, state_word(state->state));
    end(table, standings[state->standing]);
}

static void packet_row(const struct table *table, const struct ladder_row *row)
{
    const struct ladder_packet *packet = &table->ladder->packets[row->packet];
    enum place from = packet->packet.from, to = !from;
    const char *what = packet->level      ? N_("packet seen")
                       : row->packet_sent ? N_("packet leaves")
                                          : N_("packet arrives");
    begin(table, row, place_message(row->packet_sent || packet->level ? from : to), what);
    buffer_append_format(table->out, "#%llu ", (unsigned long long)packet->packet.number);
    markup_text(table->out, packet->label);
    const char *fate = fate_mark(packet);
    end(table, fate ? fate : "");
}

/* What one row holds, in the order in which one led to the other: a call sends, a state
 * follows, a call returns. */
static void ladder_row(const struct table *table, const struct ladder_row *row)
{
    for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++)
        if (row->side[place].call != LADDER_NONE && row->side[place].call_enters)
            call_row(table, row, place, false);
    if (row->packet != LADDER_NONE)
        packet_row(table, row);
    for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++)
        if (row->side[place].state != LADDER_NONE)
            state_row(table, row, place);
    for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++)
        if (row->side[place].call != LADDER_NONE && row->side[place].call_returns)
            call_row(table, row, place, true);
}

void page_table(struct buffer *out, const struct ladder *ladder,
                const struct words *words, const char *class)
{
    static const char *const heads[] = {N_("ms"), N_("where"), N_("what"), N_("which"),
                                        N_("how known")};
    struct table table = {out, ladder, words};
    buffer_append_format(out, "<table class=\"%s\" lang=\"%s\"><thead><tr>", class,
                         words->tag);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buffer_append_text(out, "<th scope=\"col\">");
        markup_text(out, words->say(heads[i]));
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < ladder->row_count; i++)
        ladder_row(&table, &ladder->rows[i]);
    buffer_append_text(out, "</tbody></table>\n");
}
