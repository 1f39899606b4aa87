/* Tokens from their making to their end: the file, and the store of a running server. */
#include "trust/token_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "trust/token_file.h"

static char directory[32], path[64];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/woshou-token-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/tokens", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory); /* fails where something else was left in it */
}

static void make(const char *name, int64_t expires_s, char ret_text[TOKEN_TEXT])
{
    struct token token;
    assert_int_equal(token_make(path, name, 1000, expires_s, &token, ret_text, NULL), 0);
}

static int check(struct token_store *store, const char *text, int64_t now_s,
                 struct token *ret_token)
{
    return token_store_check(store, text, strlen(text), now_s, ret_token, NULL);
}

static void a_token_is_shown_once_and_kept_as_a_hash(void **state)
{
    (void)state;
    char text[TOKEN_TEXT], contents[1024] = "";
    struct stat status;
    make("ann", 0, text);
    assert_int_equal(strlen(text), TOKEN_TEXT - 1);
    assert_memory_equal(text, "wst_", 4);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, contents, sizeof contents - 1) > 0);
    close(fd);
    assert_null(strstr(contents, text + 12)); /* the secret */
    assert_memory_equal(contents, text + 4, 8);
    assert_non_null(strstr(contents, " 1000 0 ann\n"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void who_shows_it_is_known_by_its_name(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT], bob[TOKEN_TEXT];
    struct token_store *store;
    struct token token;
    make("ann", 0, ann);
    make("鲍勃-of-here", 0, bob);
    assert_int_equal(token_store_open(path, &store, NULL), 0);
    assert_int_equal(check(store, ann, 2000, &token), 0);
    assert_string_equal(token.name, "ann");
    assert_int_equal(check(store, bob, 2000, &token), 0);
    assert_string_equal(token.name, "鲍勃-of-here");
    assert_true(token_store_has(store, token.id, 2000));
    token_store_close(&store);
    token_store_close(&store);
    assert_null(store);
}

static void every_other_text_is_nobodys(void **state)
{
    (void)state;
    char text[TOKEN_TEXT], other[TOKEN_TEXT + 1];
    struct token_store *store;
    struct token token;
    make("ann", 0, text);
    assert_int_equal(token_store_open(path, &store, NULL), 0);
    for (size_t at = 0; at < TOKEN_TEXT - 1; at++) {
        strcpy(other, text);
        other[at] = other[at] == 'x' ? 'y' : 'x';
        assert_int_equal(check(store, other, 2000, &token), ERROR_ABSENT);
        strcpy(other, text);
        other[at] = '\0';
        assert_int_equal(check(store, other, 2000, &token), ERROR_ABSENT);
    }
    snprintf(other, sizeof other, "%sx", text);
    assert_int_equal(check(store, other, 2000, &token), ERROR_ABSENT);
    assert_int_equal(check(store, "", 2000, &token), ERROR_ABSENT);
    assert_int_equal(token_store_check(store, "wst_\0\0\0\0\0\0\0\0", TOKEN_TEXT - 1 - 43,
                                       2000, &token, NULL),
                     ERROR_ABSENT);
    assert_false(token_store_has(store, "", 2000));
    assert_false(token_store_has(store, "01234567", 2000));
    token_store_close(&store);
}

static void a_token_ends_when_it_expires(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct token_store *store;
    struct token token;
    make("ann", 5000, text);
    assert_int_equal(token_store_open(path, &store, NULL), 0);
    assert_int_equal(check(store, text, 4999, &token), 0);
    assert_true(token_store_has(store, token.id, 4999));
    assert_int_equal(check(store, text, 5000, &token), ERROR_ABSENT);
    assert_false(token_store_has(store, token.id, 5000));
    token_store_close(&store);
}

static void a_running_store_sees_what_is_made_and_revoked(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT], bob[TOKEN_TEXT], again[TOKEN_TEXT], id[TOKEN_ID_TEXT];
    struct token_store *store;
    struct token token;
    size_t count;
    assert_int_equal(token_store_open(path, &store, NULL),
                     0); /* before there is a file */
    assert_int_equal(check(store, "x", 2000, &token), ERROR_ABSENT);
    make("ann", 0, ann);
    make("ann", 0, again);
    make("bob", 0, bob);
    assert_int_equal(check(store, ann, 2000, &token), 0);
    strcpy(id, token.id);
    assert_int_equal(token_revoke(path, id, &count, NULL), 0); /* by id: that one */
    assert_int_equal(count, 1);
    assert_int_equal(check(store, ann, 2000, &token), ERROR_ABSENT);
    assert_false(token_store_has(store, id, 2000));
    assert_int_equal(check(store, again, 2000, &token), 0);
    make("ann", 0, ann);
    assert_int_equal(token_revoke(path, "ann", &count, NULL), 0); /* by name: all of it */
    assert_int_equal(count, 2);
    assert_int_equal(check(store, again, 2000, &token), ERROR_ABSENT);
    assert_int_equal(check(store, bob, 2000, &token), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(check(store, bob, 2000, &token), ERROR_ABSENT);
    token_store_close(&store);
}

static void revoking_what_is_not_there_says_so(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct error err;
    size_t count = 99;
    assert_int_equal(token_revoke(path, "ann", &count, &err), ERROR_ABSENT);
    make("bob", 0, text);
    assert_int_equal(token_revoke(path, "ann", &count, &err), ERROR_ABSENT);
    assert_string_equal(err.sentence, "there is no token of 'ann'");
    assert_int_equal(count, 99);
}

static void a_list_has_them_in_order_and_never_their_secret(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct token_list list;
    assert_int_equal(token_list_read(path, &list, NULL), 0);
    assert_int_equal(list.count, 0);
    make("ann", 0, text);
    make("bob", 7000, text);
    assert_int_equal(token_list_read(path, &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.tokens[0].name, "ann");
    assert_int_equal(list.tokens[0].made_s, 1000);
    assert_int_equal(list.tokens[0].expires_s, 0);
    assert_string_equal(list.tokens[1].name, "bob");
    assert_int_equal(list.tokens[1].expires_s, 7000);
    assert_memory_equal(list.tokens[1].id, text + 4, 8);
    token_list_done(&list);
}

static void names_that_hide_something_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ann",
        "ann ",
        "a\nb",
        "a\x1b[31m",
        "\xFF",
        ("a\xE2\x80\xAE"
         "b"),
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    char text[TOKEN_TEXT];
    struct token token;
    struct error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(token_name_good(bad[i]));
        assert_int_equal(token_make(path, bad[i], 1, 0, &token, text, &err),
                         ERROR_ARGUMENT);
    }
    assert_true(token_name_good("安-of-the-north"));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void append(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A person is told; a server goes on with the lines that are good, which takes nobody in.
 * */
static void a_line_that_is_none_is_told_of_and_opens_nothing(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct token_store *store;
    struct token_list list;
    struct token token;
    struct error err;
    size_t count;
    append("# who may come\n\n");
    make("ann", 0, text);
    append("01234567 zz 1 0 eve\n");
    assert_int_equal(token_list_read(path, &list, &err), ERROR_CORRUPT);
    assert_non_null(strstr(err.sentence, "line 2 is none of a token's"));
    assert_int_equal(token_revoke(path, "ann", &count, &err), ERROR_CORRUPT);
    assert_int_equal(token_store_open(path, &store, NULL), 0);
    assert_int_equal(check(store, text, 2000, &token), 0);
    token_store_close(&store);
}

static void lines_cut_anywhere_are_none(void **state)
{
    (void)state;
    char text[TOKEN_TEXT], line[256] = "", cut[260];
    struct token_list list;
    make("ann", 0, text);
    int fd = open(path, O_RDONLY);
    assert_true(read(fd, line, sizeof line - 1) > 0);
    close(fd);
    size_t whole = strlen(line) - strlen("nn\n"); /* "a" is a name, too */
    for (size_t length = 1; length < whole; length++) {
        assert_int_equal(unlink(path), 0);
        snprintf(cut, sizeof cut, "%.*s\n", (int)length, line);
        append(cut);
        assert_int_equal(token_list_read(path, &list, NULL), ERROR_CORRUPT);
    }
}

static void several_processes_make_tokens_at_once_and_all_are_there(void **state)
{
    (void)state;
    enum { CHILDREN = 8, EACH = 5 };
    struct token_list list;
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char text[TOKEN_TEXT];
            struct token token;
            int failed = 0;
            for (int j = 0; j < EACH; j++)
                failed |= token_make(path, "ann", 1, 0, &token, text, NULL);
            _exit(failed ? 1 : 0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(token_list_read(path, &list, NULL), 0);
    assert_int_equal(list.count, CHILDREN * EACH);
    token_list_done(&list);
}

int main(void)
{
#define in_directory(test)                                                               \
    cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        in_directory(a_token_is_shown_once_and_kept_as_a_hash),
        in_directory(who_shows_it_is_known_by_its_name),
        in_directory(every_other_text_is_nobodys),
        in_directory(a_token_ends_when_it_expires),
        in_directory(a_running_store_sees_what_is_made_and_revoked),
        in_directory(revoking_what_is_not_there_says_so),
        in_directory(a_list_has_them_in_order_and_never_their_secret),
        in_directory(names_that_hide_something_are_refused),
        in_directory(a_line_that_is_none_is_told_of_and_opens_nothing),
        in_directory(lines_cut_anywhere_are_none),
        in_directory(several_processes_make_tokens_at_once_and_all_are_there),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
