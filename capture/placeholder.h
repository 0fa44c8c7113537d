/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_PLACEHOLDER_H
#define CAPTURE_PLACEHOLDER_H

/*
 * placeholder - the picture that says why there is no picture.
 */
#include "capture/frame.h"

/*
 * A calm dark JPEG with a title for the state (a word of X-Camera-State; an unknown one is
 * shown as it is) and the reason, wrapped, below it. reason may be NULL. Legible from
 * 160x120 on; smaller pictures show what fits. The frame's number and times are 0.
 * NULL with EINVAL (a size of 0 or over 65500) or ENOMEM.
 */
struct frame *placeholder_render(
	unsigned width, unsigned height, const char *state, const char *reason);

#endif
