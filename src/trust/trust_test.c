/* A client's session with the door, through TLS and with tokens: the client in a thread,
 * the door here, which is told that he comes from wherever the test says. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/identity.h"
#include "net/listener.h"
#include "net/session.h"
#include "trust/door.h"
#include "trust/token_file.h"
#include "trust/token_store.h"

/* What all tests share, in a directory of its own. */
static struct {
    char directory[40], identity_path[64], tokens_path[64], pins_path[64];
    struct identity *identity;
    struct token_store *tokens;
    struct listener listener;
} house;

static const struct endpoint far_away = {
    .family = 4, .address = {10, 9, 8, 7}, .port = 5};

/* A client and what became of him. */
struct client {
    struct session_options options;
    pthread_t thread;
    struct session session;
    struct session_refused refused;
    struct error err;
    int code;
};

static void *run_client(void *argument)
{
    struct client *client = argument;
    struct channel_scratch scratch;
    if (channel_scratch_init(&scratch, 4096))
        return NULL;
    client->code = session_open(&client->options, &scratch, &client->session,
                                &client->refused, &client->err);
    if (client->code == 0)
        session_close(&client->session, &scratch);
    channel_scratch_done(&scratch);
    return NULL;
}

static struct client client_with(const char *token)
{
    return (struct client){.options = {.host = "127.0.0.1",
                                       .port = house.listener.local.port,
                                       .business = BUSINESS_TEXT,
                                       .name = "me",
                                       .token = token,
                                       .tls = SESSION_TLS_ALWAYS,
                                       .pins = house.pins_path,
                                       .timeout_ns = WO_FOREVER},
                           .code = 99};
}

/* Accepts one connection, as from `from`, and serves it until it is over. What the door
 * knew of him at the end is in `ret_guest`, without his channel. */
static enum door_state serve_one(struct door *door, const struct endpoint *from,
                                 struct door_guest *ret_guest)
{
    struct channel_scratch scratch;
    struct endpoint peer;
    wo_event *event;
    int fd;
    assert_int_equal(channel_scratch_init(&scratch, 4096), 0);
    while ((fd = listener_accept(&house.listener, &peer)) == -EAGAIN) {
        wo_network_events network;
        wo_wait(&house.listener.event, 1, WO_ANY, WO_FOREVER, NULL);
        wo_enumerate(house.listener.fd, house.listener.event, &network);
    }
    assert_true(fd >= 0);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    assert_int_equal(door_admit(door, fd, event, from ? from : &peer, NULL, 0, ret_guest),
                     0);
    enum door_state state;
    while ((state = door_step(ret_guest, &scratch, 0)) == DOOR_STILL)
        wo_wait(&ret_guest->channel.event, 1, WO_ANY, WO_FOREVER, NULL);
    if (state == DOOR_READY) {
        channel_finish(&ret_guest->channel);
        while (!channel_drain(&ret_guest->channel, &scratch)) {
            wo_wait(&ret_guest->channel.event, 1, WO_ANY, WO_FOREVER, NULL);
            channel_enumerate(&ret_guest->channel, NULL);
        }
        channel_close(&ret_guest->channel);
    }
    door_dismiss(ret_guest);
    channel_scratch_done(&scratch);
    return state;
}

static void start(struct client *client)
{
    assert_int_equal(pthread_create(&client->thread, NULL, run_client, client), 0);
}

static void finish(struct client *client)
{
    assert_int_equal(pthread_join(client->thread, NULL), 0);
}

static struct door *open_door(bool insecure)
{
    const struct door_options options = {.identity = house.identity,
                                         .tokens = house.tokens,
                                         .insecure = insecure,
                                         .server_name = "here"};
    struct door *door;
    assert_int_equal(door_new(&options, &door, NULL), 0);
    return door;
}

/* One visit, by whom is refused so. */
static void assert_refused(struct door *door, const char *token, enum frame_error code)
{
    struct client client = client_with(token);
    struct door_guest guest;
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_OVER);
    finish(&client);
    assert_int_equal(guest.refused, code);
    assert_int_equal(client.code, ERROR_REFUSED);
    assert_int_equal(client.refused.code, code);
}

static void make_token(const char *name, char ret_text[TOKEN_TEXT])
{
    struct token token;
    assert_int_equal(token_make(house.tokens_path, name, 0, 0, &token, ret_text, NULL),
                     0);
}

static void who_shows_a_token_through_tls_is_welcome_by_its_name(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct door *door = open_door(false);
    struct door_guest guest;
    make_token("ann", text);
    for (int visit = 0; visit < 2; visit++) {
        struct client client = client_with(text);
        start(&client);
        assert_int_equal(serve_one(door, &far_away, &guest), DOOR_READY);
        finish(&client);
        assert_int_equal(client.code, 0);
        assert_true(client.session.enciphered);
        assert_string_equal(client.session.fingerprint,
                            identity_fingerprint(house.identity));
        assert_string_equal(client.session.name, "ann");
        assert_string_equal(guest.name, "ann");
        assert_true(guest.enciphered);
        assert_false(guest.local);
        assert_true(token_store_has(house.tokens, guest.token_id, 1));
        assert_int_equal(client.session.first_meeting, visit == 0);
    }
    door_free(&door);
}

static void without_a_token_or_with_a_revoked_one_nobody_comes_in(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    size_t count;
    struct door *door = open_door(false);
    make_token("bob", text);
    assert_int_equal(token_revoke(house.tokens_path, "bob", &count, NULL), 0);
    assert_refused(door, NULL, FRAME_ERROR_TOKEN_REQUIRED);
    assert_refused(door, text, FRAME_ERROR_TOKEN_WRONG);
    door_free(&door);
}

static void guessing_is_slowed_down_and_the_right_token_waits_too(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct door *door = open_door(false);
    struct door_guest guest;
    make_token("eve", text);
    for (int guess = 0; guess < 3; guess++)
        assert_refused(door, "wst_guessed", FRAME_ERROR_TOKEN_WRONG);
    assert_refused(door, text, FRAME_ERROR_TOO_MANY);
    struct client client = client_with(text);
    start(&client);
    serve_one(door, &far_away, &guest);
    finish(&client);
    assert_true(client.refused.retry_after_ms > 0 &&
                client.refused.retry_after_ms <= 5000);
    /* From elsewhere, and from this machine, it is good all the while. */
    const struct endpoint elsewhere = {.family = 4, .address = {10, 9, 8, 6}, .port = 5};
    client = client_with(text);
    start(&client);
    assert_int_equal(serve_one(door, &elsewhere, &guest), DOOR_READY);
    finish(&client);
    client = client_with("wst_guessed");
    start(&client);
    assert_int_equal(serve_one(door, NULL, &guest), DOOR_OVER);
    finish(&client);
    assert_int_equal(client.refused.code, FRAME_ERROR_TOKEN_WRONG);
    door_free(&door);
}

static void
plain_from_elsewhere_is_refused_and_the_client_comes_again_with_tls(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct door *door = open_door(false);
    struct door_guest guest;
    make_token("ann", text);
    struct client client = client_with(text);
    client.options.tls = SESSION_TLS_NEVER;
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_OVER);
    finish(&client);
    assert_int_equal(client.refused.code, FRAME_ERROR_TLS_REQUIRED);
    client = client_with(text);
    client.options.tls = SESSION_TLS_AUTO; /* plain, since it goes to 127.0.0.1 */
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_OVER);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_READY);
    finish(&client);
    assert_int_equal(client.code, 0);
    assert_true(client.session.enciphered);
    assert_int_equal(client.refused.code, 0);
    door_free(&door);
}

static void on_this_machine_and_where_it_is_asked_for_nothing_is_needed(void **state)
{
    (void)state;
    struct door *door = open_door(false), *insecure = open_door(true);
    struct door_guest guest;
    struct client client = client_with(NULL);
    client.options.tls = SESSION_TLS_AUTO;
    start(&client);
    assert_int_equal(serve_one(door, NULL, &guest), DOOR_READY);
    finish(&client);
    assert_int_equal(client.code, 0);
    assert_false(client.session.enciphered);
    assert_string_equal(client.session.name, "me");
    assert_string_equal(guest.token_id, "");
    client = client_with(NULL);
    client.options.tls = SESSION_TLS_NEVER;
    start(&client);
    assert_int_equal(serve_one(insecure, &far_away, &guest), DOOR_READY);
    finish(&client);
    assert_int_equal(client.code, 0);
    door_free(&door);
    door_free(&insecure);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void another_certificate_ends_it_before_a_word_is_said(void **state)
{
    (void)state;
    char line[200];
    struct door *door = open_door(false);
    struct door_guest guest;
    struct client client = client_with("wst_secret");
    snprintf(line, sizeof line, "127.0.0.1:%u 00:11:22\n", house.listener.local.port);
    write_file(house.pins_path, line);
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_OVER);
    finish(&client);
    assert_int_equal(client.code, ERROR_PERMISSION);
    assert_non_null(strstr(client.err.sentence, "has another certificate than before"));
    assert_int_equal(guest.refused, 0); /* no HELLO came, and no token */
    assert_string_equal(guest.why, "left without a word");
    assert_int_equal(unlink(house.pins_path), 0);
    door_free(&door);
}

static void a_fingerprint_that_is_given_decides(void **state)
{
    (void)state;
    char small[FINGERPRINT_TEXT];
    struct door *door = open_door(true);
    struct door_guest guest;
    struct client client = client_with(NULL);
    client.options.fingerprint = "00:11";
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_OVER);
    finish(&client);
    assert_int_equal(client.code, ERROR_PERMISSION);
    assert_non_null(strstr(client.err.sentence, identity_fingerprint(house.identity)));
    size_t length = 0; /* in small letters and without colons it is the same */
    for (const char *at = identity_fingerprint(house.identity); *at; at++)
        if (*at != ':')
            small[length++] = (char)(*at >= 'A' ? *at + 32 : *at);
    small[length] = '\0';
    client = client_with(NULL);
    client.options.fingerprint = small;
    start(&client);
    assert_int_equal(serve_one(door, &far_away, &guest), DOOR_READY);
    finish(&client);
    assert_int_equal(client.code, 0);
    assert_false(client.session.first_meeting);
    door_free(&door);
}

/* A connection to the house, admitted as from `from`: what door_admit said. */
static int knock(struct door *door, const struct endpoint *from, int *ret_client,
                 struct door_guest *ret_guest)
{
    const struct address to = address_from_endpoint(&house.listener.local);
    struct endpoint peer;
    wo_event *event;
    int fd, client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&to.storage, to.length), 0);
    while ((fd = listener_accept(&house.listener, &peer)) == -EAGAIN)
        wo_wait(&house.listener.event, 1, WO_ANY, WO_FOREVER, NULL);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    *ret_client = client;
    return door_admit(door, fd, event, from ? from : &peer, NULL, 0, ret_guest);
}

static void from_one_address_only_so_many_may_wait(void **state)
{
    (void)state;
    const struct door_options options = {.server_name = "here", .most_of_source = 2};
    struct door *door;
    struct door_guest guests[3];
    int clients[4];
    assert_int_equal(door_new(&options, &door, NULL), 0);
    assert_int_equal(knock(door, &far_away, &clients[0], &guests[0]), 0);
    assert_int_equal(knock(door, &far_away, &clients[1], &guests[1]), 0);
    assert_int_equal(knock(door, &far_away, &clients[2], &guests[2]), -EBUSY);
    assert_int_equal(knock(door, NULL, &clients[3], &guests[2]), 0);
    assert_int_equal(door_strangers(door), 3);
    for (int i = 0; i < 3; i++)
        door_dismiss(&guests[i]);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    assert_int_equal(door_strangers(door), 0);
    door_free(&door);
}

/* Who fills the place up from anywhere does not keep all others out: from half on there
 * is a chance for each, that shrinks, and this machine's own have all of it. */
static void a_full_house_leaves_room_by_chance(void **state)
{
    (void)state;
    enum { MOST = 40, KNOCKS = 200 };
    const struct door_options options = {.server_name = "here", .most_strangers = MOST};
    static struct door_guest guests[MOST + 1];
    int clients[KNOCKS + 1], in = 0, refused_early = 0;
    struct door *door;
    assert_int_equal(door_new(&options, &door, NULL), 0);
    for (int i = 0; i < KNOCKS; i++) {
        const struct endpoint from = endpoint_ipv4(10, 0, (uint8_t)i, 1, 1);
        int code = knock(door, &from, &clients[i], &guests[in]);
        assert_true(code == 0 || code == -EBUSY);
        assert_true(code == 0 || in >= MOST / 2);
        refused_early += code != 0 && in < MOST;
        in += code == 0;
        assert_true(in <= MOST);
    }
    assert_true(refused_early > 0);
    if (in < MOST)
        assert_int_equal(knock(door, NULL, &clients[KNOCKS], &guests[in++]), 0);
    else
        assert_int_equal(knock(door, NULL, &clients[KNOCKS], &guests[in]), -EBUSY);
    while (in)
        door_dismiss(&guests[--in]);
    for (int i = 0; i <= KNOCKS; i++)
        close(clients[i]);
    assert_int_equal(door_strangers(door), 0);
    door_free(&door);
}

static int build_house(void **state)
{
    (void)state;
    const struct endpoint anywhere = endpoint_ipv4(127, 0, 0, 1, 0);
    const struct address address = address_from_endpoint(&anywhere);
    strcpy(house.directory, "/tmp/woshou-trust-XXXXXX");
    if (!mkdtemp(house.directory))
        return -1;
    snprintf(house.identity_path, sizeof house.identity_path, "%s/identity.pem",
             house.directory);
    snprintf(house.tokens_path, sizeof house.tokens_path, "%s/tokens", house.directory);
    snprintf(house.pins_path, sizeof house.pins_path, "%s/known", house.directory);
    return identity_open(house.identity_path, &house.identity, NULL) ||
           token_store_open(house.tokens_path, &house.tokens, NULL) ||
           listener_open(&house.listener, &address, 0, NULL, NULL);
}

static int leave_house(void **state)
{
    (void)state;
    listener_close(&house.listener);
    token_store_close(&house.tokens);
    identity_close(&house.identity);
    unlink(house.identity_path);
    unlink(house.tokens_path);
    unlink(house.pins_path);
    return rmdir(house.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shows_a_token_through_tls_is_welcome_by_its_name),
        cmocka_unit_test(without_a_token_or_with_a_revoked_one_nobody_comes_in),
        cmocka_unit_test(guessing_is_slowed_down_and_the_right_token_waits_too),
        cmocka_unit_test(
            plain_from_elsewhere_is_refused_and_the_client_comes_again_with_tls),
        cmocka_unit_test(on_this_machine_and_where_it_is_asked_for_nothing_is_needed),
        cmocka_unit_test(another_certificate_ends_it_before_a_word_is_said),
        cmocka_unit_test(a_fingerprint_that_is_given_decides),
        cmocka_unit_test(from_one_address_only_so_many_may_wait),
        cmocka_unit_test(a_full_house_leaves_room_by_chance),
    };
    return cmocka_run_group_tests_name("trust", tests, build_house, leave_house);
}
