#include "cli/lab_report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* Parent and child are one program: the fields as they lie, then what is to be shown. */
struct head {
    uint64_t shown;
    struct lab_report report;
};

void lab_report_init(struct lab_report *report)
{
    memset(report, 0, sizeof *report);
    buffer_init(&report->shown, 0);
}

void lab_report_done(struct lab_report *report)
{
    buffer_done(&report->shown);
}

static int write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return ERROR_SYSTEM;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

int lab_report_send(int fd, const struct lab_report *report)
{
    struct head head = {.shown = report->shown.length, .report = *report};
    int status = write_all(fd, &head, sizeof head);
    return status ? status : write_all(fd, buffer_text(&report->shown), head.shown);
}

bool lab_report_receive(const struct buffer *came, struct lab_report *ret_report)
{
    struct head head;
    if (came->length < sizeof head)
        return false;
    memcpy(&head, came->bytes, sizeof head);
    if (came->length != sizeof head + head.shown)
        return false;
    *ret_report = head.report;
    buffer_init(&ret_report->shown, 0);
    return buffer_append(&ret_report->shown, came->bytes + sizeof head, head.shown) == 0;
}
