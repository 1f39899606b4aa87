/* An experiment's packets as capture files, one for each host and part: what tcpdump
 * there would have written, for Wireshark to dispute the picture. */
#ifndef WOSHOU_CLI_LAB_CAPTURE_H
#define WOSHOU_CLI_LAB_CAPTURE_H

#include "lab/run.h"

struct error;

/* Writes NAME-PART-client.pcapng and NAME-PART-server.pcapng into `directory`; without the
 * part's name where it has none. */
int lab_capture(const char *directory, const struct lab_result *result,
                struct error *err);

#endif
