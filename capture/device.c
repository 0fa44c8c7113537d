/* SPDX-License-Identifier: MIT */
#include "capture/device.h"

#include "capture/clock.h"
#include "capture/device_sys.h"
#include "capture/image.h"
#include "capture/negotiate.h"
#include "capture/v4l2_node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define V4L2_MAJOR 81 /* VIDEO_MAJOR of the kernel */

const char device_csi_sensor[] = "a CSI sensor that needs libcamera: see README";

/* Parts of raw camera pipelines and codecs of Raspberry Pi and Intel: as driver or card. */
static const char *const csi_names[] = {
	"bcm2835-isp", "bcm2835-codec", "pispbe", "rp1-cfe", "unicam", "ipu6", "ipu3"};

static bool is_csi(const struct source_info *info)
{
	for (size_t i = 0; i < sizeof(csi_names) / sizeof(csi_names[0]); i++) {
		if (strstr(info->driver, csi_names[i]) || strstr(info->card, csi_names[i]))
			return true;
	}
	return false;
}

/* NULL: it captures pictures. */
static const char *why_unfit(const struct source_info *info, uint32_t caps)
{
	if (is_csi(info))
		return device_csi_sensor;
	if (caps & (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE))
		return "a codec or scaler, not a camera";
	if (caps & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE))
		return caps & V4L2_CAP_STREAMING ? NULL : "it cannot stream";
	if (caps & V4L2_CAP_META_CAPTURE)
		return "it gives metadata, not pictures";
	return "it captures no pictures";
}

/* The best kind that its own formats make it. */
static enum device_kind native_kind(int fd, uint32_t caps)
{
	struct v4l2_fmtdesc format = {
		.type = caps & V4L2_CAP_VIDEO_CAPTURE ? V4L2_BUF_TYPE_VIDEO_CAPTURE
						      : V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
	};
	enum device_kind kind = DEVICE_UNFIT;

	for (; ioctl(fd, VIDIOC_ENUM_FMT, &format) == 0; format.index++) {
		if (format.pixelformat == FOURCC_GREY)
			kind = DEVICE_GREY;
		else if (negotiate_takes(format.pixelformat))
			return DEVICE_COLOUR;
	}
	return kind;
}

static bool can_be_converted(const char *path)
{
	struct v4l2_fmtdesc format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	int fd = v4l2_node_open(path, true);
	bool found = false;

	if (fd < 0)
		return false;
	for (; !found && v4l2_node_ioctl(fd, VIDIOC_ENUM_FMT, &format) == 0; format.index++)
		found = negotiate_takes(format.pixelformat);
	v4l2_node_close(fd);
	return found;
}

static void ask(struct device *device, int fd)
{
	struct source_info *info = &device->info;
	struct v4l2_capability cap = {0};
	uint32_t caps;

	if (ioctl(fd, VIDIOC_QUERYCAP, &cap) < 0) {
		device->error = errno;
		return;
	}
	caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
	snprintf(info->driver, sizeof(info->driver), "%.*s", (int)sizeof(cap.driver), cap.driver);
	snprintf(info->card, sizeof(info->card), "%.*s", (int)sizeof(cap.card), cap.card);
	snprintf(info->bus, sizeof(info->bus), "%.*s", (int)sizeof(cap.bus_info), cap.bus_info);
	device->usb = strncmp(info->bus, "usb-", 4) == 0;
	device->unfit = why_unfit(info, caps);
	if (device->unfit)
		return;
	device->kind = native_kind(fd, caps);
	if (device->kind == DEVICE_UNFIT && can_be_converted(info->device))
		device->kind = DEVICE_CONVERTED;
	if (device->kind == DEVICE_UNFIT)
		device->unfit = "it offers no format that we can use";
}

int device_stat(const char *path, struct stat *st)
{
	if (stat(path, st) < 0)
		return -1;
	if (S_ISCHR(st->st_mode) && major(st->st_rdev) == V4L2_MAJOR)
		return 0;
	errno = ENOTTY;
	return -1;
}

struct device device_inspect(const char *path)
{
	struct device device = {.kind = DEVICE_UNFIT};
	char real[PATH_MAX], bus[DEVICE_SYS_TEXT];
	struct stat st;
	int fd;

	if (!realpath(path, real) || strlen(real) >= sizeof(device.info.device)) {
		snprintf(device.info.device, sizeof(device.info.device), "%.100s", path);
		device.error = ENOENT;
		return device;
	}
	strcpy(device.info.device, real);
	if (device_stat(path, &st) < 0) {
		device.error = errno;
		return device;
	}
	device.node_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	device_sys_usb("/sys", st.st_rdev, bus, device.info.serial);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		device.error = errno;
		return device;
	}
	ask(&device, fd);
	close(fd);
	return device;
}
