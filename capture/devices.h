/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DEVICES_H
#define CAPTURE_DEVICES_H

#include "capture/device.h"
#include "capture/source.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * devices - which cameras there are, and which of them an entry of --device means.
 *
 * None is ever made to stream, so no light goes on.
 */

/* All video nodes in dev_dir, by number. NULL if there is none; the caller's to free. */
struct device *devices_scan(const char *dev_dir, size_t *size);

/* The one that `auto` takes: USB before others, then by kind, then by number. Or NULL. */
const struct device *devices_choose(const struct device *devices, size_t size);

/* Whether found is the camera that was opened as known: same place or serial, never another one. */
bool devices_same_camera(const struct source_info *known, const struct device *found);

/*
 * Finds the camera that options->device means: "auto", N (/dev/videoN) or a
 * path; with options->known only that camera, wherever it is now. 0 and device, driver,
 * card, bus and serial in info, or -1 and the fault.
 */
int devices_find(
	const struct source_options *options, struct source_info *info, struct fault *fault);

/* Whether the node of options->known is there, without opening any. As above. */
int devices_present(
	const struct source_options *options, struct source_info *info, struct fault *fault);

#endif
