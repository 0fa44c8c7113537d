/* SPDX-License-Identifier: MIT */
/* The camera under random events, and under several threads: what holds whatever happens. */
#include "capture/camera.h"

#include "capture/log.h"

#include "tests/capture/scripted.h"

#include <sys/stat.h>

#define EVENTS 100000

static struct script *const cam = &scripts[0];

struct walk {
	struct camera *camera;
	struct hub *hub;
	char dev_dir[64], node[96];
	unsigned watchers;
	bool released;
	unsigned seed;
};

static unsigned pick(struct walk *walk, unsigned n)
{
	return (unsigned)rand_r(&walk->seed) % n;
}

static enum camera_state pick_fault(struct walk *walk)
{
	static const enum camera_state faults[] = {CAMERA_LIVE, CAMERA_LIVE, CAMERA_NO_DEVICE,
		CAMERA_BUSY, CAMERA_DENIED, CAMERA_STALLED, CAMERA_ERROR};

	return faults[pick(walk, sizeof(faults) / sizeof(faults[0]))];
}

static enum camera_state state_of(struct walk *walk)
{
	struct camera_status status;

	camera_status(walk->camera, &status);
	return status.state;
}

static bool shows(struct walk *walk)
{
	struct frame *frame = hub_latest(walk->hub);

	frame_unref(frame);
	return frame != NULL;
}

static void touch_node(struct walk *walk)
{
	static mode_t mode = 0600;

	mode ^= 0200;
	assert_int_equal(chmod(walk->node, mode), 0);
}

static void release(struct walk *walk)
{
	struct camera_status status;

	assert_int_equal(camera_release(walk->camera, 20 * NS_PER_S), 0);
	assert_int_equal(script_is_open(cam), 0);
	atomic_store(&cam->forbidden, true);
	assert_false(shows(walk));
	camera_status(walk->camera, &status);
	assert_int_equal(status.state, CAMERA_RELEASED);
	assert_false(status.showing);
	walk->released = true;
}

static void resume(struct walk *walk)
{
	atomic_store(&cam->forbidden, false);
	camera_resume(walk->camera);
	walk->released = false;
}

static void watch(struct walk *walk)
{
	int rc = camera_watch(walk->camera);

	assert_int_equal(rc, walk->released ? -1 : 0);
	walk->watchers += rc == 0;
}

static void unwatch(struct walk *walk)
{
	if (walk->watchers == 0)
		return;
	walk->watchers--;
	camera_unwatch(walk->camera);
}

static void take_a_step(struct walk *walk)
{
	static const enum step steps[] = {STEP_PICTURE, STEP_PICTURE, STEP_TRUNCATED, STEP_NOT_JPEG,
		STEP_FLAGGED, STEP_UNKNOWN, STEP_FAIL};

	switch (pick(walk, 10)) {
	case 0:
		watch(walk);
		break;
	case 1:
		unwatch(walk);
		break;
	case 2:
		release(walk);
		break;
	case 3:
		resume(walk);
		break;
	case 4:
		atomic_store(&cam->open_fault, pick_fault(walk));
		break;
	case 5:
		atomic_store(&cam->probe_fault, pick_fault(walk));
		break;
	case 6:
		touch_node(walk);
		break;
	default:
		atomic_store(&cam->next_fault, CAMERA_NO_DEVICE + (int)pick(walk, 5));
		script_push(cam, steps[pick(walk, sizeof(steps) / sizeof(steps[0]))]);
	}
}

/* Left alone, the state tells the truth. */
static void expect_truth(struct walk *walk)
{
	enum camera_state open_fault = (enum camera_state)atomic_load(&cam->open_fault);
	enum camera_state probe_fault = (enum camera_state)atomic_load(&cam->probe_fault);

	touch_node(walk); /* what is waiting for its next try or look does it now */
	if (walk->released) {
		assert_int_equal(state_of(walk), CAMERA_RELEASED);
		assert_int_equal(script_is_open(cam), 0);
		assert_false(shows(walk));
	} else if (walk->watchers == 0) {
		WAIT_FOR(
			script_is_open(cam) == 0 && !shows(walk) &&
			state_of(walk) == (probe_fault == CAMERA_LIVE ? CAMERA_IDLE : probe_fault));
	} else if (script_is_open(cam) || open_fault == CAMERA_LIVE) {
		atomic_store(&cam->open_fault, CAMERA_LIVE);
		WAIT_FOR((touch_node(walk), script_push(cam, STEP_PICTURE),
			state_of(walk) == CAMERA_LIVE && shows(walk)));
	}
}

static int set_up(void **state)
{
	static struct walk walk;

	walk = (struct walk){.hub = hub_create(), .seed = 20261122};
	snprintf(walk.dev_dir, sizeof(walk.dev_dir), "%s", make_dir());
	snprintf(walk.node, sizeof(walk.node), "%s/video0", walk.dev_dir);
	write_file(walk.node, "", 0);
	scripts_reset(walk.hub);
	log_init(LOG_LEVEL_ERROR);
	walk.camera = scripted_camera("cam", walk.dev_dir, 0, false, walk.hub);
	*state = &walk;
	return walk.camera ? 0 : -1;
}

static int tear_down(void **state)
{
	struct walk *walk = *state;

	camera_destroy(walk->camera);
	assert_int_equal(script_is_open(cam), 0);
	assert_int_equal(atomic_load(&cam->violations), 0);
	assert_false(shows(walk));
	hub_destroy(walk->hub);
	unlink(walk->node);
	return rmdir(walk->dev_dir);
}

static void a_random_walk_keeps_the_promises(void **state)
{
	struct walk *walk = *state;
	struct camera_status status;

	for (int i = 0; i < EVENTS; i++) {
		take_a_step(walk);
		if (i % 20 == 0)
			expect_truth(walk);
	}
	camera_status(walk->camera, &status);
	assert_true(status.captured > 100 && status.opens > 100); /* it did get around */
	print_message("%llu opens, %llu pictures\n", (unsigned long long)status.opens,
		(unsigned long long)status.captured);
}

struct crowd {
	struct walk *walk;
	atomic_bool done;
};

static void *come_and_go(void *arg)
{
	struct crowd *crowd = arg;

	while (!atomic_load(&crowd->done)) {
		if (camera_watch(crowd->walk->camera) == 0) {
			script_push(cam, STEP_PICTURE);
			camera_unwatch(crowd->walk->camera);
		}
	}
	return NULL;
}

static void *look_around(void *arg)
{
	struct crowd *crowd = arg;
	struct camera_status status;

	while (!atomic_load(&crowd->done)) {
		camera_status(crowd->walk->camera, &status);
		shows(crowd->walk);
	}
	return NULL;
}

static void threads_may_do_all_that_at_once(void **state)
{
	struct walk *walk = *state;
	struct crowd crowd = {.walk = walk};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
					 i < 2 ? come_and_go : look_around, &crowd),
			0);
	for (int i = 0; i < 1000; i++) {
		release(walk);
		resume(walk);
		if (i % 10 == 0)
			WAIT_FOR(script_is_open(cam));
	}
	atomic_store(&crowd.done, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	WAIT_FOR(state_of(walk) == CAMERA_IDLE);
	assert_int_equal(script_is_open(cam), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_random_walk_keeps_the_promises),
		TEST(threads_may_do_all_that_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
