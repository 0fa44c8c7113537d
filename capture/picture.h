/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_PICTURE_H
#define CAPTURE_PICTURE_H

#include "capture/clock.h"

#include <stdint.h>

struct encoder;
struct frame;
struct image;

/* Pictures that were not passed on, by reason; public as /state's "dropped". */
struct picture_drops {
	uint64_t flagged;   /* the driver said the buffer is damaged */
	uint64_t truncated; /* a JPEG without its end, or pixels short of the size */
	uint64_t not_jpeg;  /* no JPEG at all */
};

/*
 * picture_maker - turns what a source lends into a frame.
 *
 * JPEG is checked, trimmed and copied once; pixels are encoded straight from
 * the source's memory. Belongs to one thread.
 */
struct picture_maker {
	struct encoder *encoder;
	struct clock_map clock;
	uint64_t seq;
	int64_t last_wall_ns;
	struct picture_drops drops;
	uint64_t encoded;     /* pictures that had to be encoded … */
	int64_t encode_ns;    /* … and what that took in all */
	double encode_ms_now; /* the newest one */
};

/* 0, or -1 and errno. quality: JPEG, 1 to 100. */
int picture_init(struct picture_maker *maker, int quality);
void picture_finish(struct picture_maker *maker);

/*
 * The image as a frame with its number and both times, X-Timestamp strictly
 * increasing between steps of the wall clock. NULL if it was dropped (counted
 * in drops, errno EBADMSG) or could not be made (errno ENOMEM, ENOTSUP).
 */
struct frame *picture_make(struct picture_maker *maker, const struct image *image);

#endif
