/* SPDX-License-Identifier: MIT */
#include "fcgi/snapshots.h"

#include "capture/log.h"
#include "fcgi/loop.h"
#include "fcgi/request.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>

struct rig {
	struct loop *loop;
	struct hub *hub, *cameras_hub;
	struct camera *camera; /* it only counts who watches */
	struct snapshots *snapshots;
	char dev_dir[64];
	struct camera_status status;
	int peers[SNAPSHOTS_MAX + 1];
	unsigned waiting;
	unsigned delivered, with_picture;
	uint64_t seq; /* of the newest that was delivered */
	enum camera_state state;
};

static void deliver(void *arg, struct request *request, const struct frame *frame,
	const struct camera_status *status)
{
	struct rig *rig = arg;

	rig->delivered++;
	rig->with_picture += frame != NULL;
	rig->seq = frame ? frame->seq : 0;
	rig->state = status->state;
	request_close(request);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct snapshots_options options = {
		.warmup_ns = NS_PER_S, .deliver = deliver, .arg = rig};

	snprintf(rig->dev_dir, sizeof(rig->dev_dir), "%s", make_dir());
	rig->loop = loop_create();
	rig->hub = hub_create();
	rig->cameras_hub = hub_create();
	scripts_reset(rig->cameras_hub);
	rig->camera = scripted_camera("cam", rig->dev_dir, 0, false, rig->cameras_hub);
	rig->snapshots = snapshots_create(&options, rig->loop, rig->camera, rig->hub);
	rig->status.state = CAMERA_LIVE;
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	snapshots_destroy(rig->snapshots);
	WAIT_FOR(script_is_open(&scripts[0]) == 0); /* every watcher was uncounted */
	camera_destroy(rig->camera);
	hub_destroy(rig->cameras_hub);
	hub_destroy(rig->hub);
	loop_destroy(rig->loop);
	for (unsigned i = 0; i < rig->waiting; i++) {
		if (rig->peers[i] >= 0)
			close(rig->peers[i]);
	}
	rmdir(rig->dev_dir);
	free(rig);
	return 0;
}

static int wait_from(struct rig *rig, int64_t after_ns)
{
	static struct bytes bytes;
	struct request *request;
	int ours, *theirs = &rig->peers[rig->waiting++];

	bytes.size = 0;
	put_get(&bytes, "/snapshot", "");
	make_pair(&ours, theirs);
	assert_int_equal(send(*theirs, bytes.data, bytes.size, 0), bytes.size);
	request = request_open(ours, false);
	assert_non_null(request);
	if (snapshots_wait(rig->snapshots, request, after_ns) == 0) {
		assert_int_equal(camera_watch(rig->camera), 0);
		return 0;
	}
	request_close(request);
	return -1;
}

/* A picture, captured then, of a stream that began so long before. */
static void publish(struct rig *rig, uint64_t seq, int64_t captured_ns, int64_t age_ns)
{
	struct frame *frame = frame_create(0);

	frame->seq = seq;
	frame->captured_ns = captured_ns;
	frame->stream_ns = captured_ns - age_ns;
	hub_publish(rig->hub, frame);
	snapshots_refresh(rig->snapshots, &rig->status);
}

static void only_a_picture_from_afterwards_will_do(void **state)
{
	struct rig *rig = *state;

	publish(rig, 1, 100 * NS_PER_S, NS_PER_S);
	assert_int_equal(wait_from(rig, 101 * NS_PER_S), 0);
	snapshots_refresh(rig->snapshots, &rig->status);
	publish(rig, 2, 101 * NS_PER_S - 1, NS_PER_S);
	assert_int_equal(rig->delivered, 0);
	publish(rig, 3, 101 * NS_PER_S, NS_PER_S);
	assert_int_equal(rig->delivered, 1);
	assert_int_equal(rig->seq, 3);
	publish(rig, 4, 102 * NS_PER_S, NS_PER_S);
	assert_int_equal(rig->delivered, 1);
}

static void exposure_must_have_settled(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(wait_from(rig, 0), 0);
	publish(rig, 1, 100 * NS_PER_S, 0);
	publish(rig, 2, 101 * NS_PER_S, NS_PER_S - 1);
	assert_int_equal(rig->delivered, 0);
	publish(rig, 3, 101 * NS_PER_S + 1, NS_PER_S);
	assert_int_equal(rig->seq, 3);
}

static void all_who_wait_get_the_same_picture(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(wait_from(rig, 0), 0);
	publish(rig, 1, 100 * NS_PER_S, NS_PER_S);
	assert_int_equal(rig->with_picture, 5);
}

static void there_is_a_limit(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < SNAPSHOTS_MAX; i++)
		assert_int_equal(wait_from(rig, 0), 0);
	assert_int_equal(wait_from(rig, 0), -1);
}

static void without_a_picture_the_reason_comes_at_once(void **state)
{
	static const enum camera_state states[] = {CAMERA_RELEASED, CAMERA_NO_DEVICE, CAMERA_BUSY,
		CAMERA_DENIED, CAMERA_STALLED, CAMERA_ERROR};
	struct rig *rig = *state;

	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		rig->status.state = states[i];
		assert_int_equal(wait_from(rig, 0), 0);
		snapshots_refresh(rig->snapshots, &rig->status);
		assert_int_equal(rig->delivered, i + 1);
		assert_int_equal(rig->state, states[i]);
	}
	assert_int_equal(rig->with_picture, 0);
}

static void a_camera_that_wakes_is_waited_for(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(wait_from(rig, 0), 0);
	rig->status.state = CAMERA_IDLE;
	snapshots_refresh(rig->snapshots, &rig->status);
	rig->status.state = CAMERA_STARTING;
	snapshots_refresh(rig->snapshots, &rig->status);
	assert_int_equal(rig->delivered, 0);
}

static void a_stand_in_is_no_picture(void **state)
{
	struct rig *rig = *state;

	rig->status = (struct camera_status){
		.state = CAMERA_NO_DEVICE, .showing = true, .stand_in = true};
	assert_int_equal(wait_from(rig, 0), 0);
	publish(rig, 1, 100 * NS_PER_S, NS_PER_S);
	assert_int_equal(rig->delivered, 1);
	assert_int_equal(rig->with_picture, 0);
}

static void after_five_seconds_an_unsettled_one_will_do(void **state)
{
	struct rig *rig = *state;
	int64_t before = clock_now_ns(), next;

	assert_int_equal(snapshots_tick(rig->snapshots, before), INT64_MAX);
	assert_int_equal(wait_from(rig, 0), 0);
	publish(rig, 1, 100 * NS_PER_S, 0);
	next = snapshots_tick(rig->snapshots, before);
	assert_in_range(next, before + 5 * NS_PER_S, clock_now_ns() + 5 * NS_PER_S);
	assert_int_equal(rig->delivered, 0);
	assert_int_equal(snapshots_tick(rig->snapshots, next), INT64_MAX);
	assert_int_equal(rig->seq, 1);
}

static void after_five_seconds_an_old_one_will_not(void **state)
{
	struct rig *rig = *state;

	publish(rig, 1, 100 * NS_PER_S, NS_PER_S);
	assert_int_equal(wait_from(rig, 101 * NS_PER_S), 0);
	snapshots_tick(rig->snapshots, clock_now_ns() + 5 * NS_PER_S);
	assert_int_equal(rig->delivered, 1);
	assert_int_equal(rig->with_picture, 0);
}

static void who_leaves_waits_no_more(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(wait_from(rig, 0), 0);
	assert_int_equal(wait_from(rig, 0), 0);
	assert_int_equal(send(rig->peers[1], "\1\5\0\1\0\0\0\0", 8, 0), 8); /* that is no leaving */
	close(rig->peers[0]);
	rig->peers[0] = -1;
	for (int i = 0; i < 5; i++)
		loop_turn(rig->loop, 0);
	publish(rig, 1, 100 * NS_PER_S, NS_PER_S);
	assert_int_equal(rig->delivered, 1);
}

static void destroying_closes_who_waits(void **state)
{
	struct rig *rig = *state;
	char byte;

	assert_int_equal(wait_from(rig, 0), 0);
	snapshots_destroy(rig->snapshots);
	rig->snapshots = NULL;
	assert_int_equal(recv(rig->peers[0], &byte, 1, 0), 0);
	assert_int_equal(rig->delivered, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_picture_from_afterwards_will_do),
		TEST(exposure_must_have_settled),
		TEST(all_who_wait_get_the_same_picture),
		TEST(there_is_a_limit),
		TEST(without_a_picture_the_reason_comes_at_once),
		TEST(a_camera_that_wakes_is_waited_for),
		TEST(a_stand_in_is_no_picture),
		TEST(after_five_seconds_an_unsettled_one_will_do),
		TEST(after_five_seconds_an_old_one_will_not),
		TEST(who_leaves_waits_no_more),
		TEST(destroying_closes_who_waits),
	};

	FCGX_Init();
	log_init(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
