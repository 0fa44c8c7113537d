/* SPDX-License-Identifier: MIT */
#ifndef TESTS_VM_UVC_CLIP_H
#define TESTS_VM_UVC_CLIP_H

#include <stddef.h>
#include <stdint.h>

/* uvc_clip - an MJPEG file: JPEGs of one size, one after the other. */
struct uvc_clip {
	uint8_t *data;
	struct {
		size_t offset, size;
	} * frames;
	unsigned count, width, height;
	size_t largest;
};

/* 0, or -1 and errno; EINVAL: there is no JPEG in it. The clip lives as long as the program. */
int uvc_clip_load(struct uvc_clip *clip, const char *path);

#endif
