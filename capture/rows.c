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

static uint8_t clamp(uint8_t value, uint8_t low, uint8_t high)
{
	uint8_t at_least = value < low ? low : value;
	return at_least > high ? high : at_least;
}

/*
 * Ranges are expanded by adding the sample's distance times (factor - 1): all of it fits 16 bits
 * and so the vectors of any machine hold twice as many samples. 255/219 is 1 + 42.1/256 and
 * 255/224 is 1 + 70.9/512: at most 0.1 beside the exact value before it is rounded.
 */
void rows_expand(uint8_t *dst, const uint8_t *src, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int16_t above_black = clamp(src[i], 16, 235) - 16;
		dst[i] = (uint8_t)(above_black + ((int16_t)(above_black * 42 + 128) >> 8));
	}
}

static void expand_chroma(uint8_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int16_t centred = clamp(samples[i], 16, 240) - 128;
		samples[i] = (uint8_t)(128 + centred + ((int16_t)(centred * 71 + 239) >> 9));
	}
}

/* What a sample gains by each chroma on its way to BT.601, in 1/512: y, u and v from u and v. */
struct gain {
	int16_t yu, yv, uu, uv, vu, vv;
};

static const struct gain gains[] = {
	[IMAGE_BT709] = {52, 100, -5, -57, -37, -9},
	[IMAGE_BT2020] = {60, 54, -2, -30, -43, -12},
};

static uint8_t add(uint8_t value, int u_part, int v_part)
{
	int16_t sum = (int16_t)(value + ((int16_t)(u_part + v_part + 256) >> 9));
	int16_t at_least = sum < 0 ? 0 : sum;
	return (uint8_t)(at_least > 255 ? 255 : at_least);
}

/* Chroma is not interpolated: a luma sample takes that of its 2x2 pixels. */
static void luma_to_bt601(uint8_t *restrict y, const uint8_t *restrict u, const uint8_t *restrict v,
	size_t count, const struct gain *gain)
{
	int16_t yu = gain->yu, yv = gain->yv;
	for (size_t i = 0; i < count; i++) {
		int u_part = yu * (u[i] - 128), v_part = yv * (v[i] - 128);
		y[2 * i] = add(y[2 * i], u_part, v_part);
		y[2 * i + 1] = add(y[2 * i + 1], u_part, v_part);
	}
}

static void chroma_to_bt601(
	uint8_t *restrict u, uint8_t *restrict v, size_t count, const struct gain *gain)
{
	int16_t uu = gain->uu, uv = gain->uv, vu = gain->vu, vv = gain->vv;
	for (size_t i = 0; i < count; i++) {
		int16_t cu = u[i] - 128, cv = v[i] - 128;
		u[i] = add(u[i], uu * cu, uv * cv);
		v[i] = add(v[i], vu * cu, vv * cv);
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

static void correct(const struct image *image, size_t padded, const struct row_pair *out)
{
	for (int i = 0; i < 2 && !image->full_range; i++)
		rows_expand(out->y[i], out->y[i], padded);
	if (!image->full_range) {
		expand_chroma(out->u, padded / 2);
		expand_chroma(out->v, padded / 2);
	}
	if (image->matrix == IMAGE_BT601)
		return;
	const struct gain *gain = &gains[image->matrix];
	for (int i = 0; i < 2; i++)
		luma_to_bt601(out->y[i], out->u, out->v, padded / 2, gain);
	chroma_to_bt601(out->u, out->v, padded / 2, gain);
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
	correct(image, padded, out);
}
