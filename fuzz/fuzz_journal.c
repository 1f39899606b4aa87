/* Any bytes as a journal. What must hold: belief never goes beyond the bytes, whatever boot wrote them; and a
 * record that is read is written again to the very same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "file/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The check of each record would keep a fuzzer out: it is made right first. */
static uint8_t *signed_copy(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length + !length);
    memcpy(copy, bytes, length);
    for (size_t at = 0; at + 8 <= length;) {
        size_t whole = 8 + ((size_t)copy[at + 2] << 8 | copy[at + 3]);
        if (whole > length - at)
            break;
        memset(copy + at + 4, 0, 4);
        struct check check = check_of(copy + at, whole);
        memcpy(copy + at + 4, check.bytes, 4);
        at += whole;
    }
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t boots[2][JOURNAL_BOOT_BYTES] = {{1}, {0}};
    uint8_t *copy = signed_copy(bytes, length);
    size_t believed = journal_believed(copy, length, boots[0]);
    require(believed <= length);
    require(journal_believed(copy, length, boots[1]) <= length);
    struct journal_record record;
    for (size_t at = 0, step;
         (step = journal_decode(copy + at, length - at, &record)) > 0; at += step) {
        struct buffer again;
        require(step <= length - at);
        buffer_init(&again, 0);
        journal_encode(&again, &record);
        /* Later versions may have appended fields, which are not written again. */
        if (again.length == step && copy[at + 1] == 0)
            require(memcmp(again.bytes, copy + at, step) == 0);
        require(again.length <= step);
        buffer_done(&again);
    }
    free(copy);
    return 0;
}
