/* SPDX-License-Identifier: MIT */
/* Release and resume, the pattern that stands in, the end. */
#include "tests/capture/camera_rig.h"

static void release_closes_before_it_returns(void **state)
{
	struct camera_status status;

	(void)state;
	start("cam", 0);
	watch_live();
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	assert_int_equal(script_is_open(cam), 0);
	assert_false(shows());
	status = status_now();
	assert_int_equal(status.state, CAMERA_RELEASED);
	assert_true(*status.reason);
	assert_false(status.showing);
	assert_int_equal(camera_watch(camera), -1);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0); /* idempotent */
	camera_unwatch(camera); /* the one of watch_live() was let in before */
}

static void release_stops_whatever_is_going_on(void **state)
{
	(void)state;
	start("cam", 0);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0); /* idle */
	camera_resume(camera);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(state_is(CAMERA_STARTING) && script_is_open(cam));
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0); /* starting */
	assert_int_equal(script_is_open(cam), 0);
	atomic_store(&cam->open_fault, CAMERA_BUSY);
	camera_resume(camera);
	WAIT_FOR(state_is(CAMERA_BUSY));
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0); /* waiting for another try */
	assert_true(state_is(CAMERA_RELEASED));
}

static void release_waits_for_a_slow_open(void **state)
{
	(void)state;
	start("cam", 0);
	atomic_store(&cam->hold_open, true);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(atomic_load(&cam->opening));
	assert_int_equal(camera_release(camera, NS_PER_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(camera_watch(camera), -1); /* latched all the same */
	atomic_store(&cam->hold_open, false);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	assert_int_equal(script_is_open(cam), 0);
}

static void release_gives_up_on_a_close_that_hangs(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	atomic_store(&cam->hold_close, true);
	assert_int_equal(camera_release(camera, 10 * NS_PER_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_false(state_is(CAMERA_RELEASED));
	assert_int_equal(camera_watch(camera), -1);
	WAIT_FOR(!shows()); /* nobody sees a picture of a camera that was switched off */
	atomic_store(&cam->hold_close, false);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	assert_int_equal(script_is_open(cam), 0);
}

static void resume_opens_for_those_who_still_watch(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	camera_resume(camera);
	assert_false(state_is(CAMERA_RELEASED));
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	camera_resume(camera); /* of a camera that is on: nothing */
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(status_now().captured == 3);
	assert_int_equal(atomic_load(&cam->opens), 2);
}

static void it_is_starting_from_the_moment_of_opening(void **state)
{
	(void)state;
	start("cam", 0);
	atomic_store(&cam->hold_open, true);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(atomic_load(&cam->opening));
	assert_true(state_is(CAMERA_STARTING));
	atomic_store(&cam->hold_open, false);
	WAIT_FOR(script_is_open(cam));
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	atomic_store(&cam->hold_open, true);
	camera_resume(camera);
	WAIT_FOR(atomic_load(&cam->opening));
	assert_true(state_is(CAMERA_STARTING));
	atomic_store(&cam->hold_open, false);
}

static void it_can_begin_released(void **state)
{
	(void)state;
	camera = scripted_camera("cam", dev_dir, 0, true, hub);
	assert_true(state_is(CAMERA_RELEASED));
	assert_int_equal(camera_watch(camera), -1);
	WAIT_FOR(*status_now().reason);
	assert_int_equal(atomic_load(&cam->opens), 0);
	camera_resume(camera);
	watch_live();
}

static void a_pattern_stands_in_until_the_camera_comes(void **state)
{
	struct camera_status status;

	(void)state;
	atomic_store(&cam->open_fault, CAMERA_NO_DEVICE);
	start("cam,pattern", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(pattern, STEP_PICTURE));
	WAIT_FOR(shows());
	status = status_now();
	assert_int_equal(status.state, CAMERA_NO_DEVICE);
	assert_true(status.showing);
	assert_true(status.stand_in);
	assert_true(*status.reason);
	assert_false(camera_fresh(&status, clock_now_ns()));
	atomic_store(&cam->open_fault, CAMERA_LIVE);
	plug();
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	WAIT_FOR(script_is_open(pattern) == 0);
	assert_false(status_now().stand_in);
}

static void a_stand_in_that_fails_is_a_fault(void **state)
{
	(void)state;
	atomic_store(&cam->open_fault, CAMERA_BUSY);
	start("cam,pattern", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(pattern, STEP_PICTURE));
	WAIT_FOR(shows());
	assert_true(state_is(CAMERA_BUSY));
	atomic_store(&pattern->next_fault, CAMERA_ERROR);
	assert_true(script_push(pattern, STEP_FAIL));
	WAIT_FOR(state_is(CAMERA_ERROR));
	assert_false(shows());
	assert_int_equal(script_is_open(pattern), 0);
}

static void a_pattern_alone_is_live(void **state)
{
	(void)state;
	start("pattern", 0);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(pattern, STEP_PICTURE));
	WAIT_FOR(state_is(CAMERA_LIVE));
	assert_false(status_now().stand_in);
}

static void stop_closes_and_join_waits(void **state)
{
	(void)state;
	start("cam", 0);
	watch_live();
	atomic_store(&cam->hold_close, true);
	camera_stop(camera);
	assert_int_equal(camera_join(camera, 10 * NS_PER_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	atomic_store(&cam->hold_close, false);
	assert_int_equal(camera_join(camera, 20 * NS_PER_S), 0);
	assert_int_equal(script_is_open(cam), 0);
	assert_false(shows());
	assert_false(status_now().showing);
}

static void since_tells_when_the_state_began(void **state)
{
	int64_t begun_ns = clock_wall_ns();
	struct camera_status first, second;

	(void)state;
	start("cam", 0);
	watch_live();
	first = status_now();
	assert_true(first.since_ns >= begun_ns && first.since_ns <= clock_wall_ns());
	assert_true(script_push(cam, STEP_PICTURE));
	WAIT_FOR(status_now().captured == 2);
	second = status_now();
	assert_int_equal(second.since_ns, first.since_ns);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	assert_true(status_now().since_ns >= first.since_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(release_closes_before_it_returns),
		TEST(release_stops_whatever_is_going_on),
		TEST(release_waits_for_a_slow_open),
		TEST(release_gives_up_on_a_close_that_hangs),
		TEST(resume_opens_for_those_who_still_watch),
		TEST(it_is_starting_from_the_moment_of_opening),
		TEST(it_can_begin_released),
		TEST(a_pattern_stands_in_until_the_camera_comes),
		TEST(a_stand_in_that_fails_is_a_fault),
		TEST(a_pattern_alone_is_live),
		TEST(stop_closes_and_join_waits),
		TEST(since_tells_when_the_state_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
