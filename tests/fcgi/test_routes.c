/* SPDX-License-Identifier: MIT */
#include "tests/fcgi/server_rig.h"

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
		TEST(metrics_have_every_name),
	};

	FCGX_Init();
	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
