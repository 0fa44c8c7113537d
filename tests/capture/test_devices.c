/* SPDX-License-Identifier: MIT */
#include "capture/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64]; /* a --dev-dir without cameras */

static int make_dir(void **state)
{
	char path[128];
	int fd;

	(void)state;
	strcpy(dir, "/tmp/test_devices.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/video10", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* a file, no device */
	snprintf(path, sizeof(path), "%s/video2", dir);
	return close(fd) < 0 || symlink("/dev/null", path) < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/video10", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/video2", dir);
	unlink(path);
	return rmdir(dir);
}

static struct device camera(unsigned number, enum device_kind kind, bool usb)
{
	return (struct device){.number = number, .kind = kind, .usb = usb};
}

static void auto_takes_usb_then_colour_then_the_lowest_number(void **state)
{
	const struct device devices[] = {
		camera(0, DEVICE_UNFIT, true),
		camera(1, DEVICE_COLOUR, false),
		camera(2, DEVICE_CONVERTED, true),
		camera(3, DEVICE_GREY, true),
		camera(4, DEVICE_COLOUR, true),
		camera(5, DEVICE_COLOUR, true),
	};

	(void)state;
	assert_ptr_equal(devices_choose(devices, 6), &devices[4]);
	assert_ptr_equal(devices_choose(devices, 4), &devices[3]);
	assert_ptr_equal(devices_choose(devices, 3), &devices[2]);
	assert_ptr_equal(devices_choose(devices, 2), &devices[1]);
	assert_null(devices_choose(devices, 1));
	assert_null(devices_choose(NULL, 0));
}

static void a_camera_is_known_by_serial_or_place_or_as_new(void **state)
{
	struct source_info known = {.driver = "uvcvideo",
		.card = "C920",
		.bus = "usb-1",
		.serial = "A1",
		.seen_ns = 100};
	struct device found = {.info = known, .usb = true, .node_ns = 50};

	(void)state;
	strcpy(found.info.bus, "usb-2");
	assert_true(devices_same_camera(&known, &found)); /* moved to another port */
	strcpy(found.info.serial, "B2");
	strcpy(found.info.bus, "usb-1");
	assert_false(devices_same_camera(&known, &found)); /* a twin in its place */
	*known.serial = *found.info.serial = '\0';
	assert_true(devices_same_camera(&known, &found));
	strcpy(found.info.bus, "usb-2");
	assert_false(devices_same_camera(&known, &found)); /* a twin that was there already */
	found.node_ns = 150;
	assert_true(devices_same_camera(&known, &found)); /* it appeared since */
	found.usb = false;
	assert_false(devices_same_camera(&known, &found));
	found.usb = true;
	strcpy(found.info.card, "C270");
	assert_false(devices_same_camera(&known, &found));
}

static void only_video_nodes_are_scanned_by_number(void **state)
{
	size_t size;
	struct device *devices = devices_scan(dir, &size);

	(void)state;
	assert_int_equal(size, 2);
	assert_int_equal(devices[0].number, 2);
	assert_int_equal(devices[0].error, ENOTTY); /* no V4L2 node: not even opened */
	assert_int_equal(devices[1].number, 10);
	assert_int_equal(devices[1].error, ENOTTY);
	free(devices);
	assert_null(devices_scan("/nonexistent", &size));
	assert_int_equal(size, 0);
}

static void expect_fault(const char *device, const char *dev_dir, const struct source_info *known,
	enum camera_state state, const char *reason)
{
	const struct source_options options = {
		.device = device, .dev_dir = dev_dir, .known = known};
	struct source_info info = {0};
	struct fault fault;

	assert_int_equal(devices_find(&options, &info, &fault), -1);
	assert_int_equal(fault.state, state);
	assert_string_equal(fault.reason, reason);
}

static void what_is_no_camera_is_refused_with_a_reason(void **state)
{
	const struct source_info lost = {
		.device = "/nonexistent/video0", .card = "C920", .driver = "uvcvideo"};
	char text[160];

	(void)state;
	expect_fault("auto", "/nonexistent", NULL, CAMERA_NO_DEVICE,
		"no camera found in /nonexistent: waiting for one to be plugged in");
	expect_fault("7", "/nonexistent", NULL, CAMERA_NO_DEVICE,
		"no camera at /nonexistent/video7: waiting for it to be plugged in");
	expect_fault("video7", "/nonexistent", NULL, CAMERA_NO_DEVICE,
		"no camera at /nonexistent/video7: waiting for it to be plugged in");
	expect_fault("/dev/null", "/dev", NULL, CAMERA_ERROR, "/dev/null is not a camera");
	snprintf(text, sizeof(text), "%s/video10 is not a camera", dir);
	expect_fault("10", dir, NULL, CAMERA_ERROR, text);
	snprintf(
		text, sizeof(text), "no camera found in %s: waiting for one to be plugged in", dir);
	expect_fault("auto", dir, NULL, CAMERA_NO_DEVICE, text);
	expect_fault(
		"auto", dir, &lost, CAMERA_NO_DEVICE, "waiting for C920 to be plugged in again");
}

static void a_known_camera_that_is_gone_is_missed(void **state)
{
	const struct source_info lost = {.device = "/nonexistent/video0", .card = "C920"};
	const struct source_options options = {.device = "auto", .dev_dir = dir, .known = &lost};
	struct source_info info = {0};
	struct fault fault;

	(void)state;
	assert_int_equal(devices_present(&options, &info, &fault), -1);
	assert_int_equal(fault.state, CAMERA_NO_DEVICE);
	assert_string_equal(fault.reason, "waiting for C920 to be plugged in again");
}

static void names_that_v4l2_serves(void **state)
{
	static const char *const good[] = {"auto", "0", "12", "video3", "/dev/video0", "./cam"};
	static const char *const bad[] = {"", "video", "pattern", "-1", "1a", "file:x"};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_true(source_v4l2.takes(good[i]));
		assert_false(source_v4l2.takes(bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auto_takes_usb_then_colour_then_the_lowest_number),
		cmocka_unit_test(a_camera_is_known_by_serial_or_place_or_as_new),
		cmocka_unit_test(only_video_nodes_are_scanned_by_number),
		cmocka_unit_test(what_is_no_camera_is_refused_with_a_reason),
		cmocka_unit_test(a_known_camera_that_is_gone_is_missed),
		cmocka_unit_test(names_that_v4l2_serves),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
