/* Where this user's things are: what clients remember is under $XDG_STATE_HOME/woshou,
 * what the user writes for them under $XDG_CONFIG_HOME/woshou (~/.local/state/woshou and
 * ~/.config/woshou). */
#ifndef WOSHOU_CLI_HOME_H
#define WOSHOU_CLI_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Appends the path of `name` in the state's directory, or in the configuration's.
 * ERROR_ABSENT where there is neither HOME nor what XDG names. Nothing is made. */
int home_state_path(struct buffer *buffer, const char *name, struct error *err);
int home_config_path(struct buffer *buffer, const char *name, struct error *err);
/* Makes a directory and those it stands in, for the user alone, where they are not there.
 * */
int home_make_directory(const char *path, struct error *err);

/* This user's client id, made at its first use and kept; where it cannot be kept, a new
 * one. Several processes of one user share it. */
int home_client_id(uint8_t *ret_id, size_t length, struct error *err);

/* The token that the user keeps for a server, from a file of lines "HOST:PORT TOKEN" that
 * nobody else may read: appended to `ret_token`, which stays as it is where there is
 * none. ERROR_PERMISSION where others may read the file. */
int home_token(const char *host, uint16_t port, struct buffer *ret_token,
               struct error *err);

#endif
