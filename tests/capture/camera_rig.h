/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_CAMERA_RIG_H
#define TESTS_CAPTURE_CAMERA_RIG_H

/* A camera with a scripted source, for each test. */
#include "capture/camera.h"

#include "tests/capture/scripted.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct script *const cam = &scripts[0], *const pattern = &scripts[1];
static struct hub *hub;
static struct camera *camera;
static char dev_dir[64], node[96];

static inline int set_up(void **state)
{
	(void)state;
	snprintf(dev_dir, sizeof(dev_dir), "%s", make_dir());
	snprintf(node, sizeof(node), "%s/video0", dev_dir);
	hub = hub_create();
	scripts_reset(hub);
	return hub ? 0 : -1;
}

static inline int tear_down(void **state)
{
	(void)state;
	atomic_store(&cam->hold_open, false);
	atomic_store(&cam->hold_close, false);
	camera_destroy(camera);
	camera = NULL;
	assert_int_equal(script_is_open(cam), 0);
	assert_int_equal(script_is_open(pattern), 0);
	assert_int_equal(atomic_load(&cam->violations), 0);
	assert_int_equal(atomic_load(&pattern->violations), 0);
	hub_destroy(hub);
	unlink(node);
	return rmdir(dev_dir);
}

static inline void start(const char *devices, int64_t idle_release_ns)
{
	camera = scripted_camera(devices, dev_dir, idle_release_ns, false, hub);
	assert_non_null(camera);
}

/* A device node comes: a lost camera is tried again at once. */
static inline void plug(void)
{
	unlink(node);
	write_file(node, "", 0);
}

static inline struct camera_status status_now(void)
{
	struct camera_status status;

	camera_status(camera, &status);
	return status;
}

static inline bool state_is(enum camera_state state)
{
	return status_now().state == state;
}

static inline bool shows(void)
{
	struct frame *frame = hub_latest(hub);

	frame_unref(frame);
	return frame != NULL;
}

static inline void watch_live(void)
{
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(script_push(cam, STEP_PICTURE));
	WAIT_FOR(shows());
	assert_true(state_is(CAMERA_LIVE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
