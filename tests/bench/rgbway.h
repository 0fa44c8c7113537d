/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_RGBWAY_H
#define TESTS_BENCH_RGBWAY_H

/*
 * rgbway - the usual ways to a JPEG, by way of RGB, for comparison.
 */
#include "capture/image.h"

#include <stdio.h>

#include <jpeglib.h>
#include <turbojpeg.h>

/* Where the samples of a YUV picture lie. */
struct planes {
	const uint8_t *y, *u, *v;
	size_t y_step, c_step, y_stride, c_stride;
	unsigned c_shift; /* line of chroma = line >> c_shift */
};

struct planes planes_of(const struct image *image);

struct rgbway {
	tjhandle turbo;
	struct jpeg_compress_struct jpeg_struct;
	struct jpeg_error_mgr errors;
	uint8_t *pixels, *line;
	unsigned char *jpeg; /* what was made last */
	unsigned long size, capacity;
	int quality;
};

struct rgbway *rgbway_create(unsigned width, unsigned height, int quality);
void rgbway_destroy(struct rgbway *way);

/* (a): the whole picture to 32-bit pixels in vector code, then tjCompress2. */
void rgbway_turbo(struct rgbway *way, const struct image *image);

/* (b): each line unpacked pixel by pixel, then jpeg_write_scanlines. */
void rgbway_pixels(struct rgbway *way, const struct image *image);

/* dB between a JPEG and the picture it was made of, as R'G'B'. */
double rgbway_psnr(const struct image *image, const uint8_t *jpeg, size_t size);

#endif
