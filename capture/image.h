/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_IMAGE_H
#define CAPTURE_IMAGE_H

/*
 * image - what a source lends: one picture, pixels or JPEG, as it lies in memory.
 *
 * Plain data. The bytes are borrowed from the source until its next call; who
 * wants to keep the picture encodes or tidies it into a frame first.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same numbers as V4L2_PIX_FMT_*, without its headers. */
#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define FOURCC_MJPG FOURCC('M', 'J', 'P', 'G')
#define FOURCC_JPEG FOURCC('J', 'P', 'E', 'G')
#define FOURCC_YUYV FOURCC('Y', 'U', 'Y', 'V')
#define FOURCC_UYVY FOURCC('U', 'Y', 'V', 'Y')
#define FOURCC_NV12 FOURCC('N', 'V', '1', '2')
#define FOURCC_YU12 FOURCC('Y', 'U', '1', '2')
#define FOURCC_GREY FOURCC('G', 'R', 'E', 'Y')
#define FOURCC_RGB3 FOURCC('R', 'G', 'B', '3')
#define FOURCC_BGR3 FOURCC('B', 'G', 'R', '3')

/* How Y, Cb and Cr were made from R'G'B' (ITU-R BT.601, BT.709, BT.2020 constant matrices). */
enum image_matrix { IMAGE_BT601, IMAGE_BT709, IMAGE_BT2020 };

struct image {
	uint32_t fourcc;
	const uint8_t *data;
	size_t size; /* bytes that are really there */
	unsigned width, height;
	unsigned stride;          /* bytes of one line of plane 0; raw formats only */
	bool full_range;          /* black is 0 and white 255, not 16 and 235 */
	enum image_matrix matrix; /* of YUV formats; ignored for the others */
	int64_t captured_ns;      /* start of capture, CLOCK_MONOTONIC */
	bool flagged;             /* the driver says the buffer is damaged */
};

#endif
