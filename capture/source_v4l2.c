/* SPDX-License-Identifier: MIT */
#include "capture/clock.h"
#include "capture/devices.h"
#include "capture/image.h"
#include "capture/log.h"
#include "capture/negotiate.h"
#include "capture/source.h"
#include "capture/v4l2_fault.h"
#include "capture/v4l2_image.h"
#include "capture/v4l2_node.h"
#include "capture/v4l2_ring.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct camera_source {
	struct source base;
	struct v4l2_pix_format format;
	int64_t interval_ns; /* between two pictures; 0: not known */
	bool sends_events;
	struct v4l2_ring ring;
};

static struct camera_source *camera_of(struct source *source)
{
	return (struct camera_source *)source; /* base is its first member */
}

static bool takes(const char *device)
{
	if (strncmp(device, "video", 5) == 0)
		device += 5;
	if (strstr(device, "://"))
		return false;
	return strcmp(device, "auto") == 0 || strchr(device, '/') ||
	       (*device && strspn(device, "0123456789") == strlen(device));
}

static int probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	return options->known ? devices_present(options, info, fault)
			      : devices_find(options, info, fault);
}

static int call(struct camera_source *camera, unsigned long request, void *arg, const char *step,
	struct fault *fault)
{
	if (v4l2_node_ioctl(camera->base.fd, request, arg) == 0)
		return 0;
	return v4l2_fault(fault, camera->base.info.device, step, errno);
}

static int open_node(struct camera_source *camera, bool convert, struct fault *fault)
{
	camera->base.fd = v4l2_node_open(camera->base.info.device, convert);
	if (camera->base.fd >= 0)
		return 0;
	return v4l2_fault(fault, camera->base.info.device, "open", errno);
}

static void close_node(struct camera_source *camera)
{
	if (camera->base.fd >= 0)
		v4l2_node_close(camera->base.fd);
	camera->base.fd = -1;
}

/* 1: chosen, the node is open. 0: it offers nothing of use. -1: it cannot be opened. */
static int open_and_choose(struct camera_source *camera, bool convert, const struct wish *wish,
	struct choice *choice, struct fault *fault)
{
	struct offer *offers;
	size_t size;
	int rc;

	if (open_node(camera, convert, fault) < 0)
		return -1;
	size = v4l2_node_offers(camera->base.fd, wish->width, wish->height, &offers);
	rc = negotiate(offers, size, wish, choice);
	free(offers);
	if (rc == 0)
		return 1;
	close_node(camera);
	return 0;
}

/*
 * Without libv4l2's conversions first: then its checks cost nothing, and what
 * the driver fills is what we read. With them if nothing else gives the wish.
 */
static int choose(struct camera_source *camera, const struct wish *wish, struct choice *choice,
	struct fault *fault)
{
	struct choice converted;
	int found = open_and_choose(camera, false, wish, choice, fault);

	if (found < 0 || (found && choice->as_wished))
		return found < 0 ? -1 : 0;
	close_node(camera);
	if (open_and_choose(camera, true, wish, &converted, fault) < 0)
		return -1;
	if (camera->base.fd >= 0 && converted.emulated) {
		*choice = converted;
		return 0;
	}
	close_node(camera);
	if (found)
		return open_node(camera, false, fault);
	return fault_set(fault, CAMERA_ERROR, "%s offers no format that we can use",
		camera->base.info.device);
}

static int set_format(
	struct camera_source *camera, const struct choice *choice, struct fault *fault)
{
	struct source_info *info = &camera->base.info;
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {.width = choice->width,
			.height = choice->height,
			.pixelformat = choice->fourcc,
			.field = V4L2_FIELD_ANY,
			.priv = V4L2_PIX_FMT_PRIV_MAGIC},
	};

	if (call(camera, VIDIOC_S_FMT, &format, "S_FMT", fault) < 0)
		return -1;
	camera->format = format.fmt.pix;
	fourcc_name(camera->format.pixelformat, info->format);
	info->width = camera->format.width;
	info->height = camera->format.height;
	if (negotiate_takes(camera->format.pixelformat) && info->width && info->height)
		return 0;
	return fault_set(fault, CAMERA_ERROR, "the camera gives %s in %ux%u where %ux%u was asked",
		info->format, info->width, info->height, choice->width, choice->height);
}

/* Not every driver has a rate to set; then it is what it is. */
static void set_rate(struct camera_source *camera, const struct choice *choice)
{
	struct v4l2_streamparm parm = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE}, wished;
	struct v4l2_fract *interval = &parm.parm.capture.timeperframe;

	if (v4l2_node_ioctl(camera->base.fd, VIDIOC_G_PARM, &parm) < 0)
		return;
	wished = parm;
	wished.parm.capture.timeperframe.numerator = choice->interval.numerator;
	wished.parm.capture.timeperframe.denominator = choice->interval.denominator;
	if (parm.parm.capture.capability & V4L2_CAP_TIMEPERFRAME && choice->interval.numerator) {
		if (v4l2_node_ioctl(camera->base.fd, VIDIOC_S_PARM, &wished) == 0)
			parm = wished; /* as the driver corrected it */
		else
			log_warn("camera: %s refuses to set its rate: %s", camera->base.info.device,
				strerror(errno));
	}
	if (!interval->numerator || !interval->denominator)
		return;
	camera->base.info.fps = (double)interval->denominator / interval->numerator;
	camera->interval_ns = (int64_t)((double)NS_PER_S / camera->base.info.fps);
}

/* Other inputs of a grabber, another signal: the driver then stops until the format is set anew. */
static void watch_changes(struct camera_source *camera)
{
	struct v4l2_event_subscription changes = {.type = V4L2_EVENT_SOURCE_CHANGE};

	camera->sends_events =
		v4l2_node_ioctl(camera->base.fd, VIDIOC_SUBSCRIBE_EVENT, &changes) == 0;
}

static void close_camera(struct source *source)
{
	struct camera_source *camera = camera_of(source);

	v4l2_ring_stop(&camera->ring);
	close_node(camera);
	free(camera);
}

static struct source *open_camera(const struct source_options *options, struct fault *fault)
{
	const struct wish wish = {
		.width = options->width,
		.height = options->height,
		.fps = options->fps,
		.fourcc = options->fourcc,
	};
	struct camera_source *camera = calloc(1, sizeof(*camera));
	struct source_info *info;
	struct choice choice;

	if (!camera) {
		fault_set(fault, CAMERA_ERROR, "out of memory");
		return NULL;
	}
	info = &camera->base.info;
	camera->base.ops = &source_v4l2;
	camera->base.fd = -1;
	if (devices_find(options, info, fault) < 0 || choose(camera, &wish, &choice, fault) < 0 ||
		set_format(camera, &choice, fault) < 0)
		goto failed;
	set_rate(camera, &choice);
	watch_changes(camera);
	camera->ring.converts = choice.emulated;
	if (v4l2_ring_start(&camera->ring, camera->base.fd, info->device, fault) < 0)
		goto failed;
	info->seen_ns = clock_wall_ns();
	log_info("camera: %s (%s): %s %ux%u at %.4g fps: %s", info->device, info->bus, info->format,
		info->width, info->height, info->fps, choice.why);
	return &camera->base;
failed:
	close_camera(&camera->base);
	return NULL;
}

static bool has_changed(const struct camera_source *camera)
{
	struct v4l2_event event;

	while (camera->sends_events &&
		v4l2_node_ioctl(camera->base.fd, VIDIOC_DQEVENT, &event) == 0) {
		if (event.type == V4L2_EVENT_SOURCE_CHANGE &&
			event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION)
			return true;
	}
	return false;
}

static int next(struct source *source, struct image *image, struct fault *fault)
{
	struct camera_source *camera = camera_of(source);
	struct v4l2_buffer buffer;
	const uint8_t *start;
	size_t room;
	int rc;

	if (has_changed(camera))
		return fault_set(fault, CAMERA_STALLED,
			"the camera's picture has changed its size: starting it again");
	rc = v4l2_ring_newest(&camera->ring, &buffer, fault);
	if (rc <= 0)
		return rc;
	start = v4l2_ring_bytes(&camera->ring, buffer.index, &room);
	v4l2_image_format(image, &camera->format);
	v4l2_image_bytes(image, &buffer, start, room);
	image->captured_ns = v4l2_image_captured_ns(&buffer, camera->interval_ns, clock_now_ns());
	return 1;
}

const struct source_ops source_v4l2 = {
	.name = "v4l2",
	.takes = takes,
	.probe = probe,
	.open = open_camera,
	.next = next,
	.close = close_camera,
};
