/* SPDX-License-Identifier: MIT */
#include "tests/capture/camera_rig.h"

static void bad_lists_are_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(scripted_camera("nonsense", dev_dir, 0, false, hub));
	assert_int_equal(errno, EINVAL);
	camera_destroy(NULL);
}

static void it_looks_without_opening(void **state)
{
	struct camera_status status;

	(void)state;
	start("cam", 0);
	WAIT_FOR(*status_now().info.device);
	status = status_now();
	assert_int_equal(status.state, CAMERA_IDLE);
	assert_string_equal(status.reason, "");
	assert_string_equal(status.info.device, "cam");
	assert_false(status.showing);
	assert_int_equal(atomic_load(&cam->opens), 0);
	assert_null(hub_latest(hub));
	assert_false(camera_fresh(&status, clock_now_ns()));
}

static void it_is_on_while_it_is_watched(void **state)
{
	struct camera_status status;
	struct frame *frame;

	(void)state;
	start("cam", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_is_open(cam));
	WAIT_FOR(state_is(CAMERA_STARTING));
	assert_false(shows());
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(shows());
	status = status_now();
	assert_int_equal(status.state, CAMERA_LIVE);
	assert_string_equal(status.reason, "");
	assert_true(status.showing);
	assert_false(status.stand_in);
	assert_int_equal(status.captured, 1);
	assert_int_equal(status.opens, 1);
	assert_int_equal(status.info.width, 16);
	assert_string_equal(status.info.format, "MJPG");
	assert_true(camera_fresh(&status, clock_now_ns()));
	assert_false(camera_fresh(&status, clock_now_ns() + status.stall_ns));
	frame = hub_latest(hub);
	assert_int_equal(frame->seq, 1);
	assert_true(frame->stream_ns >= frame->captured_ns);
	frame_unref(frame);
	camera_unwatch(camera);
	WAIT_FOR(state_is(CAMERA_IDLE));
	assert_int_equal(script_is_open(cam), 0);
	assert_false(shows());
	assert_false(status_now().showing);
}

static void one_of_several_watchers_keeps_it_on(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	assert_int_equal(camera_watch(camera), 0);
	camera_unwatch(camera);
	for (int i = 0; i < 20; i++) {
		uint64_t captured = status_now().captured;

		assert_true(script_push(cam, STEP_PICTURE));
		WAIT_FOR(status_now().captured == captured + 1);
	}
	assert_int_equal(atomic_load(&cam->opens), 1);
}

static void it_stays_open_until_idle_release(void **state)
{
	int64_t left_ns;

	(void)state;
	start("cam", 300 * NS_PER_MS);
	watch_live();
	left_ns = clock_now_ns();
	camera_unwatch(camera);
	WAIT_FOR(script_is_open(cam) == 0);
	assert_true(clock_now_ns() - left_ns >= 300 * NS_PER_MS);
	WAIT_FOR(state_is(CAMERA_IDLE));
}

static void never_means_never_and_a_new_watcher_finds_it_open(void **state)
{
	(void)state;
	start("cam", INT64_MAX);
	watch_live();
	camera_unwatch(camera);
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(status_now().captured == 2);
	watch_live();
	assert_int_equal(atomic_load(&cam->opens), 1);
}

static void what_cannot_be_opened_says_why(void **state)
{
	static const enum camera_state faults[] = {
		CAMERA_NO_DEVICE, CAMERA_BUSY, CAMERA_DENIED, CAMERA_STALLED, CAMERA_ERROR};

	(void)state;
	atomic_store(&cam->open_fault, CAMERA_NO_DEVICE);
	start("cam", 0);
	assert_int_equal(camera_watch(camera), 0);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct camera_status status;

		atomic_store(&cam->open_fault, faults[i]);
		plug();
		WAIT_FOR(state_is(faults[i]));
		status = status_now();
		assert_non_null(strstr(status.reason, camera_state_name(faults[i])));
		assert_null(strstr(status.reason, "for the log"));
		assert_int_equal(status.errors[faults[i]], 1);
		assert_false(status.showing);
		assert_int_equal(status.opens, 0);
	}
	atomic_store(&cam->open_fault, CAMERA_LIVE);
	plug();
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
}

static void an_unwatched_camera_that_is_gone_says_so(void **state)
{
	(void)state;
	atomic_store(&cam->probe_fault, CAMERA_NO_DEVICE);
	start("cam", 0);
	WAIT_FOR(state_is(CAMERA_NO_DEVICE));
	atomic_store(&cam->probe_fault, CAMERA_LIVE);
	plug();
	WAIT_FOR(state_is(CAMERA_IDLE));
	atomic_store(&cam->probe_fault, CAMERA_DENIED);
	assert_int_equal(chmod(node, 0), 0); /* a change of mode counts, too */
	WAIT_FOR(state_is(CAMERA_DENIED));
	assert_int_equal(atomic_load(&cam->opens), 0);
}

static void a_lost_picture_is_forgotten_and_comes_back(void **state)
{
	static const enum camera_state faults[] = {
		CAMERA_NO_DEVICE, CAMERA_BUSY, CAMERA_DENIED, CAMERA_STALLED, CAMERA_ERROR};

	(void)state;
	start("cam", 0);
	assert_int_equal(camera_watch(camera), 0);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		WAIT_FOR(script_push(cam, STEP_PICTURE));
		WAIT_FOR(state_is(CAMERA_LIVE));
		atomic_store(&cam->next_fault, faults[i]);
		assert_true(script_push(cam, STEP_FAIL));
		WAIT_FOR(state_is(faults[i]));
		assert_false(shows());
		assert_int_equal(script_is_open(cam), 0);
		plug();
	}
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	assert_int_equal(status_now().opens, 6);
}

static void damaged_pictures_are_counted_and_not_shown(void **state)
{
	struct camera_status status;

	(void)state;
	start("cam", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(cam, STEP_FLAGGED));
	assert_true(script_push(cam, STEP_TRUNCATED));
	assert_true(script_push(cam, STEP_NOT_JPEG));
	assert_true(script_push(cam, STEP_NOT_JPEG));
	WAIT_FOR(status_now().drops.not_jpeg == 2);
	status = status_now();
	assert_int_equal(status.drops.flagged, 1);
	assert_int_equal(status.drops.truncated, 1);
	assert_int_equal(status.state, CAMERA_STARTING);
	assert_int_equal(status.captured, 0);
	assert_false(shows());
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
}

static void a_format_that_cannot_be_encoded_is_an_error(void **state)
{
	(void)state;
	start("cam", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(cam, STEP_UNKNOWN));
	WAIT_FOR(state_is(CAMERA_ERROR));
	assert_non_null(strstr(status_now().reason, "H264"));
}

/* Two seconds of silence; the state stays `stalled` until there is a picture again. */
static void silence_is_a_stall(void **state)
{
	int64_t last_ns;

	(void)state;
	start("cam", 0);
	watch_live();
	last_ns = status_now().last_frame_ns;
	WAIT_FOR(state_is(CAMERA_STALLED));
	assert_true(clock_now_ns() - last_ns >= status_now().stall_ns);
	assert_false(shows());
	assert_non_null(strstr(status_now().reason, "no pictures"));
	WAIT_FOR(script_is_open(cam)); /* it is started again by itself */
	assert_true(state_is(CAMERA_STALLED));
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	assert_int_equal(status_now().errors[CAMERA_STALLED], 1);
}

static void nothing_but_damage_is_a_stall_that_says_so(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	while (state_is(CAMERA_LIVE)) {
		script_push(cam, STEP_TRUNCATED);
		usleep(20000);
	}
	assert_true(state_is(CAMERA_STALLED));
	assert_non_null(strstr(status_now().reason, "no whole picture"));
}

static void a_driver_that_is_ready_but_gives_nothing_is_a_stall(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	atomic_store(&cam->ready_without_picture, true);
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_STALLED));
}

static void a_slow_camera_has_five_intervals(void **state)
{
	(void)state;
	cam->fps = 0.5;
	start("cam", 0);
	watch_live();
	assert_int_equal(status_now().stall_ns, 10 * NS_PER_S);
}

/* The n-th try comes after half a second, one, two …, unless a node comes or a picture was seen. */
static void the_back_off_grows_and_is_reset(void **state)
{
	int64_t begun_ns;

	(void)state;
	atomic_store(&cam->open_fault, CAMERA_BUSY);
	start("cam", 0);
	begun_ns = clock_now_ns();
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(state_is(CAMERA_BUSY));
	atomic_store(&cam->hold_open, true);
	WAIT_FOR(atomic_load(&cam->opening));
	assert_true(clock_now_ns() - begun_ns >= 500 * NS_PER_MS);
	atomic_store(&cam->hold_open, false);
	WAIT_FOR(!atomic_load(&cam->opening));
	begun_ns = clock_now_ns();
	atomic_store(&cam->hold_open, true);
	WAIT_FOR(atomic_load(&cam->opening));
	assert_true(clock_now_ns() - begun_ns >= 900 * NS_PER_MS);
	atomic_store(&cam->open_fault, CAMERA_LIVE);
	atomic_store(&cam->hold_open, false);
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	atomic_store(&cam->next_fault, CAMERA_ERROR);
	begun_ns = clock_now_ns();
	assert_true(script_push(cam, STEP_FAIL));
	WAIT_FOR(state_is(CAMERA_ERROR));
	WAIT_FOR(script_is_open(cam));
	assert_in_range(clock_now_ns() - begun_ns, 500 * NS_PER_MS, 1900 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_lists_are_refused),
		TEST(it_looks_without_opening),
		TEST(it_is_on_while_it_is_watched),
		TEST(one_of_several_watchers_keeps_it_on),
		TEST(it_stays_open_until_idle_release),
		TEST(never_means_never_and_a_new_watcher_finds_it_open),
		TEST(what_cannot_be_opened_says_why),
		TEST(an_unwatched_camera_that_is_gone_says_so),
		TEST(a_lost_picture_is_forgotten_and_comes_back),
		TEST(damaged_pictures_are_counted_and_not_shown),
		TEST(a_format_that_cannot_be_encoded_is_an_error),
		TEST(silence_is_a_stall),
		TEST(nothing_but_damage_is_a_stall_that_says_so),
		TEST(a_driver_that_is_ready_but_gives_nothing_is_a_stall),
		TEST(a_slow_camera_has_five_intervals),
		TEST(the_back_off_grows_and_is_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
