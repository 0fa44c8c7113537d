/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_FRAME_H
#define CAPTURE_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * frame - one JPEG picture, counted by reference.
 *
 * Whoever makes a frame fills it while it holds the only reference. From
 * hub_publish() on it is immutable and may be read by any thread that holds
 * a reference; the last frame_unref() frees it.
 */
struct frame {
	atomic_uint refs;
	uint64_t seq; /* the camera's count of published pictures, from 1; 0: a placeholder */
	int64_t captured_ns; /* start of the capture, CLOCK_MONOTONIC */
	int64_t wall_ns;     /* the same moment, CLOCK_REALTIME */
	int64_t stream_ns;   /* when the device delivered the first picture since it was opened,
				CLOCK_MONOTONIC: a snapshot waits for --warmup after it */
	unsigned width, height;
	size_t size;
	uint8_t data[]; /* FF D8 … FF D9 */
};

/* A frame with room for capacity bytes, size 0 and one reference. NULL and ENOMEM if there is none.
 */
struct frame *frame_create(size_t capacity);

/* Returns frame, with one reference more. */
struct frame *frame_ref(struct frame *frame);

/* NULL is fine. */
void frame_unref(struct frame *frame);

#endif
