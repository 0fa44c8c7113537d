/* SPDX-License-Identifier: MIT */
#include "fcgi/lobby.h"

#include "fcgi/listener.h"
#include "fcgi/loop.h"
#include "fcgi/precheck.h"
#include "fcgi/request.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>
#include <sys/resource.h>

struct rig {
	char directory[64], address[128];
	struct listener listener;
	struct loop *loop;
	struct lobby *lobby;
	unsigned requests;
	bool too_long;
	char component[64];
	struct bytes bytes;
	struct reply reply;
};

static void on_request(void *arg, struct request *request)
{
	struct rig *rig = arg;

	rig->requests++;
	rig->too_long = request_too_long(request);
	snprintf(rig->component, sizeof(rig->component), "%s", request_component(request));
	request_close(request);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct listener_options options = {
		.listen = rig->address, .mode = 0600, .group = (gid_t)-1};
	char error[256];

	snprintf(rig->directory, sizeof(rig->directory), "%s", make_dir());
	snprintf(rig->address, sizeof(rig->address), "unix:%s/sock", rig->directory);
	assert_int_equal(listener_open(&rig->listener, &options, error, sizeof(error)), 0);
	rig->loop = loop_create();
	rig->lobby = lobby_create(rig->loop, rig->listener.fd, on_request, rig);
	assert_non_null(rig->lobby);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	lobby_destroy(rig->lobby);
	loop_destroy(rig->loop);
	listener_close(&rig->listener);
	rmdir(rig->directory);
	free(rig);
	return 0;
}

static void turn(struct rig *rig)
{
	for (int i = 0; i < 8; i++)
		loop_turn(rig->loop, 0);
}

static int enter(struct rig *rig)
{
	int fd = listener_connect(rig->address);

	assert_true(fd >= 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	turn(rig);
	return fd;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0 || errno == ECONNRESET;
}

static void say(struct rig *rig, int fd, size_t from, size_t size)
{
	assert_int_equal(send(fd, rig->bytes.data + from, size, MSG_NOSIGNAL), size);
	turn(rig);
}

static void a_complete_request_is_handed_over(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	put_get(&rig->bytes, "/cam/state", "");
	say(rig, fd, 0, rig->bytes.size);
	assert_int_equal(rig->requests, 1);
	assert_string_equal(rig->component, "state");
	assert_true(is_closed(fd));
	close(fd);
}

static void a_request_may_come_in_any_pieces(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	put_get(&rig->bytes, "/state", "");
	for (size_t i = 0; i < rig->bytes.size; i++) {
		assert_int_equal(rig->requests, 0);
		say(rig, fd, i, 1);
	}
	assert_int_equal(rig->requests, 1);
	close(fd);
}

static void nonsense_is_closed_at_once(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	turn(rig);
	assert_true(is_closed(fd));
	assert_int_equal(rig->requests, 0);
	close(fd);
}

static void a_long_body_is_handed_over_as_such(void **state)
{
	static const char *const variables[] = {"SCRIPT_NAME", "/controls", NULL};
	static char body[PRECHECK_BODY_MAX + 1];
	struct rig *rig = *state;
	int fd = enter(rig);

	put_request(&rig->bytes, 1, variables, body, sizeof(body));
	say(rig, fd, 0, rig->bytes.size);
	assert_int_equal(rig->requests, 1);
	assert_true(rig->too_long);
	close(fd);
}

static void a_request_that_never_gets_complete_is_closed(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	put_begin(&rig->bytes, 1);
	while (rig->bytes.size < PRECHECK_BYTES) /* within the limits, but in records of one byte */
		put_record(&rig->bytes, RECORD_PARAMS, 1, "x", 1);
	say(rig, fd, 0, rig->bytes.size);
	assert_true(is_closed(fd));
	assert_int_equal(rig->requests, 0);
	close(fd);
}

static void silence_is_ended_after_two_seconds(void **state)
{
	struct rig *rig = *state;
	int64_t before = clock_now_ns(), next;
	int fd = enter(rig);

	next = lobby_tick(rig->lobby, clock_now_ns());
	assert_in_range(next, before + LOBBY_WAIT_NS, clock_now_ns() + LOBBY_WAIT_NS);
	assert_int_equal(lobby_tick(rig->lobby, next - 1), next);
	assert_false(is_closed(fd));
	assert_int_equal(lobby_tick(rig->lobby, next), INT64_MAX);
	assert_true(is_closed(fd));
	close(fd);
}

static void who_leaves_gives_up_the_seat(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	close(fd);
	turn(rig);
	assert_int_equal(lobby_tick(rig->lobby, clock_now_ns()), INT64_MAX);
}

static void the_oldest_goes_when_the_lobby_is_full(void **state)
{
	struct rig *rig = *state;
	static int fds[LOBBY_SEATS + 1];

	for (int i = 0; i < LOBBY_SEATS; i++)
		fds[i] = enter(rig);
	assert_false(is_closed(fds[0]));
	fds[LOBBY_SEATS] = enter(rig);
	assert_true(is_closed(fds[0]));
	assert_false(is_closed(fds[1]));
	put_get(&rig->bytes, "/state", "");
	say(rig, fds[LOBBY_SEATS], 0, rig->bytes.size);
	assert_int_equal(rig->requests, 1);
	for (int i = 0; i <= LOBBY_SEATS; i++)
		close(fds[i]);
}

static void without_descriptors_it_says_503(void **state)
{
	struct rig *rig = *state;
	int fd = listener_connect(rig->address);
	struct rlimit before, few;

	put_get(&rig->bytes, "/state", "");
	assert_int_equal(send(fd, rig->bytes.data, rig->bytes.size, 0), rig->bytes.size);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)dup(0); /* the lowest that is free: no more than there are */
	close((int)few.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &few);
	turn(rig);
	setrlimit(RLIMIT_NOFILE, &before);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	read_reply(fd, &rig->reply);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_memory_equal(reply_text(&rig->reply), "Status: 503 ", 12);
	assert_non_null(strstr(reply_text(&rig->reply), "\r\nRetry-After: 5\r\n"));
	assert_int_equal(rig->requests, 0);
	close(fd);
	fd = enter(rig); /* and then it goes on */
	say(rig, fd, 0, rig->bytes.size);
	assert_int_equal(rig->requests, 1);
	close(fd);
}

static void behind_a_closed_door_nobody_is_accepted(void **state)
{
	struct rig *rig = *state;
	int inside = enter(rig), outside;

	lobby_close_door(rig->lobby);
	lobby_close_door(rig->lobby);
	outside = enter(rig);
	put_get(&rig->bytes, "/state", "");
	say(rig, outside, 0, rig->bytes.size);
	assert_int_equal(rig->requests, 0);
	say(rig, inside, 0, rig->bytes.size); /* who is inside is served */
	assert_int_equal(rig->requests, 1);
	close(inside);
	close(outside);
}

static void destroying_closes_who_waits(void **state)
{
	struct rig *rig = *state;
	int fd = enter(rig);

	lobby_destroy(rig->lobby);
	rig->lobby = NULL;
	assert_true(is_closed(fd));
	close(fd);
}

static void what_epoll_refuses_is_told(void **state)
{
	struct rig *rig = *state;

	assert_null(lobby_create(rig->loop, -1, on_request, rig));
	assert_int_equal(errno, EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_complete_request_is_handed_over),
		TEST(a_request_may_come_in_any_pieces),
		TEST(nonsense_is_closed_at_once),
		TEST(a_long_body_is_handed_over_as_such),
		TEST(a_request_that_never_gets_complete_is_closed),
		TEST(silence_is_ended_after_two_seconds),
		TEST(who_leaves_gives_up_the_seat),
		TEST(the_oldest_goes_when_the_lobby_is_full),
		TEST(without_descriptors_it_says_503),
		TEST(behind_a_closed_door_nobody_is_accepted),
		TEST(destroying_closes_who_waits),
		TEST(what_epoll_refuses_is_told),
	};

	FCGX_Init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
