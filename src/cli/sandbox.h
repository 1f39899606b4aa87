/* A sandbox for parsers of what strangers sent: from here on the process can read and write
 * what it has open, wait, and end. It opens nothing, makes no connection, runs nothing. */
#ifndef WOSHOU_CLI_SANDBOX_H
#define WOSHOU_CLI_SANDBOX_H

/* For good, and for the whole process, by a seccomp filter: what is not allowed fails with
 * EPERM. Where the kernel has none to give, or the program was built without libseccomp or
 * with a sanitizer, nothing changes: it is one wall more, and not the only one. */
void sandbox_enter(void);

#endif
