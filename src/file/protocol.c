#include "file/protocol.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

unsigned file_error_code(const struct error *err)
{
    if (err->system == ENOSPC || err->system == EDQUOT || err->system == EFBIG)
        return FRAME_ERROR_DISK_FULL;
    switch (err->code) {
    case ERROR_ARGUMENT: return FRAME_ERROR_NAME;
    case ERROR_ABSENT: return FRAME_ERROR_NOT_FOUND;
    case ERROR_IN_USE: return FRAME_ERROR_EXISTS;
    case ERROR_CORRUPT: return FRAME_ERROR_CHECK;
    case ERROR_AGAIN: return FRAME_ERROR_CHANGED;
    case ERROR_PERMISSION: return FRAME_ERROR_FORBIDDEN;
    case ERROR_LIMIT: return FRAME_ERROR_TOO_LARGE;
    default: return FRAME_ERROR_INTERNAL;
    }
}

void file_put_failed(struct buffer *buffer, uint32_t number, unsigned code,
                     const char *name, const char *sentence)
{
    size_t begin = frame_begin(buffer, FILE_FAILED, 0, 0);
    frame_put_u32(buffer, number);
    frame_put_u16(buffer, (uint16_t)code);
    frame_put_text(buffer, name, strlen(name));
    frame_put_text(buffer, sentence, strlen(sentence));
    frame_end(buffer, begin);
}
