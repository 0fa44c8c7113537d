/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_NEGOTIATE_H
#define CAPTURE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * negotiate - chooses what to ask of a camera from what it offers. Pure.
 *
 * First comes a format that the camera makes itself and that has colour, then
 * grey, then what libv4l converts. Within these: the nearest size, the rate
 * that is wanted, the least work (MJPG needs none; of raw formats the one
 * with the fewest bytes a pixel).
 */

/* Seconds a frame; 0/0: not known. */
struct interval {
	unsigned numerator, denominator;
};

/* One format in one size (or a range of sizes) at one rate (or a range of rates). */
struct offer {
	uint32_t fourcc;
	bool emulated; /* converted by libv4l from what the camera makes */
	unsigned min_width, max_width, step_width;
	unsigned min_height, max_height, step_height;
	struct interval shortest, longest;
};

struct wish {
	unsigned width, height;
	double fps;
	uint32_t fourcc; /* 0: choose the best */
};

struct choice {
	uint32_t fourcc;
	bool emulated;
	bool as_wished; /* the format */
	unsigned width, height;
	struct interval interval;
	char why[200]; /* for the log */
};

/* Whether we can make JPEG of it. */
bool negotiate_takes(uint32_t fourcc);

/* 0, or -1: none of the offers is of use. What is wished for but not offered: the nearest, and why
 * says so. */
int negotiate(
	const struct offer *offers, size_t size, const struct wish *wish, struct choice *choice);

/* The size within the offer's range and steps that is nearest to *width and *height. */
void negotiate_nearest(const struct offer *offer, unsigned *width, unsigned *height);

/* Frames a second; 0: not known. */
double interval_fps(struct interval interval);

/* "MJPG", without trailing blanks; what is not printable becomes '?'. */
void fourcc_name(uint32_t fourcc, char name[static 5]);

#endif
