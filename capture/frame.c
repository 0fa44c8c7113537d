/* SPDX-License-Identifier: MIT */
#include "capture/frame.h"

#include <stdlib.h>

struct frame *frame_create(size_t capacity)
{
	struct frame *frame = malloc(sizeof(*frame) + capacity);

	if (frame) {
		*frame = (struct frame){0};
		atomic_init(&frame->refs, 1);
	}
	return frame;
}

struct frame *frame_ref(struct frame *frame)
{
	atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
	return frame;
}

void frame_unref(struct frame *frame)
{
	if (frame && atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) == 1)
		free(frame);
}
