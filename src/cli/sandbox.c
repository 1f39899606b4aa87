#include "cli/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef WOSHOU_SECCOMP /* sanitizers look around when the program ends */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef WOSHOU_SECCOMP
#endif
#endif

#ifdef WOSHOU_SECCOMP

#include <asm/termbits.h>
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "cli/language.h"

/* What reading, waiting, printing and ending take. Of mmap and mprotect: below. */
static const int allowed[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),
    SCMP_SYS(write),         SCMP_SYS(writev),
    SCMP_SYS(lseek),         SCMP_SYS(close),
    SCMP_SYS(fstat),         SCMP_SYS(newfstatat),
    SCMP_SYS(fadvise64),     SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),       SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),    SCMP_SYS(brk),
    SCMP_SYS(munmap),        SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(futex),
    SCMP_SYS(poll),          SCMP_SYS(ppoll),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),  SCMP_SYS(eventfd2),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),     SCMP_SYS(sysinfo),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),
    SCMP_SYS(tgkill),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Memory that holds code comes from nowhere any more; of a terminal its size is asked. */
static const struct {
    int call;
    struct scmp_arg_cmp only;
} restricted[] = {
    {SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
    {SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, TIOCGWINSZ, 0}},
    {SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, TCGETS, 0}},
};

void sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int code = filter ? 0 : -1;

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && !code; i++)
        code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof restricted / sizeof restricted[0] && !code; i++)
        code = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, restricted[i].call, 1,
                                      &restricted[i].only);
    /* Catalogues are opened at the first message, and not any later. */
    language_chinese.say("id");
    /* Old kernels would slow down all that is filtered, against what scripts could do. */
    if (!code && seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1) == 0)
        seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
}

#else

void sandbox_enter(void)
{
}

#endif
