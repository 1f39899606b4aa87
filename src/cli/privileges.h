/* Giving privileges up for good, once they have served. */
#ifndef WOSHOU_CLI_PRIVILEGES_H
#define WOSHOU_CLI_PRIVILEGES_H

struct error;

/* Becomes the user who called sudo, else nobody, if it is root; loses all capabilities;
 * can gain none again. Does so for the whole process, and must be called while it has one
 * thread. 0, or a negative code if something could not be given up. */
int privileges_drop(struct error *err);

#endif
