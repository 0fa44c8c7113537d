/* SPDX-License-Identifier: MIT */
#include "fcgi/control.h"

#include "capture/latch.h"
#include "capture/log.h"
#include "capture/settings.h"
#include "fcgi/request.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>

static struct script *const cam = &scripts[0];

struct rig {
	char directory[64];
	struct hub *hub;
	struct camera *camera;
	struct settings *settings;
	struct control *control;
	int peers[CONTROL_MAX + 1];
	unsigned submitted;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	snprintf(rig->directory, sizeof(rig->directory), "%s", make_dir());
	rig->hub = hub_create();
	scripts_reset(rig->hub);
	rig->camera = scripted_camera("cam", rig->directory, 0, false, rig->hub);
	rig->settings = settings_create(NULL, NULL, 0);
	rig->control = control_create(rig->camera, rig->settings, rig->directory);
	assert_non_null(rig->control);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	char latch[96];

	atomic_store(&cam->hold_close, false);
	control_destroy(rig->control);
	camera_destroy(rig->camera);
	settings_destroy(rig->settings);
	hub_destroy(rig->hub);
	for (unsigned i = 0; i < rig->submitted; i++)
		close(rig->peers[i]);
	snprintf(latch, sizeof(latch), "%s/released", rig->directory);
	unlink(latch);
	rmdir(rig->directory);
	free(rig);
	return 0;
}

static struct request *make_request(int *theirs)
{
	static struct bytes bytes;
	int ours;

	bytes.size = 0;
	put_get(&bytes, "/shutdown", "");
	make_pair(&ours, theirs);
	assert_int_equal(send(*theirs, bytes.data, bytes.size, 0), bytes.size);
	return request_open(ours, false);
}

static int submit(struct rig *rig, enum control_verb verb)
{
	struct request *request = make_request(&rig->peers[rig->submitted++]);
	int rc = control_submit(rig->control, request, verb);

	if (rc < 0)
		request_close(request);
	return rc;
}

static void expect_result(struct rig *rig, enum control_verb verb, int status)
{
	struct pollfd fd = {.fd = control_fd(rig->control), .events = POLLIN};
	struct control_result result;

	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_true(control_take(rig->control, &result));
	assert_int_equal(result.verb, verb);
	assert_int_equal(result.status, status);
	free(result.body);
	request_close(result.request);
}

static void it_releases_and_starts_and_keeps_the_latch(void **state)
{
	struct rig *rig = *state;
	struct control_result result;
	int64_t since_ns;

	assert_false(control_take(rig->control, &result));
	assert_int_equal(submit(rig, CONTROL_RELEASE), 0);
	expect_result(rig, CONTROL_RELEASE, 200);
	assert_int_equal(camera_watch(rig->camera), -1);
	assert_true(latch_read(rig->directory, &since_ns));
	assert_int_equal(submit(rig, CONTROL_START), 0);
	expect_result(rig, CONTROL_START, 200);
	assert_false(latch_read(rig->directory, &since_ns));
	assert_int_equal(camera_watch(rig->camera), 0);
	camera_unwatch(rig->camera);
	assert_false(control_take(rig->control, &result));
}

static void hold_the_device(struct rig *rig)
{
	assert_int_equal(camera_watch(rig->camera), 0);
	WAIT_FOR(script_is_open(cam));
	atomic_store(&cam->hold_close, true);
	assert_int_equal(submit(rig, CONTROL_RELEASE), 0);
	WAIT_FOR(atomic_load(&cam->closing));
}

static void the_queue_is_bounded_and_in_order(void **state)
{
	struct rig *rig = *state;

	hold_the_device(rig);
	for (int i = 1; i < CONTROL_MAX; i++)
		assert_int_equal(submit(rig, i % 2 ? CONTROL_START : CONTROL_RELEASE), 0);
	assert_int_equal(submit(rig, CONTROL_START), -1);
	atomic_store(&cam->hold_close, false);
	for (int i = 0; i < CONTROL_MAX; i++)
		expect_result(rig, i % 2 ? CONTROL_START : CONTROL_RELEASE, 200);
}

static void a_driver_that_does_not_close_is_503_after_five_seconds(void **state)
{
	struct rig *rig = *state;
	int64_t begun_ns = clock_now_ns(), since_ns;

	hold_the_device(rig);
	expect_result(rig, CONTROL_RELEASE, 503);
	assert_true(clock_now_ns() - begun_ns >= 5 * NS_PER_S);
	assert_true(latch_read(rig->directory, &since_ns)); /* latched off all the same */
	assert_int_equal(camera_watch(rig->camera), -1);
}

static void stopping_waits_only_so_long(void **state)
{
	struct rig *rig = *state;
	char byte;

	hold_the_device(rig);
	assert_int_equal(submit(rig, CONTROL_START), 0);
	assert_int_equal(control_stop(rig->control, 10 * NS_PER_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	atomic_store(&cam->hold_close, false);
	assert_int_equal(control_stop(rig->control, 20 * NS_PER_S), 0);
	control_destroy(rig->control);
	rig->control = NULL;
	for (unsigned i = 0; i < rig->submitted; i++) /* closed without an answer */
		assert_true(recv(rig->peers[i], &byte, 1, 0) <= 0);
	assert_int_equal(camera_watch(rig->camera), -1); /* what waited was not begun */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_releases_and_starts_and_keeps_the_latch),
		TEST(the_queue_is_bounded_and_in_order),
		TEST(a_driver_that_does_not_close_is_503_after_five_seconds),
		TEST(stopping_waits_only_so_long),
	};

	FCGX_Init();
	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
