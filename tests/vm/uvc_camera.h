/* SPDX-License-Identifier: MIT */
#ifndef TESTS_VM_UVC_CAMERA_H
#define TESTS_VM_UVC_CAMERA_H

#include "tests/vm/uvc_clip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * uvc_camera - what a USB Video Class 1.0 camera answers and sends, without the wire.
 *
 * High speed, one isochronous MJPEG stream, one frame size per clip, brightness
 * and contrast. All its fields may be changed at any time.
 */
#define UVC_CLIPS_MAX 16
#define UVC_PACKET 1024
#define UVC_REPLY_MAX 1024
#define UVC_PROBE_SIZE 26

struct uvc_camera {
	const char *name;
	unsigned fps;
	struct uvc_clip clips[UVC_CLIPS_MAX];
	unsigned clip_count;

	/* How many of the next frames (stall: requests) are to be spoilt. */
	unsigned errors, truncations, garbage, empties, stalls;
	bool paused;

	uint8_t descriptors[UVC_REPLY_MAX]; /* the configuration */
	size_t descriptors_size;
	uint8_t probe[UVC_PROBE_SIZE];
	int16_t controls[2]; /* brightness, contrast */

	unsigned clip, position; /* the next frame */
	bool streaming;
	double due;     /* when, seconds of CLOCK_MONOTONIC */
	uint8_t *frame; /* the one that is being sent, if sending */
	size_t size, sent;
	bool sending, flagged, frame_id;
};

/* With name, fps and clips set; the rest zero. */
void uvc_camera_init(struct uvc_camera *camera);

/*
 * Answers a request on endpoint 0: setup are its eight bytes, out its data if
 * any. The reply's size, or -EPIPE for a stall.
 */
int uvc_camera_request(struct uvc_camera *camera, const uint8_t setup[8], const uint8_t *out,
	uint8_t reply[UVC_REPLY_MAX]);

/* Whether there is something to send now. */
bool uvc_camera_ready(struct uvc_camera *camera, double now);

/* The next isochronous packet, of at most room bytes; 0: the frame is through. */
size_t uvc_camera_packet(struct uvc_camera *camera, uint8_t *packet, size_t room);

#endif
