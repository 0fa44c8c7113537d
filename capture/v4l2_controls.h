/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_CONTROLS_H
#define CAPTURE_V4L2_CONTROLS_H

#include "capture/controls.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * v4l2_controls - the controls of a V4L2 device node, by its path.
 *
 * Each call opens the node for itself, beside whoever streams from it: that
 * starts nothing and turns no light on. All of them wait for the driver, which
 * may take seconds.
 */

/* Whether a source_info's device is such a node; test patterns and files have no controls. */
bool v4l2_controls_has(const char *device);

/* 0 and what the device has, for controls_free(); or -1 and errno. */
int v4l2_controls_list(const char *path, struct controls *controls);

/* At most so many wishes at once. */
#define V4L2_CONTROLS_WISHES 128

enum v4l2_controls_outcome {
	V4L2_CONTROLS_SET,
	V4L2_CONTROLS_BAD,     /* a wish names no control or is no value for it; nothing was set */
	V4L2_CONTROLS_REFUSED, /* by the driver; those that were set before it are put back */
	V4L2_CONTROLS_GONE,    /* the node cannot be opened, or goes away meanwhile: errno */
};

/*
 * Checks all wishes, then sets them one by one, what governs others first.
 * Unless GONE, *controls is what the device says afterwards, for
 * controls_free(). BAD and REFUSED come with one line in error.
 */
enum v4l2_controls_outcome v4l2_controls_set(const char *path, const struct control_wish *wishes,
	size_t count, struct controls *controls, char *error, size_t size);

/*
 * Sets what can be set of it, for a device that was just opened: what is
 * unknown, bad, refused or a button gets one line in the log, and what an
 * automatic has got is left to it.
 */
void v4l2_controls_reapply(const char *path, const struct control_wish *wishes, size_t count);

#endif
