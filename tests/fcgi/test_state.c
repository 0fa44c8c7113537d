/* SPDX-License-Identifier: MIT */
#include "fcgi/state.h"

#include "fcgi/answer.h"
#include "fcgi/config.h"
#include "fcgi/loop.h"
#include "fcgi/viewers.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <jansson.h>
#include <math.h>

static const struct camera_status busy = {
	.state = CAMERA_LIVE,
	.reason = "",
	.since_ns = INT64_C(1763801000123456789),
	.showing = true,
	.info = {.device = "/dev/video0",
		.driver = "uvcvideo",
		.card = "HD Pro Webcam C920 \"\xc3\xa4\"",
		.bus = "usb-1",
		.format = "MJPG",
		.width = 1280,
		.height = 720,
		.fps = 30},
	.captured_fps = 29.97,
	.stall_ns = 2 * NS_PER_S,
	.opens = 3,
	.errors = {[CAMERA_BUSY] = 1, [CAMERA_STALLED] = 2},
	.drops = {.flagged = 4, .truncated = 5, .not_jpeg = 6},
	.encodes = true,
	.encode_ms = 7.25,
};

static const struct config config = {.instance_id = "front",
	.quality = 80,
	.fps = 30,
	.width = 640,
	.height = 480,
	.max_viewers = 9};

struct rig {
	struct loop *loop;
	struct hub *hub;
	struct camera *camera;
	struct viewers *viewers;
	char dev_dir[64];
};

static int set_up(void **state)
{
	const struct viewers_options options = {.max = 9, .timeout_ns = NS_PER_S};
	struct rig *rig = calloc(1, sizeof(*rig));

	snprintf(rig->dev_dir, sizeof(rig->dev_dir), "%s", make_dir());
	rig->loop = loop_create();
	rig->hub = hub_create();
	scripts_reset(NULL);
	rig->camera = scripted_camera("cam", rig->dev_dir, 0, false, rig->hub);
	rig->viewers = viewers_create(&options, rig->loop, rig->camera, rig->hub);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	viewers_destroy(rig->viewers);
	camera_destroy(rig->camera);
	hub_destroy(rig->hub);
	loop_destroy(rig->loop);
	rmdir(rig->dev_dir);
	free(rig);
	return 0;
}

static json_t *state_of(struct rig *rig, const struct camera_status *status)
{
	char *text = state_json(&config, status, rig->viewers);
	json_error_t error;
	json_t *root;

	assert_non_null(text);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s: %s", error.text, text);
	free(text);
	return root;
}

/* "a.b.c" in the result. */
static const json_t *at(const json_t *root, const char *path)
{
	const json_t *value = json_object_get(root, "result");
	char copy[80], *rest = copy, *key;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((key = strsep(&rest, ".")))
		value = json_object_get(value, key);
	if (!value)
		fail_msg("there is no %s", path);
	return value;
}

static void expect_text(const json_t *root, const char *path, const char *expected)
{
	assert_string_equal(json_string_value(at(root, path)), expected);
}

static void expect_number(const json_t *root, const char *path, double expected)
{
	assert_true(json_is_number(at(root, path)));
	assert_float_equal(json_number_value(at(root, path)), expected, 1e-5);
}

static void every_key_of_the_contract_is_there(void **state)
{
	struct rig *rig = *state;
	struct camera_status status = busy;
	json_t *root;

	status.last_frame_ns = clock_now_ns();
	root = state_of(rig, &status);
	assert_true(json_is_true(json_object_get(root, "ok")));
	expect_text(root, "instance_id", "front");
	assert_true(fabs(json_number_value(at(root, "now")) - (double)clock_wall_ns() / 1e9) < 20);
	expect_text(root, "camera.state", "live");
	expect_text(root, "camera.reason", "");
	expect_number(root, "camera.since", 1763801000.123456);
	expect_text(root, "camera.device", "/dev/video0");
	expect_text(root, "camera.driver", "uvcvideo");
	expect_text(root, "camera.card", busy.info.card);
	expect_text(root, "camera.bus", "usb-1");
	expect_text(root, "camera.format", "MJPG");
	expect_number(root, "camera.opens", 3);
	expect_number(root, "camera.errors", 3);
	expect_number(root, "camera.dropped.flagged", 4);
	expect_number(root, "camera.dropped.truncated", 5);
	expect_number(root, "camera.dropped.not_jpeg", 6);
	expect_text(root, "encoder.type", "CPU");
	expect_number(root, "encoder.quality", 80);
	expect_number(root, "encoder.ms_per_frame", 7.25);
	expect_number(root, "source.resolution.width", 1280);
	expect_number(root, "source.resolution.height", 720);
	assert_true(json_is_true(at(root, "source.online")));
	expect_number(root, "source.desired_fps", 30);
	expect_number(root, "source.captured_fps", 29.97);
	assert_true(json_number_value(at(root, "source.last_frame_age")) < 20);
	expect_number(root, "stream.queued_fps", 0);
	expect_number(root, "stream.clients", 0);
	expect_number(root, "stream.max_clients", 9);
	assert_int_equal(json_object_size(at(root, "stream.clients_stat")), 0);
	json_decref(root);
}

static void without_a_camera_it_is_whole_as_well(void **state)
{
	struct rig *rig = *state;
	const struct camera_status none = {.state = CAMERA_NO_DEVICE, .reason = "no camera"};
	json_t *root = state_of(rig, &none);

	expect_text(root, "camera.state", "no-device");
	expect_text(root, "camera.reason", "no camera");
	expect_text(root, "encoder.type", "PASSTHROUGH");
	assert_true(json_is_false(at(root, "source.online")));
	assert_true(json_is_null(at(root, "source.last_frame_age")));
	expect_number(root, "source.resolution.width", 640);
	expect_number(root, "source.captured_fps", 0);
	json_decref(root);
}

/* What a driver calls its card may be anything. */
static void a_name_that_is_no_utf8_does_not_break_it(void **state)
{
	struct rig *rig = *state;
	struct camera_status status = busy;

	memcpy(status.info.card, "Cam\xe4ra\xff", 8);
	json_decref(state_of(rig, &status));
}

static void viewers_are_told_without_addresses(void **state)
{
	struct rig *rig = *state;
	struct answer head;
	const json_t *client;
	json_t *root;
	int ours, theirs;

	answer_init(&head, 200);
	make_pair(&ours, &theirs);
	assert_int_equal(camera_watch(rig->camera), 0);
	viewers_adopt(
		rig->viewers, ours, 1, &head, &(struct viewer_options){.address = "192.0.2.1"});
	root = state_of(rig, &busy);
	expect_number(root, "stream.clients", 1);
	client = json_object_iter_value(
		json_object_iter((json_t *)(uintptr_t)at(root, "stream.clients_stat")));
	for (const char *const *key =
			(const char *const[]){"fps", "frames", "skipped", "lag", "seconds", NULL};
		*key; key++)
		assert_true(json_is_number(json_object_get(client, *key)));
	assert_int_equal(json_object_size(client), 5);
	json_decref(root);
	close(theirs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_key_of_the_contract_is_there),
		TEST(without_a_camera_it_is_whole_as_well),
		TEST(a_name_that_is_no_utf8_does_not_break_it),
		TEST(viewers_are_told_without_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
