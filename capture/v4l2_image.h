/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_IMAGE_H
#define CAPTURE_V4L2_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct image;
struct v4l2_buffer;
struct v4l2_pix_format;

/*
 * v4l2_image - what a V4L2 format and a buffer tell of the image in it. Pure.
 *
 * Drivers are not trusted: a buffer that claims more bytes than it has room
 * for is cut to that and flagged.
 */

/* Everything but the bytes and the time. */
void v4l2_image_format(struct image *image, const struct v4l2_pix_format *format);

/* The bytes (start, room) and the flag. */
void v4l2_image_bytes(
	struct image *image, const struct v4l2_buffer *buffer, const uint8_t *start, size_t room);

/*
 * When the capture began. The driver stamps the start or the end of it with
 * CLOCK_MONOTONIC; other clocks, and stamps that are not within the last ten
 * seconds, count as "now, at its end". interval_ns 0: not known.
 */
int64_t v4l2_image_captured_ns(
	const struct v4l2_buffer *buffer, int64_t interval_ns, int64_t now_ns);

#endif
