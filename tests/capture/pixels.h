/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_PIXELS_H
#define TESTS_CAPTURE_PIXELS_H

/* One smooth picture of many colours in every raw format, by the textbook's formulas. */
#include "capture/image.h"

#include <math.h>
#include <stdlib.h>

struct matrix {
	double kr, kb;
};

static const struct matrix matrices[] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};

/* R'G'B' in 0..1 at a place of a picture of this size. Small ones show a corner: still smooth. */
static inline void colour_at(double rgb[3], const struct image *image, double x, double y)
{
	double across = x / fmax(image->width, 64), down = y / fmax(image->height, 64);

	double grain = 0.03 * (((int)x + 2 * (int)y) % 4); /* luma alone: no pixel like the next */

	rgb[0] = 0.1 + 0.7 * across + grain;
	rgb[1] = 0.8 - 0.7 * down + grain;
	rgb[2] = 0.2 + 0.6 * across * down + grain;
}

static inline uint8_t to_byte(double value)
{
	return (uint8_t)(value < 0 ? 0 : value > 254.5 ? 255 : value + 0.5);
}

/* Y, Cb or Cr (plane 0, 1, 2) of a colour. */
static inline uint8_t yuv_of(const double rgb[3], int plane, const struct matrix *m, bool full)
{
	double y = m->kr * rgb[0] + (1 - m->kr - m->kb) * rgb[1] + m->kb * rgb[2];
	double c = plane == 1 ? (rgb[2] - y) / (2 - 2 * m->kb) : (rgb[0] - y) / (2 - 2 * m->kr);

	if (plane == 0)
		return to_byte(full ? 255 * y : 16 + 219 * y);
	return to_byte(128 + (full ? 255 : 224) * c);
}

static inline uint8_t sample_at(const struct image *image, int plane, double x, double y)
{
	double rgb[3];

	colour_at(rgb, image, x, y);
	if (image->fourcc == FOURCC_RGB3 || image->fourcc == FOURCC_BGR3)
		return to_byte(image->full_range ? 255 * rgb[plane] : 16 + 219 * rgb[plane]);
	return yuv_of(rgb, plane, &matrices[image->matrix], image->full_range);
}

/* Byte i of a line of plane 0 of the packed formats. */
static inline uint8_t packed_byte(const struct image *image, unsigned i, unsigned y)
{
	unsigned uyvy = image->fourcc == FOURCC_UYVY;

	switch (image->fourcc) {
	case FOURCC_YUYV:
	case FOURCC_UYVY:
		if (i % 2 == uyvy)
			return sample_at(image, 0, i / 2, y);
		return sample_at(image, i % 4 < 2 ? 1 : 2, i / 4 * 2 + 0.5, y);
	case FOURCC_RGB3:
		return sample_at(image, i % 3, i / 3, y);
	case FOURCC_BGR3:
		return sample_at(image, 2 - i % 3, i / 3, y);
	default:
		return sample_at(image, 0, i, y);
	}
}

static inline void fill_chroma(const struct image *image, uint8_t *data)
{
	unsigned columns = (image->width + 1) / 2, lines = (image->height + 1) / 2;
	size_t stride = image->stride, luma = stride * image->height;

	for (unsigned y = 0; y < lines; y++)
		for (unsigned i = 0; i < 2 * columns; i++) {
			unsigned v = image->fourcc == FOURCC_NV12 ? i % 2 : i / columns;
			unsigned x = image->fourcc == FOURCC_NV12 ? i / 2 : i % columns;
			size_t at = image->fourcc == FOURCC_NV12 ? stride * y + i
								 : stride / 2 * (v * lines + y) + x;
			data[luma + at] = sample_at(image, 1 + (int)v, 2 * x + 0.5, 2 * y + 0.5);
		}
}

/* Bytes of a line without padding, and of the whole picture, whose last line has none. */
static inline void measure(struct image *image, unsigned padding)
{
	unsigned columns = (image->width + 1) / 2;
	size_t chroma = (image->height + 1) / 2, line = image->width;

	if (image->fourcc == FOURCC_YUYV || image->fourcc == FOURCC_UYVY)
		line = 4 * columns;
	else if (image->fourcc == FOURCC_NV12 || image->fourcc == FOURCC_YU12)
		line = 2 * columns;
	else if (image->fourcc != FOURCC_GREY)
		line = 3 * image->width;
	image->stride = (unsigned)line + padding;
	image->size = (size_t)image->stride * (image->height - 1) + line;
	if (image->fourcc == FOURCC_NV12)
		image->size += image->stride * chroma;
	else if (image->fourcc == FOURCC_YU12)
		image->size = image->stride * (image->height + chroma) - padding / 2;
}

/* Fills in the rest of an image whose fourcc, size, range and matrix are set; free(data). */
static inline uint8_t *make_picture(struct image *image, unsigned padding)
{
	bool planar = image->fourcc == FOURCC_NV12 || image->fourcc == FOURCC_YU12;

	measure(image, padding);
	uint8_t *data = calloc(1, image->size);
	for (unsigned y = 0; y < image->height; y++) {
		unsigned bytes = planar ? image->width : image->stride - padding;
		for (unsigned i = 0; i < bytes; i++)
			data[(size_t)image->stride * y + i] = packed_byte(image, i, y);
	}
	if (planar)
		fill_chroma(image, data);
	image->data = data;
	return data;
}

#endif
