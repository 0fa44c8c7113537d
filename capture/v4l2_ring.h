/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_RING_H
#define CAPTURE_V4L2_RING_H

#include <linux/videodev2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault;

/*
 * v4l2_ring - the driver's buffers, and which of them is lent to the reader.
 *
 * Embedded in its owner; zero it (but for converts) to begin. Functions that
 * fail fill in the fault.
 */
struct v4l2_ring {
	int fd;
	const char *path; /* for faults; the owner's */
	bool converts;    /* libv4l2 converts each picture as it is taken out */
	bool streams;
	bool lends;
	unsigned lent; /* the index of the buffer that the reader has, if lends */
	unsigned mapped;
	struct {
		uint8_t *start;
		size_t length;
	} buffers[VIDEO_MAX_FRAME];
};

/* Has the buffers made, maps and queues them and switches the stream on. 0 or -1: stop it then,
 * too. */
int v4l2_ring_start(struct v4l2_ring *ring, int fd, const char *path, struct fault *fault);

/*
 * Takes back the buffer that was lent and lends the newest one that is ready,
 * without waiting: 1; 0 if none is; -1 and the fault. Where encoding is slower
 * than the camera, older ones would only add delay: they go back unread, but
 * never a damaged one, so that it can be counted. What libv4l2 converts comes in turn.
 */
int v4l2_ring_newest(struct v4l2_ring *ring, struct v4l2_buffer *newest, struct fault *fault);

/* The memory of a lent buffer, and how much there is. */
const uint8_t *v4l2_ring_bytes(const struct v4l2_ring *ring, unsigned index, size_t *room);

/* Switches the stream off and gives all buffers back. Fine after any failure. */
void v4l2_ring_stop(struct v4l2_ring *ring);

#endif
