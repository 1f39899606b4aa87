/* Scripts: what they come to, and where it is said that they go wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/decode.h"
#include "lab/experiment.h"
#include "lab/read.h"
#include "wire/diag.h"

#define HEAD "experiment sample\nclaim en: It is so.\n"
#define TAIL "expect client SYN\n"

static struct experiment *read_text(const char *text)
{
    struct experiment *experiment = NULL;
    struct error err = {0};
    if (experiment_read("my.lab", text, strlen(text), &experiment, &err))
        fail_msg("%s", err.sentence);
    return experiment;
}

static void assert_wrong(const char *text, const char *sentence)
{
    struct experiment *experiment = NULL;
    struct error err = {0};
    int code = experiment_read("my.lab", text, strlen(text), &experiment, &err);
    if (code == 0)
        experiment_free(&experiment);
    assert_int_equal(code, ERROR_CORRUPT);
    assert_string_equal(err.sentence, sentence);
}

/* The first step of a script that has but this one, and its expectation. */
static struct experiment *read_step_line(const char *line,
                                         const struct lab_step **ret_step)
{
    char text[512];
    snprintf(text, sizeof text, HEAD "%s\n" TAIL, line);
    struct experiment *experiment = read_text(text);
    *ret_step = experiment->parts->steps.first;
    return experiment;
}

static void assert_line_wrong(const char *line, const char *rest)
{
    char text[512], sentence[512];
    snprintf(text, sizeof text, HEAD "%s\n" TAIL, line);
    snprintf(sentence, sizeof sentence, "my.lab:3:%s", rest);
    assert_wrong(text, sentence);
}

/* --- What a script says of itself --- */

static void a_script_has_texts_parts_and_sabotages(void **state)
{
    (void)state;
    struct experiment *experiment = read_text(
        "# about\nexperiment sample\nnumber 7\ntitle en: A title\n"
        "claim en: It goes\n  on below.\nclaim zh: 中文\n  连着写。\n"
        "outcome contradicted\ntakes 1.5 s\n"
        "given\nserver listen\n"
        "part one\ntitle en: The first\nclient connect\n" TAIL "note en: a note\n"
        "part two\nneeds tcp_fastopen\n" TAIL
        "sabotage gone\nwithout \"client connect\"\nwith wait 1 s\n");
    assert_string_equal(experiment->name, "sample");
    assert_int_equal(experiment->number, 7);
    assert_string_equal(experiment->title.in[LAB_ENGLISH], "A title");
    assert_string_equal(experiment->claim.in[LAB_ENGLISH], "It goes on below.");
    assert_string_equal(experiment->claim.in[LAB_CHINESE], "中文连着写。");
    assert_int_equal(experiment->outcome, OUTCOME_CONTRADICTED);
    assert_int_equal(experiment->takes_ns, 1500 * NS_PER_MS);
    assert_string_equal(experiment->given.first->words, "server listen");
    const struct lab_part *one = experiment->parts, *two = one->next;
    assert_string_equal(one->name, "one");
    assert_string_equal(one->title.in[LAB_ENGLISH], "The first");
    assert_string_equal(one->steps.last->evidence.note.in[LAB_ENGLISH], "a note");
    assert_string_equal(two->needs, "tcp_fastopen");
    assert_null(two->next);
    assert_string_equal(experiment->sabotages->name, "gone");
    assert_int_equal(experiment->sabotages->outcome, OUTCOME_CONTRADICTED);
    experiment_free(&experiment);
    assert_null(experiment);
}

static void a_sabotage_puts_its_steps_where_it_takes_others_away(void **state)
{
    (void)state;
    struct experiment *spoilt,
        *experiment = read_text(HEAD "server listen\nclient connect\n" TAIL
                                     "sabotage gone\nwith wait 1 s\n"
                                     "without \"client connect\"\n"
                                     "with wait 2 s\nwith wait 3 s\n"
                                     "outcome not-provoked\n");
    assert_int_equal(experiment_spoil(experiment, experiment->sabotages, &spoilt), 0);
    static const char *const expected[] = {"wait 1 s", "server listen", "wait 2 s",
                                           "wait 3 s", "expect client SYN"};
    const struct lab_step *step = spoilt->parts->steps.first;
    for (size_t i = 0; i < 5; i++, step = step->next)
        assert_string_equal(step->words, expected[i]);
    assert_null(step);
    assert_int_equal(spoilt->outcome, OUTCOME_NOT_PROVOKED);
    experiment_free(&spoilt);
    experiment_free(&experiment);
}

/* --- Steps --- */

static void calls_have_sockets_and_arguments(void **state)
{
    (void)state;
    const struct lab_step *step;
    struct experiment *experiment = read_step_line("server listen 80 backlog 2", &step);
    assert_int_equal(step->kind, STEP_DO);
    assert_int_equal(step->act.call, CALL_LISTEN);
    assert_string_equal(step->act.socket.name, "listener");
    assert_int_equal(step->act.port, 80);
    assert_int_equal(step->act.backlog, 2);
    experiment_free(&experiment);

    experiment = read_step_line("client second send \"say \\\"hi\\\"\"", &step);
    assert_string_equal(step->act.socket.name, "second");
    assert_string_equal(step->act.text, "say \"hi\"");
    assert_int_equal(step->act.length, 8);
    experiment_free(&experiment);

    experiment = read_step_line("server recv all 100 then close", &step);
    assert_true(step->act.all && step->act.then_close);
    assert_int_equal(step->act.most, 100);
    assert_string_equal(step->act.socket.name, "");
    experiment_free(&experiment);

    experiment = read_step_line("client set keepalive 1 2 3", &step);
    assert_int_equal(step->act.option, OPTION_KEEPALIVE);
    assert_int_equal(step->act.value[2], 3);
    experiment_free(&experiment);
}

static void the_wire_is_told_which_packets(void **state)
{
    (void)state;
    const struct lab_step *step;
    struct experiment *experiment =
        read_step_line("wire drop server SYN ACK 2 times", &step);
    assert_int_equal(step->wire.what, LAB_DROP);
    assert_int_equal(step->wire.packet.from, PLACE_SERVER);
    assert_int_equal(step->wire.packet.has, TCP_SYN | TCP_ACK);
    assert_int_equal(step->wire.times, 2);
    experiment_free(&experiment);

    experiment = read_step_line("wire hold client ACK always", &step);
    assert_int_equal(step->wire.times, LAB_ALWAYS);
    assert_true(step->wire.packet.empty);
    experiment_free(&experiment);

    experiment = read_step_line(
        "wire inject client SYN seq=j-1000 port 50 address 10.9.0.77 3 times", &step);
    assert_int_equal(step->wire.packet.seq.base, 'j');
    assert_int_equal(step->wire.packet.seq.offset, -1000);
    assert_int_equal(step->wire.port, 50);
    assert_int_equal(step->wire.address[3], 77);
    assert_int_equal(step->wire.times, 3);
    experiment_free(&experiment);
}

static void evidence_is_packets_states_calls_and_figures(void **state)
{
    (void)state;
    const struct lab_step *step;
    struct experiment *experiment = read_step_line(
        "expect client SYN ACK seq=j ack=k+1 5 bytes window=0 again lost after 1.5 s",
        &step);
    const struct lab_evidence *evidence = &step->evidence;
    assert_int_equal(evidence->see, SEE_PACKET);
    assert_true(evidence->packet.again && evidence->packet.lost);
    assert_int_equal(evidence->packet.ack.base, 'k');
    assert_int_equal(evidence->packet.ack.offset, 1);
    assert_int_equal(evidence->packet.bytes, 5);
    assert_int_equal(evidence->packet.window, 0);
    assert_int_equal(evidence->when, WHEN_AFTER);
    assert_int_equal(evidence->when_ns, 1500 * NS_PER_MS);
    experiment_free(&experiment);

    experiment = read_step_line("require server two is TIME_WAIT", &step);
    assert_true(step->evidence.required);
    assert_int_equal(step->evidence.see, SEE_IN_STATE);
    assert_string_equal(step->evidence.socket.name, "two");
    experiment_free(&experiment);

    experiment = read_step_line("expect client connect = ECONNREFUSED at once", &step);
    assert_int_equal(step->evidence.see, SEE_RESULT);
    assert_int_equal(step->evidence.result, -ECONNREFUSED);
    experiment_free(&experiment);

    experiment = read_step_line("expect never server RST", &step);
    assert_int_equal(step->evidence.sense, SENSE_NEVER);
    experiment_free(&experiment);

    experiment = read_step_line("expect server half-open <= 5", &step);
    assert_int_equal(step->evidence.most, 5);
    assert_int_equal(step->evidence.least, 0);
    experiment_free(&experiment);

    experiment = read_step_line("expect client timer = time-wait 60 s", &step);
    assert_int_equal(step->evidence.timer, TIMER_TIME_WAIT);
    assert_int_equal(step->evidence.timer_ns, 60 * NS_PER_S);
    experiment_free(&experiment);
}

/* --- What goes wrong --- */

static void errors_point_at_line_and_column(void **state)
{
    (void)state;
    assert_line_wrong("client jump", "8: expected listen, bind, connect, accept, send, "
                                     "recv, shutdown, close or set, not 'jump'");
    assert_line_wrong("client second", "8: expected listen, bind, connect, accept, send, "
                                       "recv, shutdown, close or set, not 'second'");
    assert_line_wrong("wait soon", "6: expected a duration (20 ms, 1.5 s), not 'soon'");
    assert_line_wrong("wait",
                      "5: expected a duration (20 ms, 1.5 s), not the line's end");
    assert_line_wrong(
        "wire drop SYN",
        "11: expected client or server, and which of its packets, not 'SYN'");
    assert_line_wrong("wire drop client SYN 2",
                      "23: expected 'times', not the line's end");
    assert_line_wrong("expect client connect",
                      "22: expected '=' and what it returns, or 'waits', not the line's "
                      "end");
    assert_line_wrong("expect client connect = EWHAT",
                      "25: expected an error's name (ECONNREFUSED), not 'EWHAT'");
    assert_line_wrong("expect client SYN seq=x",
                      "19: expected a sequence number (seq=j+1, ack=k, seq=90), not "
                      "'seq=x'");
    assert_line_wrong("server send \"unended",
                      "13: expected a text in quotes, not '\"unended'");
    assert_line_wrong(
        "setting server ../mem 1",
        "16: expected a setting's name under net.ipv4 (tcp_syn_retries), not "
        "'../mem'");
    /* Columns are characters, not bytes. */
    assert_line_wrong("client send \"中文\" now",
                      "18: expected the line's end, not 'now'");
    assert_line_wrong(
        "wire drop client SYN lost",
        "6: the wire knows no 'again', 'lost', seq= or ack= of a packet that "
        "passes");
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    assert_wrong("", "my.lab:1:1: expected a line 'experiment NAME'");
    assert_wrong("experiment x\nclient connect\n" TAIL,
                 "my.lab:1:1: expected a line 'claim en: ...'");
    assert_wrong(HEAD, "my.lab:1:1: it has no steps");
    assert_wrong(HEAD "client connect\n",
                 "my.lab:3:1: nothing is expected here: no line 'expect ...'");
    assert_wrong(HEAD TAIL "sabotage s\n", "my.lab:4:1: this sabotage changes nothing");
    assert_wrong(HEAD TAIL "sabotage s\nwithout \"wire\"\n",
                 "my.lab:5:1: no step begins with these words");
    assert_wrong(HEAD TAIL "sabotage s\nclient connect\n",
                 "my.lab:5:1: expected without, with or outcome: a sabotage has no steps "
                 "of its own, not 'client'");
    assert_wrong(HEAD "note en: x\n" TAIL,
                 "my.lab:3:1: a note belongs below an expect or a require");
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    struct experiment *experiment;
    struct error err;
    assert_int_equal(experiment_read("x", "\xff\n", 2, &experiment, &err), ERROR_CORRUPT);
    assert_int_equal(experiment_read("x", "a\0b", 3, &experiment, &err), ERROR_CORRUPT);
    char *large = calloc(1, LAB_SCRIPT_MAX + 1);
    assert_int_equal(experiment_read("x", large, LAB_SCRIPT_MAX + 1, &experiment, &err),
                     ERROR_LIMIT);
    free(large);
}

/* Every beginning of a script, ending at a page that may not be read. */
static void no_truncation_is_read_past_its_end(void **state)
{
    (void)state;
    static const char script[] =
        HEAD "given\nsetting client tcp_fin_timeout 5 if known\npart one\n"
             "client bind 5\nclient connect 80 with \"x\"\nserver accept as two\n"
             "wire delay client data 5 bytes \"hello\" 2 times by 1.5 s\n"
             "wire inject server RST ACK seq=k+2 ack=j port 9 address 1.2.3.4\n"
             "expect 2 times server two SYN ACK seq=j+1 window=0 lost within 2 s\n"
             "note zh: 中\nexpect client timer = keepalive 3 s\n"
             "sabotage s\nwithout \"client\"\nwith server set rcvbuf 4\n";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t length = 0; length < sizeof script; length++) {
        char *text = pages + page - length;
        struct experiment *experiment = NULL;
        struct error err;
        memcpy(text, script, length);
        if (experiment_read("cut", text, length, &experiment, &err) == 0)
            experiment_free(&experiment);
    }
    munmap(pages, 2 * page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_has_texts_parts_and_sabotages),
        cmocka_unit_test(a_sabotage_puts_its_steps_where_it_takes_others_away),
        cmocka_unit_test(calls_have_sockets_and_arguments),
        cmocka_unit_test(the_wire_is_told_which_packets),
        cmocka_unit_test(evidence_is_packets_states_calls_and_figures),
        cmocka_unit_test(errors_point_at_line_and_column),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(no_truncation_is_read_past_its_end),
    };
    return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
