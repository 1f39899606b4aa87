/* The verbs: one file cmd_NAME.c each, listed in main.c. */
#ifndef WOSHOU_CLI_VERBS_H
#define WOSHOU_CLI_VERBS_H

/* Exit statuses, for every verb. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USED_WRONGLY = 2 };

/* Each gets its own arguments, argv[0] being the verb, and returns an exit status. */
int cmd_demo(int argc, char **argv);
int cmd_files(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_hello(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_say(int argc, char **argv);
int cmd_talk(int argc, char **argv);
int cmd_scope(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_token(int argc, char **argv);

/* One sentence on standard error, "woshou: SENTENCE\n", translated already. Returns `status`. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a line that points at `woshou VERB --help`; returns EXIT_USED_WRONGLY. */
int complain_usage(const char *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
