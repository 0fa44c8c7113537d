/* SPDX-License-Identifier: MIT */
/* What changes the state: /shutdown and /start, and who may. */
#include "tests/fcgi/server_rig.h"

static void shutdown_and_start_are_idempotent(void **state)
{
	struct rig *rig = *state;
	struct stat st;
	int fd = ask(rig, "GET", "/video_feed", "");

	WAIT_FOR(script_push(cam, STEP_PICTURE));
	assert_true(read_until(rig, fd, "X-Frame-Seq"));
	close(fd);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(post(rig, 200, "/shutdown"), "Capture released");
		assert_string_equal(header(rig, "X-Camera-State"), "released");
		assert_int_equal(script_is_open(cam), 0);
		assert_int_equal(stat(rig->latch, &st), 0);
	}
	get(rig, 503, "/video_feed", "");
	assert_string_equal(header(rig, "Retry-After"), "");
	get(rig, 503, "/snapshot", "");
	assert_string_equal(get(rig, 200, "/readyz", ""), "ok\n");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(post(rig, 200, "/start"), "Capture started");
		assert_int_equal(stat(rig->latch, &st), -1);
	}
	fd = ask(rig, "GET", "/video_feed", "");
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	assert_true(read_until(rig, fd, "X-Frame-Seq"));
	close(fd);
}

static void a_stream_ends_with_the_camera(void **state)
{
	struct rig *rig = *state;
	int fd = ask(rig, "GET", "/video_feed", "");
	static struct reply stream;

	WAIT_FOR(script_push(cam, STEP_PICTURE));
	assert_true(read_until(rig, fd, "X-Frame-Seq"));
	stream = rig->reply;
	post(rig, 200, "/shutdown");
	rig->reply = stream;
	assert_true(read_until(rig, fd, NULL));
	assert_true(rig->reply.ended);
	assert_true(has(&rig->reply, "\r\n--frame--\r\n"));
	close(fd);
}

static void foreign_pages_may_not_post(void **state)
{
	const char *variables[] = {"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/shutdown",
		"HTTP_HOST", "pi:5000", "HTTP_ORIGIN", "http://evil.example", NULL};
	struct rig *rig = *state;

	expect_answer(rig, ask_with(rig, variables, ""), 403);
	assert_non_null(strstr(body(rig), "http://evil.example"));
	assert_non_null(strstr(body(rig), "pi:5000"));
	assert_string_equal(header(rig, "Access-Control-Allow-Origin"), "");
	variables[7] = "https://a.example";
	expect_answer(rig, ask_with(rig, variables, ""), 200);
	assert_string_equal(header(rig, "Access-Control-Allow-Origin"), "https://a.example");
	assert_string_equal(header(rig, "Vary"), "Origin");
	variables[1] = "OPTIONS";
	expect_answer(rig, ask_with(rig, variables, ""), 204);
	assert_non_null(strstr(header(rig, "Access-Control-Allow-Methods"), "POST"));
	variables[7] = "http://evil.example";
	expect_answer(rig, ask_with(rig, variables, ""), 405);
}

static void bodies_have_a_type_and_a_limit(void **state)
{
	static char large[PRECHECK_BODY_MAX + 2];
	const char *variables[] = {"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/shutdown",
		"CONTENT_TYPE", "application/json", NULL};
	struct rig *rig = *state;

	expect_answer(rig, ask_with(rig, variables, "{}"), 415);
	variables[5] = "application/x-www-form-urlencoded; charset=utf-8";
	expect_answer(rig, ask_with(rig, variables, "a=b"), 200);
	memset(large, 'x', sizeof(large) - 1);
	expect_answer(rig, ask_with(rig, variables, large), 413);
}

static void a_close_that_hangs_delays_nobody_else(void **state)
{
	struct rig *rig = *state;
	int stream = ask(rig, "GET", "/video_feed", ""), shutdown_fd;

	WAIT_FOR(script_push(cam, STEP_PICTURE));
	assert_true(read_until(rig, stream, "X-Frame-Seq"));
	atomic_store(&cam->hold_close, true);
	shutdown_fd = ask(rig, "POST", "/shutdown", "");
	WAIT_FOR(atomic_load(&cam->closing));
	assert_string_equal(get(rig, 200, "/healthz", ""), "ok\n");
	atomic_store(&cam->hold_close, false);
	rig->reply.raw.size = 0;
	rig->reply.closed = false;
	expect_answer(rig, shutdown_fd, 200);
	close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shutdown_and_start_are_idempotent),
		TEST(a_stream_ends_with_the_camera),
		TEST(foreign_pages_may_not_post),
		TEST(bodies_have_a_type_and_a_limit),
		TEST(a_close_that_hangs_delays_nobody_else),
	};

	FCGX_Init();
	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
