/* SPDX-License-Identifier: MIT */
#include "capture/rows.h"

#include <errno.h>
#include <string.h>

#define MAX_DIMENSION 65500 /* JPEG_MAX_DIMENSION of libjpeg */

static size_t half_up(unsigned n)
{
	return n / 2 + n % 2;
}

bool rows_is_yuv(uint32_t fourcc)
{
	return fourcc == FOURCC_YUYV || fourcc == FOURCC_UYVY || fourcc == FOURCC_NV12 ||
	       fourcc == FOURCC_YU12;
}

size_t rows_padded(unsigned width)
{
	return ((size_t)width + 15) / 16 * 16;
}

/* Bytes that the widest line of any plane needs, given in bytes of plane 0; 0 = unknown format. */
static size_t line_bytes(const struct image *image)
{
	switch (image->fourcc) {
	case FOURCC_YUYV:
	case FOURCC_UYVY:
		return half_up(image->width) * 4;
	case FOURCC_NV12:
	case FOURCC_YU12:
		return half_up(image->width) * 2;
	case FOURCC_GREY:
		return image->width;
	case FOURCC_RGB3:
	case FOURCC_BGR3:
		return (size_t)image->width * 3;
	default:
		return 0;
	}
}

/* Up to the last byte that is read: drivers may leave out the padding of the last line. */
static uint64_t picture_bytes(const struct image *image, size_t line)
{
	uint64_t stride = image->stride, height = image->height, chroma = half_up(image->height);
	if (image->fourcc == FOURCC_NV12)
		return stride * (height + chroma - 1) + line;
	if (image->fourcc == FOURCC_YU12)
		return stride * height + stride / 2 * (2 * chroma - 1) + line / 2;
	return stride * (height - 1) + line;
}

int rows_check(const struct image *image)
{
	size_t line = line_bytes(image);
	if (!line && image->width)
		return ENOTSUP;
	if (!image->width || !image->height || image->width > MAX_DIMENSION ||
		image->height > MAX_DIMENSION || image->stride < line)
		return EINVAL;
	return image->size < picture_bytes(image, line) ? EINVAL : 0;
}

static uint8_t clamp(int16_t value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/*
 * Ranges are expanded as sample + sample's distance * (factor - 1), which stays within 16 bits
 * and so twice as many samples fit a vector: 255/219 is 1 + 42.1/256, 255/224 is 1 + 70.9/512.
 * At most 0.1 beside the exact value before it is rounded.
 */
void rows_expand(uint8_t *dst, const uint8_t *src, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int16_t grown = (int16_t)((int16_t)(src[i] - 16) * 42 + 128) >> 8;
		dst[i] = clamp((int16_t)(src[i] - 16 + grown));
	}
}

static void expand_chroma(uint8_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int16_t grown = (int16_t)((int16_t)(samples[i] - 128) * 71 + 256) >> 9;
		samples[i] = clamp((int16_t)(samples[i] + grown));
	}
}

static void every_second(uint8_t *restrict dst, const uint8_t *restrict src, size_t count)
{
	for (size_t i = 0; i < count; i++)
		dst[i] = src[2 * i];
}

/* The mean of two lines' chroma, of which each holds a sample every four bytes. */
static void mean_of_lines(uint8_t *restrict u, uint8_t *restrict v, const uint8_t *restrict a,
	const uint8_t *restrict b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		u[i] = (uint8_t)((a[4 * i] + b[4 * i] + 1) >> 1);
		v[i] = (uint8_t)((a[4 * i + 2] + b[4 * i + 2] + 1) >> 1);
	}
}

static void convert_packed(const struct image *image, const uint8_t *const lines[2], size_t chroma,
	const struct row_pair *out)
{
	size_t y_at = image->fourcc == FOURCC_UYVY, c_at = 1 - y_at;
	for (int i = 0; i < 2; i++)
		every_second(out->y[i], lines[i] + y_at, 2 * chroma);
	mean_of_lines(out->u, out->v, lines[0] + c_at, lines[1] + c_at, chroma);
}

static void convert_planar(const struct image *image, unsigned line, const uint8_t *const lines[2],
	size_t chroma, const struct row_pair *out)
{
	size_t stride = image->stride;
	const uint8_t *c = image->data + stride * image->height;
	for (int i = 0; i < 2; i++)
		memcpy(out->y[i], lines[i], image->width);
	if (image->fourcc == FOURCC_NV12) {
		every_second(out->u, c + stride * (line / 2), chroma);
		every_second(out->v, c + stride * (line / 2) + 1, chroma);
		return;
	}
	memcpy(out->u, c + stride / 2 * (line / 2), chroma);
	memcpy(out->v, c + stride / 2 * (half_up(image->height) + line / 2), chroma);
}

static void pad(uint8_t *row, size_t count, size_t padded)
{
	memset(row + count, row[count - 1], padded - count);
}

void rows_convert(const struct image *image, unsigned line, const struct row_pair *out)
{
	size_t chroma = half_up(image->width), padded = rows_padded(image->width);
	const uint8_t *first = image->data + (size_t)image->stride * line;
	const uint8_t *lines[2] = {first, line + 1 < image->height ? first + image->stride : first};
	if (image->fourcc == FOURCC_YUYV || image->fourcc == FOURCC_UYVY)
		convert_packed(image, lines, chroma, out);
	else
		convert_planar(image, line, lines, chroma, out);
	for (int i = 0; i < 2; i++)
		pad(out->y[i], image->width, padded);
	pad(out->u, chroma, padded / 2);
	pad(out->v, chroma, padded / 2);
	if (image->full_range)
		return;
	for (int i = 0; i < 2; i++)
		rows_expand(out->y[i], out->y[i], padded);
	expand_chroma(out->u, padded / 2);
	expand_chroma(out->v, padded / 2);
}
