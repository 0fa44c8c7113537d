/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "capture/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct image;

/*
 * source - where pictures come from: a V4L2 camera, a test pattern, a file.
 *
 * A source belongs to one thread. It lends pictures one at a time: an image is
 * the source's until the next source_next() or source_close().
 */

/* What was found, or what the driver really gave. Empty strings and 0 are "not known yet". */
struct source_info {
	char device[128]; /* "/dev/video0", "pattern", "file:clip.mjpeg" */
	char driver[32];
	char card[64];
	char bus[64];
	char serial[64]; /* of a USB device that has one */
	int64_t seen_ns; /* when the camera was last opened, wall clock: a node made since is new */
	char format[8];  /* "MJPG", "YUYV", … */
	unsigned width, height;
	double fps;
};

struct source_options {
	const char *device;  /* one entry of the --device list */
	const char *dev_dir; /* where devices are looked for, such as /dev */
	unsigned width, height;
	double fps;
	uint32_t fourcc; /* 0: choose the best */

	/*
	 * The camera that this entry gave before, or NULL. `auto` and device nodes
	 * then take only that camera again, whatever its node is called now.
	 */
	const struct source_info *known;
};

struct source;

struct source_ops {
	const char *name;

	/* Whether this kind of source serves that entry of --device. */
	bool (*takes)(const char *device);

	/*
	 * Looks for the camera without streaming, fills in device, driver, card and
	 * bus. With options->known it opens nothing: it only says whether that
	 * camera's node is there. 0, or -1 and the fault.
	 */
	int (*probe)(const struct source_options *options, struct source_info *info,
		struct fault *fault);

	/* Opens and starts to stream. NULL and the fault. */
	struct source *(*open)(const struct source_options *options, struct fault *fault);

	/*
	 * The next picture, never waiting: 1 and the image, lent until the next call;
	 * 0 if none is ready; -1 and the fault: the source is of no more use, close it.
	 */
	int (*next)(struct source *source, struct image *image, struct fault *fault);

	/* Stops and closes. */
	void (*close)(struct source *source);
};

/* The part of every source that others may read; the first member of the source's own struct. */
struct source {
	const struct source_ops *ops;
	struct source_info info;
	int fd; /* poll() it for POLLIN and POLLPRI: next() may then have something to tell */
};

extern const struct source_ops source_v4l2, source_pattern, source_file;

/* The kind of source that serves an entry of --device; NULL: no such kind. */
const struct source_ops *source_for(const char *device);

#endif
