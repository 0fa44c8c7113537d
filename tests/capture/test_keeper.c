/* SPDX-License-Identifier: MIT */
#include "capture/keeper.h"

#include "capture/camera.h"
#include "capture/hub.h"
#include "capture/pulse.h"
#include "capture/settings.h"
#include "tests/capture/fake_controls.h"
#include "tests/capture/support.h"

#include <sys/eventfd.h>

/* The states are tested with test_camera.c; here: controls at each opening, and the pulse. */
static const char *device;
static _Atomic int opens, closes;

static bool takes(const char *entry)
{
	(void)entry;
	return true;
}

static int probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	(void)options, (void)fault;
	*info = (struct source_info){.driver = "silent"};
	snprintf(info->device, sizeof(info->device), "%s", device);
	return 0;
}

static const struct source_ops silent;

static struct source *open_silent(const struct source_options *options, struct fault *fault)
{
	struct source *source = calloc(1, sizeof(*source));

	probe(options, &source->info, fault);
	source->ops = &silent;
	source->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	opens++;
	return source;
}

static int next(struct source *source, struct image *image, struct fault *fault)
{
	(void)source, (void)image, (void)fault;
	return 0;
}

static void close_silent(struct source *source)
{
	close(source->fd);
	free(source);
	closes++;
}

static const struct source_ops silent = {.name = "silent",
	.takes = takes,
	.probe = probe,
	.open = open_silent,
	.next = next,
	.close = close_silent};

static const struct source_ops *find_silent(const char *entry)
{
	(void)entry;
	return &silent;
}

static struct hub *hub;
static struct settings *settings;
static struct pulse pulse;
static struct camera *camera;

static void begin_with(const char *path, int64_t interval_ns)
{
	static const char *const presets[] = {
		"brightness=9", "exposure_absolute=333", "exposure_auto=1", "sepia=4", "button=1"};
	struct camera_options options = {.devices = "silent",
		.dev_dir = "/nowhere",
		.width = 320,
		.height = 240,
		.fps = 30,
		.quality = 80,
		.find_source = find_silent,
		.pulse = &pulse};

	fake_reset();
	device = path;
	opens = closes = 0;
	pulse.interval_ns = interval_ns;
	pulse.beat_ns = 0;
	hub = hub_create();
	options.settings = settings = settings_create(NULL, presets, 5);
	camera = camera_create(&options, hub);
	assert_non_null(camera);
}

static void end(void)
{
	camera_destroy(camera);
	settings_destroy(settings);
	hub_destroy(hub);
}

static bool is_in(enum camera_state state)
{
	struct camera_status status;

	camera_status(camera, &status);
	return status.state == state;
}

/* Watches until it was opened, and waits until it is closed again. */
static void open_once(void)
{
	int before = closes;

	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(opens > before);
	camera_unwatch(camera);
	WAIT_FOR(closes > before);
}

static const char applied[] = "Auto Exposure=1 Brightness=9 Exposure Time, Absolute=333 ";

static void controls_are_set_at_every_opening(void **state)
{
	(void)state;
	begin_with("/dev/null", INT64_MAX);
	open_once();
	assert_string_equal(fake_log, applied);
	fake_reset();
	open_once();
	assert_string_equal(fake_log, applied);
	end();
}

static void what_was_kept_since_is_set_too(void **state)
{
	const struct control_wish wishes[] = {{"brightness", "77"}, {"horizontal_flip", "1"}};

	(void)state;
	begin_with("/dev/null", INT64_MAX);
	assert_int_equal(settings_keep(settings, wishes, 2), 0);
	open_once();
	assert_string_equal(fake_log, "Auto Exposure=1 Brightness=77 "
				      "Exposure Time, Absolute=333 Horizontal Flip=1 ");
	end();
}

static void a_driver_that_refuses_all_is_no_failure(void **state)
{
	(void)state;
	begin_with("/dev/null", INT64_MAX);
	fake_error = EIO;
	open_once();
	assert_string_equal(fake_log, "");
	end();
}

static void sources_without_controls_are_not_asked(void **state)
{
	(void)state;
	begin_with("pattern", INT64_MAX);
	open_once();
	assert_string_equal(fake_log, "");
	end();
}

/* While nobody watches, while there is no picture, and while it is switched off. */
static void the_pulse_beats_in_every_state(void **state)
{
	int64_t seen;

	(void)state;
	begin_with("pattern", 5 * NS_PER_MS);
	WAIT_FOR(is_in(CAMERA_IDLE));
	seen = pulse.beat_ns;
	WAIT_FOR(pulse.beat_ns > seen);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(opens > 0);
	for (int i = 0; i < 3; i++) {
		seen = pulse.beat_ns;
		WAIT_FOR(pulse.beat_ns > seen);
	}
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	for (int i = 0; i < 3; i++) {
		seen = pulse.beat_ns;
		WAIT_FOR(pulse.beat_ns > seen);
	}
	assert_true(is_in(CAMERA_RELEASED));
	camera_unwatch(camera);
	end();
}

static void without_anybody_who_looks_it_sleeps(void **state)
{
	(void)state;
	begin_with("pattern", INT64_MAX);
	open_once();
	assert_int_equal(pulse.beat_ns, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_are_set_at_every_opening),
		cmocka_unit_test(what_was_kept_since_is_set_too),
		cmocka_unit_test(a_driver_that_refuses_all_is_no_failure),
		cmocka_unit_test(sources_without_controls_are_not_asked),
		cmocka_unit_test(the_pulse_beats_in_every_state),
		cmocka_unit_test(without_anybody_who_looks_it_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
