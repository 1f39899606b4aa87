#include "serve/metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "net/stream.h"
#include "net/task.h"

#define VISIT_NS (10 * NS_PER_S)
enum { REQUEST_BYTES = 8 << 10, VISITS_MOST = 16 };

struct visit {
    struct task task;
    struct metrics *metrics;
    struct stream stream;
    struct buffer request;
    bool answered;
    int64_t until_ns;
    struct list_link link;
};

/* --- The figures --- */

static void put(struct buffer *page, const char *name, const char *type, const char *help,
                uint64_t value)
{
    buffer_append_format(page,
                         "# HELP woshou_%s %s\n# TYPE woshou_%s %s\nwoshou_%s %llu\n",
                         name, help, name, type, name, (unsigned long long)value);
}

static void put_figures(struct buffer *page, const struct server_counts *counts)
{
    const struct text_counts *text = &counts->text;
    const struct history_counts *history = &counts->history;
    put(page, "connections_accepted_total", "counter", "Connections accepted",
        counts->accepted);
    put(page, "connections_refused_total", "counter", "Connections refused at the door",
        counts->refused);
    put(page, "connections_unknown", "gauge",
        "Connections that have not said who they are", counts->strangers);
    put(page, "accept_pauses_total", "counter", "Times accepting waited for descriptors",
        counts->pauses);
    put(page, "text_members", "gauge", "Connections in the text service", text->members);
    put(page, "text_rooms", "gauge", "Rooms in use since the start", text->rooms);
    put(page, "text_said_total", "counter", "Messages to be kept that came", text->said);
    put(page, "text_unkept_total", "counter", "Messages not to be kept that came",
        text->unkept);
    put(page, "text_acknowledged_total", "counter", "Messages acknowledged",
        text->acknowledged);
    put(page, "text_refused_total", "counter", "Requests refused", text->refused);
    put(page, "text_sent_bytes_total", "counter", "Bytes sent to members",
        text->delivered_bytes);
    put(page, "text_gaps_total", "counter", "Times a slow reader missed something",
        text->gaps);
    put(page, "text_slow_closed_total", "counter", "Readers closed that took nothing",
        text->slow_closed);
    put(page, "text_silent_closed_total", "counter", "Members closed that were silent",
        text->silent_closed);
    put(page, "text_room_bytes", "gauge", "Memory that holds what rooms say",
        text->reel_bytes);
    put(page, "history_stored_total", "counter", "Messages committed", history->stored);
    put(page, "history_repeated_total", "counter", "Messages that were committed before",
        history->repeated);
    put(page, "history_failed_total", "counter", "Messages that could not be kept",
        history->failed);
    put(page, "history_commits_total", "counter", "Transactions committed",
        history->commits);
    put(page, "history_indexed_total", "counter", "Messages indexed", history->indexed);
    put(page, "history_waiting", "gauge", "Messages that wait to be committed",
        history->waiting);
}

static void put_file_figures(struct buffer *page, const struct server_file_counts *files)
{
    put(page, "file_connections", "gauge", "Connections in the file service",
        files->connections);
    put(page, "file_received_total", "counter", "Files and folders received whole",
        files->received);
    put(page, "file_sent_total", "counter", "Files and folders sent whole", files->sent);
    put(page, "file_failed_total", "counter", "Files and folders that failed",
        files->failed);
    put(page, "file_received_bytes_total", "counter",
        "Bytes of files received and checked", files->received_bytes);
    put(page, "file_sent_bytes_total", "counter", "Bytes of files sent and acknowledged",
        files->sent_bytes);
}

/* --- A visit: one request, one answer --- */

static void end_visit(struct visit *visit)
{
    visit->metrics->count--;
    list_remove(&visit->link);
    stream_close(&visit->stream);
    buffer_done(&visit->request);
    free(visit);
}

static bool begins(const char *text, const char *beginning)
{
    return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

/* A page in somebody's browser must not read this through a name of its own (rebinding): the
 * host has to be this machine. */
static bool is_host_here(const char *request)
{
    const char *line = request;
    while ((line = strchr(line, '\n'))) {
        line++;
        if (!begins(line, "host:"))
            continue;
        const char *host = line + strlen("host:");
        host += strspn(host, " \t");
        return begins(host, "127.") || begins(host, "localhost:") ||
               begins(host, "localhost\r") || begins(host, "[::1]");
    }
    return false;
}

static void answer(struct visit *visit, const char *status, const struct buffer *page)
{
    struct buffer head;
    buffer_init(&head, 0);
    buffer_append_format(&head,
                         "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; "
                         "charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
                         "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                         status, page->length);
    buffer_append(&head, page->bytes, page->length);
    visit->answered = true;
    if (head.failed || stream_send(&visit->stream, head.bytes, head.length) == 0)
        stream_finish(&visit->stream);
    buffer_done(&head);
}

static void answer_request(struct visit *visit)
{
    const char *request = buffer_text(&visit->request);
    struct buffer page;
    buffer_init(&page, 0);
    if (!is_host_here(request)) {
        buffer_append_text(&page, "this is not the host you look for\n");
        answer(visit, "421 Misdirected Request", &page);
    } else if (begins(request, "GET /metrics ")) {
        struct server_counts counts = server_counts(visit->metrics->server);
        put_figures(&page, &counts);
        put_file_figures(&page, &counts.files);
        answer(visit, "200 OK", &page);
    } else if (begins(request, "GET ")) {
        buffer_append_text(&page, "there is only /metrics\n");
        answer(visit, "404 Not Found", &page);
    } else {
        buffer_append_text(&page, "there is only GET\n");
        answer(visit, "405 Method Not Allowed", &page);
    }
    buffer_done(&page);
}

static void hear(struct visit *visit, const char *bytes, size_t length)
{
    if (visit->answered)
        return;
    if (buffer_append(&visit->request, bytes, length)) {
        struct buffer page;
        buffer_init(&page, 0);
        answer(visit, "431 Request Header Fields Too Large", &page);
        buffer_done(&page);
        return;
    }
    if (strstr(buffer_text(&visit->request), "\r\n\r\n"))
        answer_request(visit);
}

static void visit_ready(struct task *task)
{
    struct visit *visit = (struct visit *)task;
    wo_network_events network = {0};
    wo_enumerate(visit->stream.fd, visit->stream.event, &network);
    if (network.events & WO_WRITE && stream_flush(&visit->stream) < 0) {
        end_visit(visit);
        return;
    }
    if (!(network.events & (WO_READ | WO_CLOSE)))
        return;
    char bytes[2048];
    ssize_t length;
    while ((length = stream_receive(&visit->stream, bytes, sizeof bytes)) > 0)
        hear(visit, bytes, (size_t)length);
    if (length != -EAGAIN && (length < 0 || !visit->stream.unsent.length))
        end_visit(visit);
}

void metrics_init(struct metrics *metrics, wo_set *set, struct server *server)
{
    *metrics = (struct metrics){.set = set, .server = server};
    list_init(&metrics->visits);
}

void metrics_done(struct metrics *metrics)
{
    if (metrics->server)
        list_for_each_safe (link, &metrics->visits)
            end_visit(list_member(link, struct visit, link));
}

void metrics_adopt(struct metrics *metrics, int fd, wo_event *event,
                   const struct endpoint *peer)
{
    struct visit *visit = metrics->count < VISITS_MOST ? calloc(1, sizeof *visit) : NULL;
    if (!visit) {
        wo_close(fd);
        wo_event_free(&event);
        return;
    }
    int code = stream_adopt(&visit->stream, fd, peer, event, WO_READ | WO_CLOSE, NULL);
    if (code) {
        free(visit);
        return;
    }
    visit->task.ready = visit_ready;
    visit->metrics = metrics;
    visit->until_ns = clock_monotonic_ns() + VISIT_NS;
    buffer_init(&visit->request, REQUEST_BYTES);
    list_append(&metrics->visits, &visit->link);
    metrics->count++;
    if (wo_set_add(metrics->set, visit->stream.event, &visit->task))
        end_visit(visit);
}

int64_t metrics_turn(struct metrics *metrics, int64_t now_ns)
{
    list_for_each_safe (link, &metrics->visits) {
        struct visit *visit = list_member(link, struct visit, link);
        if (visit->until_ns > now_ns)
            return visit->until_ns;
        end_visit(visit);
    }
    return INT64_MAX;
}
