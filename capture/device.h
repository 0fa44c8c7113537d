/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DEVICE_H
#define CAPTURE_DEVICE_H

#include "capture/source.h"

#include <stdbool.h>
#include <stdint.h>

struct stat;

/* device - what one video node is. It is opened for a moment to be asked, and never streams. */

/* What makes a node fit for `auto`, the best first. */
enum device_kind {
	DEVICE_COLOUR,
	DEVICE_GREY,      /* GREY is all it gives: an infrared camera, as a rule */
	DEVICE_CONVERTED, /* only libv4l can make something of its formats */
	DEVICE_UNFIT,
};

struct device {
	struct source_info info; /* device (links resolved), driver, card, bus and serial */
	unsigned number;         /* of /dev/videoN */
	bool usb;
	int64_t node_ns; /* when the node was made, wall clock */
	enum device_kind kind;
	const char *unfit; /* why, if it could be asked */
	int error;         /* errno, if it could not even be opened; else 0 */
};

struct device device_inspect(const char *path);

/*
 * As stat(2), but ENOTTY unless it is a V4L2 node. Nothing else is ever
 * opened: opening a watchdog or a tape has effects.
 */
int device_stat(const char *path, struct stat *st);

/* The value of unfit for the raw nodes of a CSI camera, which only libcamera can drive. */
extern const char device_csi_sensor[];

#endif
