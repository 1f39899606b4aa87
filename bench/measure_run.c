/* measure_run: runs a program to its end, and prints what that took.
 *
 *     measure_run OUTPUT COMMAND [ARGUMENT]...
 *
 * The program's standard output goes to the file OUTPUT, its standard error to OUTPUT.err.
 * Prints `wall_ns`, `cpu_ns` (in the program and for it in the kernel) and `peak_bytes` (the
 * most that was resident at one moment). Ends with the program's status, or 1.
 *
 * A program of its own because a process is also charged with the memory of whoever started
 * it, and this one has none to speak of. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEASURE_NAME "measure_run"
#include "measure.h"

static void send_to(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || dup2(file, fd) < 0)
        fail(path, strerror(errno));
}

static void run(const char *output, char **command)
{
    char errors[4096];
    if ((size_t)snprintf(errors, sizeof errors, "%s.err", output) >= sizeof errors)
        fail(output, "is too long a name");
    send_to(output, STDOUT_FILENO);
    send_to(errors, STDERR_FILENO);
    execvp(command[0], command);
    fail(command[0], strerror(errno));
}

static int64_t ns_of(struct timeval time)
{
    return time.tv_sec * INT64_C(1000000000) + time.tv_usec * INT64_C(1000);
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;
    if (argc < 3)
        fail("usage", "measure_run OUTPUT COMMAND [ARGUMENT]...");
    int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
    pid_t pid = fork();
    if (pid < 0)
        fail("starting", strerror(errno));
    if (pid == 0)
        run(argv[1], argv + 2);
    if (wait4(pid, &status, 0, &used) != pid)
        fail("waiting", strerror(errno));
    printf("wall_ns %" PRId64 "\ncpu_ns %" PRId64 "\npeak_bytes %" PRId64 "\n",
           clock_ns(CLOCK_MONOTONIC) - begin_ns,
           ns_of(used.ru_utime) + ns_of(used.ru_stime), used.ru_maxrss * INT64_C(1024));
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
