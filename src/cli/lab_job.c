/* What a child does with its experiment, and what the parent does with the report. */
#include "cli/lab_job.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/lab_book.h"
#include "cli/lab_capture.h"
#include "cli/lab_json.h"
#include "cli/lab_pool.h"
#include "cli/lab_say.h"
#include "cli/lab_show.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "draw/fill.h"
#include "lab/run.h"

/* Where one has to wait for Enter; no text from outside comes through with it. */
enum { STEP_MARK = '\f' };

struct session {
    const struct lab_order *order;
    struct lab_job *jobs;
    size_t job_count;
    size_t shown; /* jobs whose reports were shown: in their order, whatever ends first */
    int different;
    int failed;
    bool progress; /* a line of it stands on the terminal */
    int64_t begun_ns;
};

static const struct lab_sabotage *sabotage_of(const struct experiment *experiment,
                                              int index)
{
    const struct lab_sabotage *sabotage = experiment->sabotages;
    while (sabotage && index-- > 0)
        sabotage = sabotage->next;
    return sabotage;
}

/* --- The child --- */

/* The machine may be busy with other things, and a kernel's timer waits for nobody: be first
 * where that is allowed. */
static void be_first(void)
{
    struct sched_param priority = {.sched_priority = 1};
    (void)sched_setscheduler(0, SCHED_RR, &priority);
}

static void fail(struct lab_report *report, const struct error *err)
{
    report->status = err->code ? err->code : ERROR_SYSTEM;
    for (int i = 0; i < LAB_LANGUAGES; i++)
        snprintf(report->reason[i], REPORT_REASON, "%s", err->sentence);
}

static void give_reason(struct lab_report *report, const struct lab_result *result)
{
    const struct words *both[] = {&language_english, &language_chinese};
    for (int i = 0; i < LAB_LANGUAGES; i++) {
        struct buffer reason;
        buffer_init_fixed(&reason, report->reason[i], REPORT_REASON);
        lab_say_reason(&reason, result, both[i]);
    }
}

static int show(const struct lab_order *order, const struct lab_result *result,
                const struct lab_sabotage *sabotage, struct buffer *out)
{
    struct lab_look look = {.width = terminal_width(),
                            .ascii = order->ascii,
                            .colour = terminal_colourful(),
                            .step = order->step,
                            .words = language_chosen()};
    if (order->json)
        return lab_json(out, result, sabotage ? sabotage->name : NULL, look.words);
    return order->brief ? 0 : lab_show(out, result, &look);
}

static struct lab_book book_of(const struct lab_order *order)
{
    return (struct lab_book){.folder = order->html,
                             .experiments = order->experiments,
                             .count = order->count,
                             .kind = order->kind,
                             .delay_ns = order->delay_ns};
}

static int leave_behind(const struct lab_order *order, size_t index,
                        const struct lab_result *result, struct error *err)
{
    int status = 0;
    if (order->html && !order->sabotage) {
        struct lab_book book = book_of(order);
        status = lab_book_chapter(&book, index, result, err);
    }
    if (status == 0 && order->pcap)
        status = lab_capture(order->pcap, result, err);
    return status;
}

static void run_job(void *owner, const struct lab_job *job, struct lab_report *report)
{
    const struct lab_order *order = ((const struct session *)owner)->order;
    const struct experiment *experiment = order->experiments[job->index];
    const struct lab_sabotage *sabotage = NULL;
    struct experiment *spoilt = NULL;
    struct error err = {0};
    struct lab_result result;

    be_first();
    if (order->sabotage) {
        sabotage = sabotage_of(experiment, job->sabotage);
        err.code = experiment_spoil(experiment, sabotage, &spoilt);
        if (err.code) {
            fail(report, &err);
            return;
        }
        experiment = spoilt;
    }
    struct lab_options options = {.kind = order->kind,
                                  .delay_ns = order->delay_ns,
                                  .first_failure = order->sabotage};
    int status = lab_run(experiment, &options, &result, &err);
    if (status) {
        fail(report, &err);
        return;
    }
    report->outcome = (int32_t)result.outcome;
    report->expected = (int32_t)experiment->outcome;
    report->took_ns = result.took_ns;
    give_reason(report, &result);
    status = show(order, &result, sabotage, &report->shown);
    if (status)
        error_set(&err, status, "no memory for the picture");
    else
        status = leave_behind(order, (size_t)job->index, &result, &err);
    if (status)
        fail(report, &err);
    lab_result_done(&result);
    experiment_free(&spoilt);
}

/* --- The parent --- */

static void clear_progress(struct session *session)
{
    if (session->progress)
        fputs("\r\033[K", stderr);
    session->progress = false;
}

static void show_progress(void *owner, size_t ended, size_t running)
{
    struct session *session = owner;
    char seconds[32], done[16], all[16], now[16];
    struct buffer line;
    snprintf(seconds, sizeof seconds, "%.0f",
             (double)(clock_monotonic_ns() - session->begun_ns) / NS_PER_S);
    snprintf(done, sizeof done, "%zu", ended);
    snprintf(all, sizeof all, "%zu", session->job_count);
    snprintf(now, sizeof now, "%zu", running);
    const struct fill fills[] = {
        {"seconds", seconds}, {"done", done}, {"all", all}, {"now", now}};
    buffer_init(&line, 0);
    fill_append(&line, _(N_("{done} of {all} done, {now} running, {seconds} s")), fills,
                4);
    fprintf(stderr, "\r\033[K%s", buffer_text(&line));
    fflush(stderr);
    buffer_done(&line);
    session->progress = true;
}

/* "  2 lost-syn                 supported       3.3 s" */
static void show_brief(const struct session *session, const struct lab_job *job)
{
    const struct experiment *experiment = session->order->experiments[job->index];
    const struct lab_report *report = &job->report;
    bool as_expected = report->outcome == report->expected;
    bool chinese = language_chosen() == &language_chinese;
    char name[96], number[16] = "";
    const char *outcome = _(lab_outcome_message((enum lab_outcome)report->outcome));
    int columns = visible_width(outcome, strlen(outcome));
    if (experiment->number)
        snprintf(number, sizeof number, "%d", experiment->number);
    snprintf(name, sizeof name, "%s%s%s", experiment->name,
             session->order->sabotage ? " / " : "",
             session->order->sabotage ? sabotage_of(experiment, job->sabotage)->name
                                      : "");
    printf("%4s  %-48s %s%*s %6.1f s%s\n", number, name, outcome, 14 - columns, "",
           (double)report->took_ns / NS_PER_S,
           as_expected             ? ""
           : session->order->ascii ? "  !"
                                   : "  ✗");
    if (!as_expected && report->reason[chinese][0])
        printf("      %s\n", report->reason[chinese]);
}

static void show_failure(const struct session *session, const struct lab_job *job)
{
    bool chinese = language_chosen() == &language_chinese;
    fprintf(stderr, "woshou: %s: %s\n", session->order->experiments[job->index]->name,
            job->report.reason[chinese]);
}

/* Waits for Enter; false at the end of the input, or for "q". */
static bool wait_for_enter(void)
{
    char line[64];
    return fgets(line, sizeof line, stdin) && line[0] != 'q';
}

static void show_stepwise(const char *text)
{
    for (;;) {
        const char *mark = strchr(text, STEP_MARK);
        fwrite(text, 1, mark ? (size_t)(mark - text) : strlen(text), stdout);
        fflush(stdout);
        if (!mark || !wait_for_enter())
            return;
        text = mark + 1;
    }
}

static void show_report(struct session *session, struct lab_job *job)
{
    struct lab_report *report = &job->report;
    if (report->status) {
        show_failure(session, job);
        session->failed++;
        return;
    }
    session->different += report->outcome != report->expected;
    if (session->order->brief && !session->order->json)
        show_brief(session, job);
    else if (session->order->step)
        show_stepwise(buffer_text(&report->shown));
    else
        fputs(buffer_text(&report->shown), stdout);
    fflush(stdout);
}

/* In the order that was asked for: what ends early waits for what comes before. */
static void job_ended(void *owner, const struct lab_job *ended)
{
    struct session *session = owner;
    (void)ended;
    clear_progress(session);
    while (session->shown < session->job_count && session->jobs[session->shown].done)
        show_report(session, &session->jobs[session->shown++]);
}

/* --- All of it --- */

static size_t count_jobs(const struct lab_order *order)
{
    size_t count = 0;
    for (size_t i = 0; i < order->count; i++) {
        if (!order->sabotage)
            count++;
        for (const struct lab_sabotage *sabotage = order->experiments[i]->sabotages;
             sabotage && order->sabotage; sabotage = sabotage->next)
            count++;
    }
    return count;
}

static void list_jobs(struct session *session)
{
    const struct lab_order *order = session->order;
    for (size_t i = 0; i < order->count; i++) {
        const struct experiment *experiment = order->experiments[i];
        int sabotages = 0;
        for (const struct lab_sabotage *sabotage = experiment->sabotages; sabotage;
             sabotage = sabotage->next)
            sabotages++;
        for (int k = 0; k < (order->sabotage ? sabotages : 1); k++)
            session->jobs[session->job_count++] = (struct lab_job){
                .takes_ns = experiment->takes_ns, .index = (int)i, .sabotage = k};
    }
}

static void show_sum(const struct session *session)
{
    char all[16], different[16], seconds[32];
    struct buffer line;
    snprintf(all, sizeof all, "%zu", session->job_count);
    snprintf(different, sizeof different, "%d", session->different + session->failed);
    snprintf(seconds, sizeof seconds, "%.1f",
             (double)(clock_monotonic_ns() - session->begun_ns) / NS_PER_S);
    const struct fill fills[] = {
        {"all", all}, {"different", different}, {"seconds", seconds}};
    buffer_init(&line, 0);
    fill_append(&line,
                session->different + session->failed
                    ? _(N_("{all} in {seconds} s; {different} not as expected"))
                    : _(N_("{all} in {seconds} s, all as expected")),
                fills, 3);
    printf("\n%s\n", buffer_text(&line));
    buffer_done(&line);
}

static int write_book(const struct session *session, struct error *err)
{
    const struct lab_report **reports =
        calloc(session->job_count + 1, sizeof(const struct lab_report *));
    struct lab_book book = book_of(session->order);
    if (!reports)
        return error_set(err, ERROR_MEMORY, "no memory for the book");
    for (size_t i = 0; i < session->job_count; i++)
        reports[i] = &session->jobs[i].report;
    int status = lab_book_index(&book, reports, err);
    free(reports);
    return status;
}

int lab_job_run(const struct lab_order *order, struct error *err)
{
    struct session session = {.order = order, .begun_ns = clock_monotonic_ns()};
    session.jobs = calloc(count_jobs(order) + 1, sizeof *session.jobs);
    if (!session.jobs)
        return error_set(err, ERROR_MEMORY, "no memory for the experiments");
    list_jobs(&session);
    struct lab_pool pool = {.jobs = session.jobs,
                            .count = session.job_count,
                            .at_once = order->at_once,
                            .run = run_job,
                            .ended = job_ended,
                            .goes_on = isatty(STDERR_FILENO) ? show_progress : NULL,
                            .owner = &session,
                            .stop = order->stop};
    int status = lab_pool_run(&pool, err);
    clear_progress(&session);
    if (status == 0 && order->html && !order->sabotage)
        status = write_book(&session, err);
    if (status == 0 && order->brief && !order->json)
        show_sum(&session);
    for (size_t i = 0; i < session.job_count; i++)
        lab_report_done(&session.jobs[i].report);
    free(session.jobs);
    return status ? status : session.different + session.failed;
}
