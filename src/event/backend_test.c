/* Choosing a backend; one process for each story, as a choice is for good. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/contract.h"

/* Whether the story holds, told in a process of its own that nobody else used. */
static bool holds(bool (*story)(void))
{
    pid_t child = fork();
    int status = 1;

    if (child == 0)
        _exit(story() ? 0 : 1);
    waitpid(child, &status, 0);
    return status == 0;
}

static bool use(void)
{
    wo_event *event = NULL;
    bool works = wo_event_new(WO_MANUAL_RESET, &event) == 0 && wo_event_set(event) == 0 &&
                 wo_wait(&event, 1, WO_ANY, 0, NULL) == 0;

    wo_event_free(&event);
    return works;
}

static bool named(const char *name)
{
    return strcmp(wo_backend_name(), name) == 0;
}

static bool epoll_unless_asked(void)
{
    unsetenv("WOSHOU_EVENT_BACKEND");
    return named("epoll") && use() && named("epoll");
}

static bool unknown_names(void)
{
    setenv("WOSHOU_EVENT_BACKEND", "abacus", 1);
    return wo_backend_choose("abacus") == -ENOENT && wo_backend_choose(NULL) == -EINVAL &&
           named("epoll") && use() && named("epoll");
}

static bool choice_over_environment(void)
{
    setenv("WOSHOU_EVENT_BACKEND", "io_uring", 1);
    return wo_backend_choose("epoll") == 0 && named("epoll") && use() && named("epoll");
}

static bool too_late(void)
{
    unsetenv("WOSHOU_EVENT_BACKEND");
    return wo_backend_choose("epoll") == 0 && use() &&
           wo_backend_choose("epoll") == -EBUSY;
}

/* As in a container whose profile refuses a system call; nobody can take it back. */
static bool refuse(unsigned call, int code)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(lines) / sizeof(lines[0]),
                                 .filter = lines};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool epoll_instead(void)
{
    setenv("WOSHOU_EVENT_BACKEND", "io_uring", 1);
    return refuse(SYS_io_uring_setup, EPERM) && use() && named("epoll");
}

static bool epoll_though_chosen(void)
{
    int code = wo_backend_choose("io_uring"); /* -ENOENT in a build without it */

    return (code == 0 || code == -ENOENT) && refuse(SYS_io_uring_setup, ENOSYS) &&
           use() && named("epoll");
}

/* Kernels before 5.11 say ENOSYS, sandboxes of that time EPERM. */
static bool waits_without_epoll_pwait2(int code)
{
    wo_event *event = new_event(WO_MANUAL_RESET);

    unsetenv("WOSHOU_EVENT_BACKEND");
    return refuse(SYS_epoll_pwait2, code) &&
           wo_wait(&event, 1, WO_ANY, 1000, NULL) == -ETIMEDOUT;
}

static bool waits_where_it_is_unknown(void)
{
    return waits_without_epoll_pwait2(ENOSYS);
}

static bool waits_where_it_is_forbidden(void)
{
    return waits_without_epoll_pwait2(EPERM);
}

static void epoll_is_used_unless_another_is_asked_for(void **state)
{
    (void)state;
    assert_true(holds(epoll_unless_asked));
}

static void unknown_names_are_refused_or_ignored(void **state)
{
    (void)state;
    assert_true(holds(unknown_names));
}

static void the_program_chooses_over_the_environment(void **state)
{
    (void)state;
    assert_true(holds(choice_over_environment));
}

static void after_the_first_use_it_is_too_late_to_choose(void **state)
{
    (void)state;
    assert_true(holds(too_late));
}

static void where_io_uring_is_refused_epoll_takes_over(void **state)
{
    (void)state;
    assert_true(holds(epoll_instead));
    assert_true(holds(epoll_though_chosen));
}

static void older_kernels_and_sandboxes_count_in_milliseconds(void **state)
{
    (void)state;
    assert_true(holds(waits_where_it_is_unknown));
    assert_true(holds(waits_where_it_is_forbidden));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epoll_is_used_unless_another_is_asked_for),
        cmocka_unit_test(unknown_names_are_refused_or_ignored),
        cmocka_unit_test(the_program_chooses_over_the_environment),
        cmocka_unit_test(after_the_first_use_it_is_too_late_to_choose),
        cmocka_unit_test(where_io_uring_is_refused_epoll_takes_over),
        cmocka_unit_test(older_kernels_and_sandboxes_count_in_milliseconds),
    };

    return cmocka_run_group_tests_name("backends", tests, NULL, NULL);
}
