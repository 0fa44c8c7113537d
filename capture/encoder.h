/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_ENCODER_H
#define CAPTURE_ENCODER_H

/*
 * encoder - makes JPEG frames of raw pictures.
 *
 * The only user of libjpeg's compressor. YUV becomes 4:2:0 without a detour through RGB:
 * rows go straight from the source's buffer to the DCT, 16 at a time. JFIF wants full-range
 * BT.601, so limited range is expanded and other matrices are converted on the way.
 * RGB becomes 4:2:0, GREY a grey JPEG; both are expanded too if they are limited.
 * One encoder belongs to one thread. In the steady state an encode allocates the frame and
 * libjpeg's small per-picture pool, nothing else.
 */
#include <stdbool.h>
#include <stdint.h>

#include "capture/frame.h"
#include "capture/image.h"

struct encoder;

/* quality is 1 to 100 and is clamped to that. NULL with ENOMEM. */
struct encoder *encoder_create(int quality);
void encoder_destroy(struct encoder *encoder);

/* The raw formats of image.h: all but MJPG and JPEG. */
bool encoder_takes(uint32_t fourcc);

/*
 * A new frame with size, width, height and data set; number and times are the caller's to
 * fill in. Chroma of an odd width or height is rounded up: such lines must be there in full.
 * NULL with EINVAL: a size of 0 or over 65500, a stride shorter than a line, or fewer bytes
 * than the picture needs; ENOTSUP: a format it does not take; ENOMEM.
 */
struct frame *encoder_encode(struct encoder *encoder, const struct image *image);

#endif
