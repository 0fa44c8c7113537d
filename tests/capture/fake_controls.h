/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_FAKE_CONTROLS_H
#define TESTS_CAPTURE_FAKE_CONTROLS_H

/*
 * A driver's controls without a driver: ioctl() is ours in the program that
 * includes this, and any file that can be opened is a node that has them.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

struct fake_control {
	uint32_t id;
	uint32_t type;
	const char *name;
	int64_t min, max, step, preset;
	uint32_t flags;
	const char *menu[4]; /* NULL: a hole */
	int64_t value;
	int refuses; /* errno of the next S_EXT_CTRLS that … */
	int64_t bad; /* … sets this value */
};

enum { FAKE_BRIGHTNESS = 1, FAKE_EXPOSURE = 2, FAKE_POWER_LINE = 5 };

static const struct fake_control fake_presets[] = {
	{V4L2_CID_BASE - 1, V4L2_CTRL_TYPE_CTRL_CLASS, "User Controls", .flags = 0},
	{V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", 0, 255, 1, 128, .value = 128},
	{V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Exposure Time, Absolute", 3, 2047, 2,
		251, V4L2_CTRL_FLAG_INACTIVE, .value = 251},
	{V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, "Auto Exposure", 0, 3, 1, 3,
		V4L2_CTRL_FLAG_UPDATE, {NULL, "Manual Mode", NULL, "Aperture Priority Mode"},
		.value = 3},
	{V4L2_CID_HFLIP, V4L2_CTRL_TYPE_BOOLEAN, "Horizontal Flip", 0, 1, 1, 0, .value = 0},
	{V4L2_CID_POWER_LINE_FREQUENCY, V4L2_CTRL_TYPE_MENU, "Power Line Frequency", 0, 2, 1, 1,
		.menu = {"Disabled", "50 Hz", "60 Hz"}, .value = 1},
	{0xf0f001, V4L2_CTRL_TYPE_INTEGER_MENU, "Dozens", 0, 2, 1, 0, .menu = {"12", "24", "36"}},
	{0xf0f002, V4L2_CTRL_TYPE_BUTTON, "Button", .flags = V4L2_CTRL_FLAG_WRITE_ONLY},
	{0xf0f003, V4L2_CTRL_TYPE_BITMASK, "Bits", 0, 0x80002000, 0, 0x80002000,
		.value = (int32_t)0x80002000},
	{0xf0f004, V4L2_CTRL_TYPE_INTEGER64, "Integer 64 Bits", INT64_MIN, INT64_MAX, 1, 0,
		.value = INT64_C(-5000000000)},
	{0xf0f005, V4L2_CTRL_TYPE_INTEGER, "Status (read)", 0, 10, 1, 0, V4L2_CTRL_FLAG_READ_ONLY,
		.value = 7},
	{0xf0f006, V4L2_CTRL_TYPE_STRING, "String", 2, 4, 1, 0, .value = 0},
	{0xf0f007, V4L2_CTRL_TYPE_INTEGER, "Gone", 0, 1, 1, 0, V4L2_CTRL_FLAG_DISABLED, .value = 0},
};
#define FAKE_CONTROLS (sizeof(fake_presets) / sizeof(fake_presets[0]))

static struct fake_control fake[FAKE_CONTROLS];
static int fake_error;     /* errno of every call; 0: the driver works */
static char fake_log[512]; /* what was set, "Brightness=3 …" */
static unsigned fake_streams;
static void (*fake_hook)(void); /* called first by every call; NULL: nothing */

static void fake_reset(void)
{
	memcpy(fake, fake_presets, sizeof(fake));
	fake_error = 0;
	fake_log[0] = '\0';
	fake_streams = 0;
	fake_hook = NULL;
}

static struct fake_control *fake_find(uint32_t id)
{
	bool next = id & V4L2_CTRL_FLAG_NEXT_CTRL;
	size_t i = 0;

	id &= ~V4L2_CTRL_FLAG_NEXT_CTRL;
	while (id && i < FAKE_CONTROLS && fake[i].id != id)
		i++;
	i += next && id;
	return i < FAKE_CONTROLS ? &fake[i] : NULL;
}

static int fake_fail(int error)
{
	errno = error;
	return -1;
}

static int fake_query(struct v4l2_query_ext_ctrl *query)
{
	const struct fake_control *control = fake_find(query->id);

	if (!control)
		return fake_fail(EINVAL);
	*query = (struct v4l2_query_ext_ctrl){.id = control->id,
		.type = control->type,
		.minimum = control->min,
		.maximum = control->max,
		.step = (uint64_t)control->step,
		.default_value = control->preset,
		.flags = control->flags};
	snprintf(query->name, sizeof(query->name), "%s", control->name);
	return 0;
}

static int fake_query_menu(struct v4l2_querymenu *query)
{
	const struct fake_control *control = fake_find(query->id);

	if (!control || query->index > 3 || !control->menu[query->index])
		return fake_fail(EINVAL);
	if (control->type == V4L2_CTRL_TYPE_INTEGER_MENU)
		query->value = atoi(control->menu[query->index]);
	else
		snprintf((char *)query->name, sizeof(query->name), "%s",
			control->menu[query->index]);
	return 0;
}

static int fake_get(struct v4l2_ext_control *one)
{
	const struct fake_control *control = fake_find(one->id);

	if (!control || control->flags & V4L2_CTRL_FLAG_WRITE_ONLY)
		return fake_fail(EACCES);
	if (control->type == V4L2_CTRL_TYPE_INTEGER64)
		one->value64 = control->value;
	else
		one->value = (int32_t)control->value;
	return 0;
}

static int fake_set(const struct v4l2_ext_control *one)
{
	struct fake_control *control = fake_find(one->id);
	int64_t value = control->type == V4L2_CTRL_TYPE_INTEGER64 ? one->value64 : one->value;
	size_t used = strlen(fake_log);

	if (control->refuses && control->bad == value)
		return fake_fail(control->refuses);
	if (control->flags & V4L2_CTRL_FLAG_INACTIVE)
		return fake_fail(EACCES); /* as uvcvideo does */
	control->value = value;
	if (control->id == V4L2_CID_EXPOSURE_AUTO)
		fake[FAKE_EXPOSURE].flags = value == 1 ? 0 : V4L2_CTRL_FLAG_INACTIVE;
	snprintf(fake_log + used, sizeof(fake_log) - used, "%s=%lld ", control->name,
		(long long)value);
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fake_hook)
		fake_hook();
	if (fake_error)
		return fake_fail(fake_error);
	switch (request) {
	case VIDIOC_QUERY_EXT_CTRL:
		return fake_query(arg);
	case VIDIOC_QUERYMENU:
		return fake_query_menu(arg);
	case VIDIOC_G_EXT_CTRLS:
		return fake_get(((struct v4l2_ext_controls *)arg)->controls);
	case VIDIOC_S_EXT_CTRLS:
		return fake_set(((struct v4l2_ext_controls *)arg)->controls);
	case VIDIOC_STREAMON:
		fake_streams++;
		return 0;
	default:
		return fake_fail(ENOTTY);
	}
}

#endif
