/* SPDX-License-Identifier: MIT */
#include "tests/bench/rgbway.h"

#include <math.h>
#include <stdlib.h>

struct planes planes_of(const struct image *image)
{
	const uint8_t *data = image->data, *c = data + (size_t)image->stride * image->height;
	size_t stride = image->stride, quarter = stride / 2 * (image->height / 2);
	switch (image->fourcc) {
	case FOURCC_YUYV:
		return (struct planes){data, data + 1, data + 3, 2, 4, stride, stride, 0};
	case FOURCC_UYVY:
		return (struct planes){data + 1, data, data + 2, 2, 4, stride, stride, 0};
	case FOURCC_NV12:
		return (struct planes){data, c, c + 1, 1, 2, stride, stride, 1};
	default:
		return (struct planes){data, c, c + quarter, 1, 1, stride, stride / 2, 1};
	}
}

struct rgbway *rgbway_create(unsigned width, unsigned height, int quality)
{
	struct rgbway *way = calloc(1, sizeof *way);
	way->turbo = tjInitCompress();
	way->capacity = tjBufSize((int)width, (int)height, TJSAMP_420);
	way->jpeg = tjAlloc((int)way->capacity);
	way->pixels = malloc((size_t)width * height * 4);
	way->line = malloc((size_t)width * 3);
	way->quality = quality;
	way->jpeg_struct.err = jpeg_std_error(&way->errors);
	jpeg_create_compress(&way->jpeg_struct);
	return way;
}

void rgbway_destroy(struct rgbway *way)
{
	jpeg_destroy_compress(&way->jpeg_struct);
	tjDestroy(way->turbo);
	tjFree(way->jpeg);
	free(way->pixels);
	free(way->line);
	free(way);
}

static inline int16_t clip(int16_t value)
{
	int16_t at_least = value < 0 ? 0 : value;
	return at_least > 255 ? 255 : at_least;
}

/* 16-bit arithmetic as in OpenCV's and libyuv's vector code: limited range, BT.601. */
static inline uint32_t pack(uint8_t y, int16_t b_part, int16_t g_part, int16_t r_part)
{
	int16_t above = y - 16, light = (int16_t)(above + ((int16_t)(above * 42 + 128) >> 8));
	uint32_t b = (uint8_t)clip((int16_t)(light + b_part));
	uint32_t g = (uint8_t)clip((int16_t)(light - g_part));
	uint32_t r = (uint8_t)clip((int16_t)(light + r_part));
	return b | g << 8 | r << 16;
}

/* The steps are constants where this is inlined, so that it becomes vector code. */
static inline __attribute__((always_inline)) void to_pixels(uint32_t *restrict out,
	const uint8_t *restrict y, const uint8_t *restrict u, const uint8_t *restrict v,
	size_t pairs, size_t y_step, size_t c_step)
{
	for (size_t i = 0; i < pairs; i++) {
		int16_t cu = u[c_step * i] - 128, cv = v[c_step * i] - 128;
		int16_t b_part = (int16_t)(2 * cu + ((int16_t)(cu * 4 + 128) >> 8));
		int16_t g_part =
			(int16_t)(((int16_t)(cu * 50 + 64) >> 7) + ((int16_t)(cv * 104 + 64) >> 7));
		int16_t r_part = (int16_t)(cv + ((int16_t)(cv * 153 + 128) >> 8));
		out[2 * i] = pack(y[2 * y_step * i], b_part, g_part, r_part);
		out[2 * i + 1] = pack(y[2 * y_step * i + y_step], b_part, g_part, r_part);
	}
}

void rgbway_turbo(struct rgbway *way, const struct image *image)
{
	struct planes p = planes_of(image);
	uint32_t *out = (uint32_t *)(void *)way->pixels;
	size_t pairs = image->width / 2;
	for (unsigned line = 0; line < image->height; line++, out += image->width) {
		const uint8_t *y = p.y + p.y_stride * line;
		size_t c = p.c_stride * (line >> p.c_shift);
		if (p.y_step == 2)
			to_pixels(out, y, p.u + c, p.v + c, pairs, 2, 4);
		else if (p.c_step == 2)
			to_pixels(out, y, p.u + c, p.v + c, pairs, 1, 2);
		else
			to_pixels(out, y, p.u + c, p.v + c, pairs, 1, 1);
	}
	way->size = way->capacity;
	tjCompress2(way->turbo, way->pixels, (int)image->width, 0, (int)image->height, TJPF_BGRX,
		&way->jpeg, &way->size, TJSAMP_420, way->quality, TJFLAG_NOREALLOC);
}

static uint8_t clip_int(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void unpack_line(
	const struct planes *p, unsigned line, unsigned width, uint8_t *restrict out)
{
	const uint8_t *y = p->y + p->y_stride * line;
	const uint8_t *cu = p->u + p->c_stride * (line >> p->c_shift);
	const uint8_t *cv = p->v + p->c_stride * (line >> p->c_shift);
	size_t y_step = p->y_step, c_step = p->c_step;
	for (unsigned x = 0; x < width; x++) {
		int light = *y << 8, u = *cu - 128, v = *cv - 128;
		*out++ = clip_int((light + 359 * v) >> 8);
		*out++ = clip_int((light - 88 * u - 183 * v) >> 8);
		*out++ = clip_int((light + 454 * u) >> 8);
		y += y_step;
		cu += x % 2 ? c_step : 0;
		cv += x % 2 ? c_step : 0;
	}
}

void rgbway_pixels(struct rgbway *way, const struct image *image)
{
	struct jpeg_compress_struct *jpeg = &way->jpeg_struct;
	struct planes planes = planes_of(image);
	way->size = way->capacity;
	jpeg_mem_dest(jpeg, &way->jpeg, &way->size);
	jpeg->image_width = image->width;
	jpeg->image_height = image->height;
	jpeg->input_components = 3;
	jpeg->in_color_space = JCS_RGB;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, way->quality, TRUE);
	jpeg_start_compress(jpeg, TRUE);
	for (unsigned line = 0; line < image->height; line++) {
		unpack_line(&planes, line, image->width, way->line);
		jpeg_write_scanlines(jpeg, &way->line, 1);
	}
	jpeg_finish_compress(jpeg);
}

static void exact_pixel(const struct planes *p, unsigned x, unsigned line, uint8_t rgb[3])
{
	size_t c = p->c_stride * (line >> p->c_shift) + p->c_step * (x / 2);
	double y = (p->y[p->y_stride * line + p->y_step * x] - 16) * 255.0 / 219;
	double u = (p->u[c] - 128) * 255.0 / 224, v = (p->v[c] - 128) * 255.0 / 224;
	rgb[0] = clip_int((int)lrint(y + 1.402 * v));
	rgb[1] = clip_int((int)lrint(y - 0.344136 * u - 0.714136 * v));
	rgb[2] = clip_int((int)lrint(y + 1.772 * u));
}

double rgbway_psnr(const struct image *image, const uint8_t *jpeg, size_t size)
{
	struct planes planes = planes_of(image);
	size_t count = (size_t)image->width * image->height * 3;
	uint8_t *pixels = malloc(count), rgb[3];
	tjhandle turbo = tjInitDecompress();
	double sum = 0;
	tjDecompress2(turbo, jpeg, size, pixels, (int)image->width, 0, (int)image->height, TJPF_RGB,
		TJFLAG_ACCURATEDCT);
	for (size_t i = 0; i < count; i++) {
		size_t pixel = i / 3;
		if (i % 3 == 0)
			exact_pixel(&planes, (unsigned)(pixel % image->width),
				(unsigned)(pixel / image->width), rgb);
		sum += (rgb[i % 3] - pixels[i]) * (rgb[i % 3] - pixels[i]);
	}
	free(pixels);
	tjDestroy(turbo);
	return 10 * log10(255.0 * 255.0 * (double)count / sum);
}
