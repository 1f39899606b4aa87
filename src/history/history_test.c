/* The history by its interface, in a folder of its own. */
#include "history/history.h"

#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

/* --- The system below SQLite: what is written to the log, and whether it was synced since --- */

static sqlite3_vfs watching;
static sqlite3_io_methods log_methods, real_methods;
static _Atomic bool unsynced, sync_fails;

static int log_write(sqlite3_file *file, const void *bytes, int length,
                     sqlite3_int64 offset)
{
    unsynced = true;
    return real_methods.xWrite(file, bytes, length, offset);
}

static int log_sync(sqlite3_file *file, int flags)
{
    if (sync_fails)
        return SQLITE_IOERR_FSYNC;
    int code = real_methods.xSync(file, flags);
    unsynced = false;
    return code;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    const sqlite3_vfs *real = vfs->pNext;
    int code = real->xOpen(vfs, name, file, flags, ret_flags);
    if (code == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
        real_methods = log_methods = *file->pMethods;
        log_methods.xWrite = log_write;
        log_methods.xSync = log_sync;
        file->pMethods = &log_methods;
    }
    return code;
}

static int watch_files(void **state)
{
    (void)state;
    watching = *sqlite3_vfs_find(NULL);
    watching.zName = "watching";
    watching.xOpen = open_file;
    return sqlite3_vfs_register(&watching, 1);
}

/* --- A history --- */

/* One, and who waits for what it gives back. */
struct fixture {
    char folder[64];
    struct history *history;
    const struct keep *keep;
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned back;          /* messages that came back */
    unsigned back_unsynced; /* of them, before the log was synced */
    char told[512];
};

static void kept(void *listener, struct keep_message *first)
{
    struct fixture *fixture = listener;
    pthread_mutex_lock(&fixture->lock);
    for (; first; first = first->next) {
        fixture->back++;
        if (first->result == KEEP_STORED && unsynced)
            fixture->back_unsynced++;
    }
    pthread_cond_broadcast(&fixture->came);
    pthread_mutex_unlock(&fixture->lock);
}

static void told(void *owner, const char *sentence)
{
    snprintf(((struct fixture *)owner)->told, sizeof((struct fixture *)owner)->told, "%s",
             sentence);
}

static void open_history(struct fixture *fixture)
{
    const struct history_options options = {
        .folder = fixture->folder, .told = told, .owner = fixture};
    struct error err;
    if (history_open(&options, &fixture->history, &err))
        fail_msg("%s", err.sentence);
    fixture->keep = history_keep(fixture->history);
    fixture->keep->listen(fixture->keep->owner, kept, fixture);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/woshou-history-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->came, NULL);
    open_history(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    history_close(&fixture->history);
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static struct keep_room *room_named(struct fixture *fixture, const char *name,
                                    uint64_t *ret_last)
{
    struct keep_room *room;
    assert_int_equal(fixture->keep->open_room(fixture->keep->owner, name, strlen(name),
                                              &room, ret_last),
                     0);
    return room;
}

static struct keep_message message_of(struct keep_room *room, unsigned char client,
                                      uint64_t number, const char *text)
{
    struct keep_message message = {.room = room,
                                   .number = number,
                                   .name = "anna",
                                   .name_length = 4,
                                   .text = text,
                                   .text_length = (uint32_t)strlen(text)};
    memset(message.client, client, sizeof message.client);
    return message;
}

/* Stores them in one piece and waits until all are back. */
static void store_all(struct fixture *fixture, struct keep_message *messages,
                      unsigned count)
{
    for (unsigned i = 0; i + 1 < count; i++)
        messages[i].next = &messages[i + 1];
    pthread_mutex_lock(&fixture->lock);
    fixture->back = 0;
    pthread_mutex_unlock(&fixture->lock);
    fixture->keep->store(fixture->keep->owner, &messages[0], &messages[count - 1]);
    pthread_mutex_lock(&fixture->lock);
    while (fixture->back < count)
        pthread_cond_wait(&fixture->came, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
}

static struct keep_message store_one(struct fixture *fixture, struct keep_room *room,
                                     unsigned char client, uint64_t number,
                                     const char *text)
{
    struct keep_message message = message_of(room, client, number, text);
    store_all(fixture, &message, 1);
    return message;
}

/* A question and its answer, as "seq:text seq:text ...". */
struct answer {
    struct keep_query query; /* first */
    struct fixture *fixture;
    char rows[1024];
    int64_t last_ns;
    int code;
    uint64_t next;
    bool done;
};

static bool take_row(struct keep_query *query, const struct keep_row *row)
{
    struct answer *answer = (struct answer *)query;
    size_t length = strlen(answer->rows);
    snprintf(answer->rows + length, sizeof answer->rows - length, "%s%u:%.*s",
             length ? " " : "", (unsigned)row->seq, (int)row->text_length, row->text);
    assert_true(row->time_ns >= answer->last_ns);
    answer->last_ns = row->time_ns;
    return true;
}

static void take_end(struct keep_query *query, int code, uint64_t next)
{
    struct answer *answer = (struct answer *)query;
    pthread_mutex_lock(&answer->fixture->lock);
    answer->code = code;
    answer->next = next;
    answer->done = true;
    pthread_cond_broadcast(&answer->fixture->came);
    pthread_mutex_unlock(&answer->fixture->lock);
}

static struct answer ask(struct fixture *fixture, struct keep_query query)
{
    struct answer answer = {.query = query, .fixture = fixture};
    answer.query.row = take_row;
    answer.query.done = take_end;
    if (!answer.query.limit)
        answer.query.limit = 100;
    fixture->keep->ask(fixture->keep->owner, &answer.query);
    pthread_mutex_lock(&fixture->lock);
    while (!answer.done)
        pthread_cond_wait(&fixture->came, &fixture->lock);
    pthread_mutex_unlock(&fixture->lock);
    return answer;
}

static void rooms_number_for_themselves(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *one = room_named(fixture, "one", &last);
    assert_int_equal(last, 0);
    struct keep_room *two = room_named(fixture, "two", &last);
    struct keep_message messages[] = {message_of(one, 1, 1, "a"),
                                      message_of(two, 1, 2, "b"),
                                      message_of(one, 2, 1, "c")};
    store_all(fixture, messages, 3);
    assert_int_equal(messages[0].seq, 1);
    assert_int_equal(messages[1].seq, 1);
    assert_int_equal(messages[2].seq, 2);
    assert_int_equal(messages[2].result, KEEP_STORED);
    assert_ptr_equal(room_named(fixture, "one", &last), one);
    assert_int_equal(last, 2);
    assert_string_equal(ask(fixture, (struct keep_query){.room = one}).rows, "1:a 2:c");
    assert_string_equal(ask(fixture, (struct keep_query){.room = two}).rows, "1:b");
}

static void what_is_repeated_is_kept_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *room = room_named(fixture, "room", &last);
    struct keep_message first = store_one(fixture, room, 1, 7, "a");
    struct keep_message twice[] = {message_of(room, 1, 7, "a"),
                                   message_of(room, 1, 8, "b"),
                                   message_of(room, 1, 8, "b")};
    store_all(fixture, twice, 3);
    assert_int_equal(twice[0].result, KEEP_REPEATED);
    assert_int_equal(twice[0].seq, first.seq);
    assert_int_equal(twice[0].time_ns, first.time_ns);
    assert_int_equal(twice[1].result, KEEP_STORED);
    assert_int_equal(twice[2].result, KEEP_REPEATED); /* within one transaction, too */
    assert_int_equal(twice[2].seq, twice[1].seq);
    assert_int_equal(store_one(fixture, room, 2, 7, "c").result, KEEP_STORED);
    assert_int_equal(store_one(fixture, room, 1, 5000, "d").result, KEEP_STORED);
    assert_int_equal(store_one(fixture, room, 1, 9, "e").result, KEEP_TOO_OLD);
    assert_string_equal(ask(fixture, (struct keep_query){.room = room}).rows,
                        "1:a 2:b 3:c 4:d");
    struct history_counts counts = history_counts(fixture->history);
    assert_int_equal(counts.stored, 4);
    assert_int_equal(counts.repeated, 2);
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.waiting, 0);
}

static void it_is_all_there_when_opened_again(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last, epoch = fixture->keep->epoch;
    store_one(fixture, room_named(fixture, "room", &last), 1, 1, "before");
    history_close(&fixture->history);
    open_history(fixture);
    assert_int_equal(fixture->keep->epoch, epoch);
    struct keep_room *room = room_named(fixture, "room", &last);
    assert_int_equal(last, 1);
    assert_int_equal(store_one(fixture, room, 1, 1, "before").result, KEEP_REPEATED);
    assert_int_equal(store_one(fixture, room, 1, 2, "after").seq, 2);
    assert_string_equal(ask(fixture, (struct keep_query){.room = room}).rows,
                        "1:before 2:after");
}

static void questions_come_in_pages(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *room = room_named(fixture, "room", &last);
    for (unsigned i = 1; i <= 5; i++)
        store_one(fixture, room, 1, i, "x");
    struct answer answer = ask(fixture, (struct keep_query){.room = room, .limit = 2});
    assert_string_equal(answer.rows, "1:x 2:x");
    assert_int_equal(answer.next, 3);
    answer = ask(fixture, (struct keep_query){.room = room, .limit = 2, .since = 4});
    assert_string_equal(answer.rows, "4:x 5:x");
    assert_int_equal(answer.next, 0);
    answer = ask(fixture, (struct keep_query){.room = room, .since = 2, .until = 3});
    assert_string_equal(answer.rows, "2:x 3:x");
    answer = ask(fixture, (struct keep_query){.room = room, .since_ns = answer.last_ns});
    assert_memory_equal(answer.rows + strlen(answer.rows) - 3, "5:x", 3);
    answer = ask(fixture, (struct keep_query){.room = room, .since_ns = INT64_MAX});
    assert_string_equal(answer.rows, "");
}

static void words_are_found_as_soon_as_they_are_asked_for(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *room = room_named(fixture, "room", &last);
    struct keep_room *other = room_named(fixture, "other", &last);
    store_one(fixture, room, 1, 1, "Grüße an alle");
    store_one(fixture, other, 1, 2, "grusse anderswo");
    store_one(fixture, room, 1, 3, "三次握手");
    assert_string_equal(
        ask(fixture, (struct keep_query){.room = room, .search = "握手"}).rows,
        "2:三次握手");
    assert_string_equal(
        ask(fixture, (struct keep_query){.room = room, .search = "ALLE gruß*"}).rows,
        "1:Grüße an alle");
    assert_string_equal(
        ask(fixture, (struct keep_query){.room = other, .search = "alle"}).rows, "");
    assert_int_equal(ask(fixture, (struct keep_query){.room = room, .search = " "}).code,
                     ERROR_ARGUMENT);
}

static void nothing_comes_back_before_it_is_synced(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *room = room_named(fixture, "room", &last);
    for (unsigned i = 1; i <= 50; i++) {
        struct keep_message two[] = {message_of(room, 1, 2 * i, "a"),
                                     message_of(room, 2, 2 * i, "b")};
        store_all(fixture, two, 2);
    }
    assert_int_equal(fixture->back_unsynced, 0);
    assert_int_equal(history_counts(fixture->history).stored, 100);
}

static void what_cannot_be_synced_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last;
    struct keep_room *room = room_named(fixture, "room", &last);
    assert_int_equal(store_one(fixture, room, 1, 1, "before").seq, 1);
    sync_fails = true;
    assert_int_equal(store_one(fixture, room, 1, 2, "lost").result, KEEP_FAILED);
    assert_int_equal(store_one(fixture, room, 1, 2, "lost").result, KEEP_FAILED);
    sync_fails = false;
    assert_non_null(strstr(fixture->told, "cannot be kept"));
    struct keep_message again = store_one(fixture, room, 1, 2, "again");
    assert_int_equal(again.result, KEEP_STORED);
    assert_int_equal(again.seq, 2);
    assert_string_equal(ask(fixture, (struct keep_query){.room = room}).rows,
                        "1:before 2:again");
}

static void others_cannot_read_it(void **state)
{
    struct fixture *fixture = *state;
    char command[160];
    snprintf(command, sizeof command,
             "test -z \"$(find %s -name 'history.db*' -perm /077)\"", fixture->folder);
    assert_int_equal(system(command), 0);
}

static void what_is_no_database_is_set_aside(void **state)
{
    struct fixture *fixture = *state;
    char command[160];
    uint64_t last, epoch = fixture->keep->epoch;
    store_one(fixture, room_named(fixture, "room", &last), 1, 1, "lost");
    history_close(&fixture->history);
    snprintf(command, sizeof command, "echo nonsense >%s/history.db", fixture->folder);
    assert_int_equal(system(command), 0);
    open_history(fixture);
    assert_non_null(strstr(fixture->told, "set aside as"));
    assert_int_not_equal(fixture->keep->epoch, epoch);
    struct keep_room *room = room_named(fixture, "room", &last);
    assert_int_equal(last, 0);
    assert_int_equal(store_one(fixture, room, 1, 1, "anew").result, KEEP_STORED);
    snprintf(command, sizeof command, "test -e %s/history.db.damaged-*", fixture->folder);
    assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_number_for_themselves),
        TEST(what_is_repeated_is_kept_once),
        TEST(it_is_all_there_when_opened_again),
        TEST(questions_come_in_pages),
        TEST(words_are_found_as_soon_as_they_are_asked_for),
        TEST(nothing_comes_back_before_it_is_synced),
        TEST(what_cannot_be_synced_is_not_kept),
        TEST(others_cannot_read_it),
        TEST(what_is_no_database_is_set_aside),
    };
    return cmocka_run_group_tests(tests, watch_files, NULL);
}
