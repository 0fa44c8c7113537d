/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FCGI_FAKE_CAMERA_H
#define TESTS_FCGI_FAKE_CAMERA_H

/* A camera that is found as we say, at /dev/null, and never gives a picture. */
#include "capture/camera.h"
#include "capture/hub.h"
#include "tests/capture/support.h"

static const char *fake_device = "/dev/null";
static _Atomic int fake_fault = -1; /* the state that finding and opening it end in; -1: found */

static bool fake_takes(const char *device)
{
	(void)device;
	return true;
}

static int fake_probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	(void)options;
	if (fake_fault >= 0)
		return fault_set(fault, (enum camera_state)fake_fault, "because");
	*info = (struct source_info){.driver = "fake"};
	snprintf(info->device, sizeof(info->device), "%s", fake_device);
	return 0;
}

static struct source *fake_open(const struct source_options *options, struct fault *fault)
{
	(void)options;
	fault_set(fault, CAMERA_BUSY, "the camera is in use by another program");
	return NULL;
}

static const struct source_ops fake_source = {
	.name = "fake", .takes = fake_takes, .probe = fake_probe, .open = fake_open};

static const struct source_ops *find_fake(const char *device)
{
	(void)device;
	return &fake_source;
}

static bool is_in(struct camera *camera, enum camera_state wanted)
{
	struct camera_status status;

	camera_status(camera, &status);
	return status.state == wanted && (wanted != CAMERA_IDLE || *status.info.device);
}

static struct camera *make_camera(struct hub *hub)
{
	const struct camera_options options = {.devices = "fake",
		.dev_dir = "/nowhere",
		.width = 320,
		.height = 240,
		.fps = 30,
		.quality = 80,
		.find_source = find_fake};
	struct camera *camera = camera_create(&options, hub);

	assert_non_null(camera);
	return camera;
}

#endif
