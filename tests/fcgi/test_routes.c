/* SPDX-License-Identifier: MIT */
/* Every route, over the server's socket, with a scripted camera behind it. */
#include "fcgi/routes.h"

#include "capture/log.h"
#include "capture/settings.h"
#include "fcgi/config.h"
#include "fcgi/healthcheck.h"
#include "fcgi/listener.h"
#include "fcgi/precheck.h"
#include "fcgi/server.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>
#include <jansson.h>
#include <sys/stat.h>

static struct script *const cam = &scripts[0];

struct rig {
	char directory[64], address[128], latch[96];
	struct listener listener;
	struct config config;
	struct settings *settings;
	struct hub *hub;
	struct camera *camera;
	struct server *server;
	struct reply reply;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	char *argv[] = {"webcam-fcgi", "-d", "pattern", "--warmup=0", "--max-viewers=1",
		"--idle-release=0", "--allow-origin=https://a.example", "--instance-id=test", NULL};
	struct listener_options options = {
		.listen = rig->address, .mode = 0600, .group = (gid_t)-1};
	char error[256];

	snprintf(rig->directory, sizeof(rig->directory), "%s", make_dir());
	snprintf(rig->address, sizeof(rig->address), "unix:%s/sock", rig->directory);
	snprintf(rig->latch, sizeof(rig->latch), "%s/released", rig->directory);
	assert_int_equal(config_load(&rig->config, 8, argv, error, sizeof(error)), 0);
	rig->config.state_dir = rig->directory;
	assert_int_equal(listener_open(&rig->listener, &options, error, sizeof(error)), 0);
	rig->settings = settings_create(NULL, NULL, 0);
	rig->hub = hub_create();
	scripts_reset(rig->hub);
	rig->camera = scripted_camera("cam", rig->directory, 0, false, rig->hub);
	rig->server = server_create(&(struct server_parts){.config = &rig->config,
		.listen_fd = rig->listener.fd,
		.camera = rig->camera,
		.hub = rig->hub,
		.settings = rig->settings});
	assert_non_null(rig->server);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	atomic_store(&cam->hold_open, false);
	atomic_store(&cam->hold_close, false);
	server_stop(rig->server, 100 * NS_PER_MS);
	server_destroy(rig->server);
	camera_destroy(rig->camera);
	hub_destroy(rig->hub);
	settings_destroy(rig->settings);
	listener_close(&rig->listener);
	assert_int_equal(script_is_open(cam), 0);
	unlink(rig->latch);
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

static int say(struct rig *rig, const struct bytes *bytes)
{
	int fd = listener_connect(rig->address);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, bytes->data, bytes->size, MSG_NOSIGNAL), bytes->size);
	return fd;
}

/* Pictures have zeros in them. */
static bool has(const struct reply *reply, const char *words)
{
	return memmem(reply->text.data, reply->text.size, words, strlen(words)) != NULL;
}

/* Reads on until words are in the answer, or until it ends. */
static bool read_until(struct rig *rig, int fd, const char *words)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	while (!rig->reply.closed) {
		read_reply(fd, &rig->reply);
		if (words && has(&rig->reply, words))
			return true;
		if (!rig->reply.closed && poll(&readable, 1, 20000) == 0)
			return false;
	}
	return !words;
}

static int ask_with(struct rig *rig, const char *const variables[], const char *body)
{
	static struct bytes bytes;

	bytes.size = 0;
	rig->reply.raw.size = 0;
	rig->reply.closed = false;
	put_request(&bytes, 1, variables, body, strlen(body));
	return say(rig, &bytes);
}

static int ask(struct rig *rig, const char *method, const char *path, const char *query)
{
	const char *const variables[] = {"REQUEST_METHOD", method, "SCRIPT_NAME", path,
		"QUERY_STRING", query, "HTTP_HOST", "pi:5000", NULL};

	return ask_with(rig, variables, "");
}

static const char *header(struct rig *rig, const char *name)
{
	static char value[512];
	const char *line = reply_text(&rig->reply);
	size_t n = strlen(name);

	value[0] = '\0';
	for (; line && *line != '\r'; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			sscanf(line + n, ": %511[^\r]", value);
	}
	return value;
}

static const char *body(struct rig *rig)
{
	const char *end = strstr(reply_text(&rig->reply), "\r\n\r\n");

	return end ? end + 4 : "";
}

/* What every answer of the worker has. */
static void expect_answer(struct rig *rig, int fd, int status)
{
	assert_true(read_until(rig, fd, NULL));
	assert_true(rig->reply.ended);
	if (atoi(header(rig, "Status")) != status)
		fail_msg("not %d: %s", status, reply_text(&rig->reply));
	assert_non_null(strstr(header(rig, "Cache-Control"), "no-store"));
	assert_string_equal(header(rig, "X-Content-Type-Options"), "nosniff");
	assert_true(*header(rig, "X-Camera-State"));
	close(fd);
}

static const char *get(struct rig *rig, int status, const char *path, const char *query)
{
	expect_answer(rig, ask(rig, "GET", path, query), status);
	return body(rig);
}

static const char *post(struct rig *rig, int status, const char *path)
{
	expect_answer(rig, ask(rig, "POST", path, ""), status);
	return body(rig);
}

static void health_is_told_under_any_prefix(void **state)
{
	struct rig *rig = *state;

	assert_string_equal(get(rig, 200, "/healthz", ""), "ok\n");
	assert_string_equal(get(rig, 200, "/cam/front/healthz", "1608856928650"), "ok\n");
	assert_int_equal(healthcheck(rig->address), 0);
	assert_int_equal(healthcheck("unix:/nonexistent"), -1);
	assert_int_equal(healthcheck("nonsense"), -1);
}

static void what_is_unknown_or_wrong_is_told(void **state)
{
	struct rig *rig = *state;

	get(rig, 404, "/favicon.ico", "");
	get(rig, 404, "/", "");
	get(rig, 404, "/", "action=dance");
	get(rig, 405, "/shutdown", "");
	assert_string_equal(header(rig, "Allow"), "POST");
	post(rig, 405, "/video_feed");
	assert_non_null(strstr(header(rig, "Allow"), "GET"));
	assert_non_null(strstr(header(rig, "Allow"), "HEAD"));
	assert_non_null(strstr(get(rig, 400, "/video_feed", "fps=0"), "0.1 to 240"));
	get(rig, 400, "/video_feed", "fps=241");
	get(rig, 400, "/video_feed", "fps=x");
	get(rig, 400, "/video_feed", "frames=0");
	get(rig, 400, "/video_feed", "placeholder=2");
	get(rig, 400, "/video_feed", "advance_headers=yes");
	get(rig, 400, "/snapshot", "max_age=-1");
	get(rig, 400, "/", "action=stream&fps=x");
	assert_int_equal(atomic_load(&cam->opens), 0);
}

static void state_is_json_with_every_key(void **state)
{
	struct rig *rig = *state;
	json_t *root, *result;
	const char *instance, *name;
	int ok, clients, max;
	double now;

	root = json_loads(get(rig, 200, "/state", ""), 0, NULL);
	assert_non_null(root);
	assert_string_equal(header(rig, "Content-Type"), "application/json");
	assert_int_equal(json_unpack(root, "{s:b,s:o}", "ok", &ok, "result", &result), 0);
	assert_true(ok);
	assert_int_equal(json_unpack(result, "{s:s,s:F,s:{s:s},s:{s:i,s:i}}", "instance_id",
				 &instance, "now", &now, "camera", "state", &name, "stream",
				 "clients", &clients, "max_clients", &max),
		0);
	assert_string_equal(instance, "test");
	assert_string_equal(name, header(rig, "X-Camera-State"));
	assert_int_equal(clients, 0);
	assert_int_equal(max, 1);
	json_decref(root);
}

static void the_stream_streams(void **state)
{
	static const struct {
		const char *path, *query;
	} ways[] = {{"/video_feed", ""}, {"/x/stream", ""}, {"/x/", "action=stream&160885"}};
	struct rig *rig = *state;

	for (size_t i = 0; i < 3; i++) {
		int fd = ask(rig, "GET", ways[i].path, ways[i].query);

		WAIT_FOR(script_push(cam, STEP_PICTURE));
		assert_true(read_until(rig, fd, "\r\n--frame\r\n"));
		assert_string_equal(
			header(rig, "Content-Type"), "multipart/x-mixed-replace; boundary=frame");
		assert_string_equal(header(rig, "Cache-Control"),
			"no-store, no-cache, must-revalidate, max-age=0");
		assert_string_equal(header(rig, "Pragma"), "no-cache");
		assert_string_equal(header(rig, "Expires"), "0");
		assert_string_equal(header(rig, "X-Accel-Buffering"), "no");
		assert_true(has(&rig->reply, "X-Frame-Seq: "));
		close(fd);
		WAIT_FOR(script_is_open(cam) == 0);
	}
}

static void one_viewer_more_than_allowed_is_told(void **state)
{
	struct rig *rig = *state;
	int fd = ask(rig, "GET", "/video_feed", "");

	WAIT_FOR(script_push(cam, STEP_PICTURE));
	assert_true(read_until(rig, fd, "X-Frame-Seq"));
	assert_non_null(strstr(get(rig, 503, "/video_feed", ""), "--max-viewers"));
	assert_string_equal(header(rig, "Retry-After"), "5");
	expect_answer(rig, ask(rig, "HEAD", "/video_feed", ""), 503);
	assert_string_equal(body(rig), "");
	close(fd);
}

static void chromiums_images_get_headers_in_advance(void **state)
{
	const char *variables[] = {"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/video_feed",
		"HTTP_USER_AGENT", "Mozilla/5.0 Chrome/120.0", "HTTP_ACCEPT", "image/avif,*/*",
		"QUERY_STRING", "frames=1", NULL};
	static const char in_advance[] = "\r\n\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n";
	struct rig *rig = *state;

	for (int overridden = 0; overridden < 2; overridden++) {
		int fd;

		variables[9] = overridden ? "frames=1&advance_headers=0" : "frames=1";
		fd = ask_with(rig, variables, "");
		WAIT_FOR(script_push(cam, STEP_PICTURE));
		assert_true(read_until(rig, fd, NULL));
		assert_int_equal(strstr(reply_text(&rig->reply), in_advance) == NULL, overridden);
		close(fd);
		WAIT_FOR(script_is_open(cam) == 0);
	}
}

static void a_recorder_is_told_503_where_a_viewer_gets_a_placeholder(void **state)
{
	struct rig *rig = *state;
	int fd;

	atomic_store(&cam->probe_fault, CAMERA_NO_DEVICE);
	atomic_store(&cam->open_fault, CAMERA_NO_DEVICE);
	fd = ask(rig, "GET", "/video_feed", "");
	assert_true(read_until(rig, fd, "X-Camera-State: no-device\r\nX-Camera-Reason: "));
	assert_null(strstr(reply_text(&rig->reply), "for the log"));
	close(fd);
	get(rig, 503, "/snapshot", "");
	assert_true(*header(rig, "Retry-After"));
	assert_string_equal(header(rig, "X-Camera-State"), "no-device");
	get(rig, 503, "/video_feed", "placeholder=0");
	assert_true(*header(rig, "Retry-After"));
	get(rig, 503, "/readyz", "");
	assert_string_equal(get(rig, 200, "/healthz", ""), "ok\n");
}

static void a_snapshot_wakes_the_camera(void **state)
{
	static const char *const paths[] = {"/snapshot", "/cam/snapshot.jpg"};
	struct rig *rig = *state;

	for (int i = 0; i < 2; i++) {
		int fd = ask(rig, "GET", paths[i], "");

		WAIT_FOR(script_push(cam, STEP_PICTURE));
		script_push(cam, STEP_PICTURE); /* the first may have begun before the stream */
		expect_answer(rig, fd, 200);
		assert_string_equal(header(rig, "Content-Type"), "image/jpeg");
		assert_int_equal(atoi(header(rig, "Content-Length")), scripted_jpeg->size);
		assert_true(*header(rig, "X-Timestamp") && *header(rig, "X-Frame-Seq"));
		assert_memory_equal(body(rig), scripted_jpeg->data, scripted_jpeg->size);
		WAIT_FOR(script_is_open(cam) == 0);
	}
}

static void head_never_wakes_the_camera(void **state)
{
	static const char *const paths[] = {
		"/video_feed", "/snapshot", "/state", "/metrics", "/healthz", "/readyz"};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		expect_answer(rig, ask(rig, "HEAD", paths[i], ""), 200);
		assert_string_equal(body(rig), "");
	}
	assert_int_equal(atomic_load(&cam->opens), 0);
	post(rig, 200, "/shutdown");
	expect_answer(rig, ask(rig, "HEAD", "/video_feed", ""), 503);
	expect_answer(rig, ask(rig, "HEAD", "/snapshot", ""), 503);
	assert_string_equal(header(rig, "Retry-After"), "");
}

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

static void metrics_have_every_name(void **state)
{
	static const char *const lines[] = {"webcam_up 0\n", "webcam_build_info{version=\"",
		"webcam_camera_state{state=\"live\"} 0\n",
		"webcam_camera_state{state=\"stalled\"} 0\n", "webcam_frames_captured_total 0\n",
		"webcam_frames_dropped_total{reason=\"flagged\"} 0\n",
		"webcam_frames_dropped_total{reason=\"truncated\"} 0\n",
		"webcam_frames_dropped_total{reason=\"not_jpeg\"} 0\n",
		"webcam_frames_sent_total 0\n", "webcam_placeholders_sent_total 0\n",
		"webcam_frames_skipped_total 0\n", "webcam_sent_bytes_total 0\n",
		"webcam_viewers 0\n", "webcam_viewers_ended_total{reason=\"client\"} 0\n",
		"webcam_viewers_ended_total{reason=\"timeout\"} 0\n",
		"webcam_viewers_ended_total{reason=\"limit\"} 0\n",
		"webcam_viewers_ended_total{reason=\"shutdown\"} 0\n",
		"webcam_viewer_lag_max_seconds 0\n", "webcam_last_frame_timestamp_seconds 0\n",
		"webcam_capture_fps 0\n", "webcam_camera_opens_total 0\n",
		"webcam_camera_errors_total{reason=\"busy\"} 0\n",
		"webcam_encode_seconds_total 0\n",
		"webcam_requests_total{route=\"healthz\",code=\"200\"} 1\n",
		"webcam_requests_total{route=\"other\",code=\"404\"} 1\n",
		"webcam_requests_total{route=\"video_feed\",code=\"503\"} 0\n",
		"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
		"process_max_fds ", "process_start_time_seconds "};
	struct rig *rig = *state;
	const char *text;

	get(rig, 200, "/healthz", "");
	get(rig, 404, "/nonsense", "");
	text = get(rig, 200, "/metrics", "");
	assert_string_equal(
		header(rig, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("not there: %s", lines[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(health_is_told_under_any_prefix),
		TEST(what_is_unknown_or_wrong_is_told),
		TEST(state_is_json_with_every_key),
		TEST(the_stream_streams),
		TEST(one_viewer_more_than_allowed_is_told),
		TEST(chromiums_images_get_headers_in_advance),
		TEST(a_recorder_is_told_503_where_a_viewer_gets_a_placeholder),
		TEST(a_snapshot_wakes_the_camera),
		TEST(head_never_wakes_the_camera),
		TEST(shutdown_and_start_are_idempotent),
		TEST(a_stream_ends_with_the_camera),
		TEST(foreign_pages_may_not_post),
		TEST(bodies_have_a_type_and_a_limit),
		TEST(a_close_that_hangs_delays_nobody_else),
		TEST(metrics_have_every_name),
	};

	FCGX_Init();
	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
