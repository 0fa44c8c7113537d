/* SPDX-License-Identifier: MIT */
/*
 * codec - what a frame costs the encoder, beside what others do, and what tidying one costs.
 *
 * (a) conversion to RGB with vector code, then tjCompress2 (OpenCV's way);
 * (b) unpacking pixel by pixel, then jpeg_write_scanlines (the way of µStreamer and others).
 * All make 4:2:0 at quality 80 in one thread. Runs alternate; medians of CPU time.
 */
#include "capture/encoder.h"
#include "capture/jpeg_tidy.h"
#include "tests/bench/rgbway.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 31
#define TIDY_BATCH 100

enum { OURS, TURBO, PIXELS, WAYS };

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_value);
	return values[count / 2];
}

static double lattice(unsigned x, unsigned y, unsigned octave)
{
	uint32_t h = x * 374761393U + y * 668265263U + octave * 2246822519U;
	h = (h ^ h >> 13) * 1274126177U;
	return (double)((h ^ h >> 16) & 0xffff) / 65536;
}

/* Lattice noise with rounded steps, 0 to 1. */
static double smooth(double x, double y, unsigned octave)
{
	unsigned ix = (unsigned)x, iy = (unsigned)y;
	double fx = x - ix, fy = y - iy;
	fx *= fx * (3 - 2 * fx);
	fy *= fy * (3 - 2 * fy);
	double top = lattice(ix, iy, octave) * (1 - fx) + lattice(ix + 1, iy, octave) * fx;
	double low = lattice(ix, iy + 1, octave) * (1 - fx) + lattice(ix + 1, iy + 1, octave) * fx;
	return top * (1 - fy) + low * fy;
}

/* Seven octaves of half the size and strength each: the spectrum of a photograph. */
static double cloud(double x, double y, unsigned seed)
{
	double sum = 0, strength = 0.5;
	for (unsigned octave = 0; octave < 7; octave++, strength /= 2, x *= 2, y *= 2)
		sum += strength * smooth(x, y, seed + octave);
	return sum;
}

static uint8_t limited(double value, double range)
{
	double v = 16 + range * fmin(fmax(value, 0), 1);
	return (uint8_t)lrint(v);
}

/* Limited-range 4:2:2 planes of a landscape, with a sensor's noise. */
static void paint(uint8_t *y, uint8_t *u, uint8_t *v, unsigned width, unsigned height)
{
	for (unsigned j = 0; j < height; j++)
		for (unsigned i = 0; i < width; i++) {
			double at_x = 5.0 * i / height, at_y = 5.0 * j / height;
			double light = 2.2 * cloud(at_x, at_y, 1) - 0.6;
			double noise = (lattice(i, j, 99) - 0.5) * 0.03;
			size_t at = (size_t)width * j + i;
			y[at] = limited(light + noise, 219);
			if (i % 2)
				continue;
			u[at / 2] = limited(0.2 + 0.6 * cloud(at_x, at_y, 20), 224);
			v[at / 2] = limited(0.2 + 0.6 * cloud(at_x, at_y, 40), 224);
		}
}

/* The picture in a format; free(data). 4:2:0 takes every other line's chroma. */
static struct image make(uint32_t fourcc, unsigned width, unsigned height)
{
	size_t count = (size_t)width * height;
	bool packed = fourcc == FOURCC_YUYV || fourcc == FOURCC_UYVY;
	uint8_t *y = malloc(count), *u = malloc(count / 2), *v = malloc(count / 2);
	uint8_t *data = malloc(count * 2);
	struct image image = {.fourcc = fourcc,
		.data = data,
		.size = packed ? count * 2 : count * 3 / 2,
		.width = width,
		.height = height,
		.stride = packed ? width * 2 : width};
	struct planes planes = planes_of(&image);
	paint(y, u, v, width, height);
	for (size_t i = 0; i < count; i++)
		data[(size_t)(planes.y - data) + planes.y_step * i] = y[i];
	for (size_t j = 0; j < height; j += packed ? 1 : 2)
		for (size_t i = 0; i < width / 2; i++) {
			size_t at = planes.c_stride * (packed ? j : j / 2) + planes.c_step * i;
			data[(size_t)(planes.u - data) + at] = u[width / 2 * j + i];
			data[(size_t)(planes.v - data) + at] = v[width / 2 * j + i];
		}
	free(y);
	free(u);
	free(v);
	return image;
}

struct row {
	double ms[WAYS], db[WAYS];
};

static void measure(const struct image *image, struct encoder *encoder, struct row *row)
{
	struct rgbway *rgbway = rgbway_create(image->width, image->height, 80);
	double times[WAYS][ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_ms();
		struct frame *frame = encoder_encode(encoder, image);
		times[OURS][i] = now_ms() - begin;
		row->db[OURS] = i ? row->db[OURS] : rgbway_psnr(image, frame->data, frame->size);
		frame_unref(frame);
		begin = now_ms();
		rgbway_turbo(rgbway, image);
		times[TURBO][i] = now_ms() - begin;
		row->db[TURBO] =
			i ? row->db[TURBO] : rgbway_psnr(image, rgbway->jpeg, rgbway->size);
		begin = now_ms();
		rgbway_pixels(rgbway, image);
		times[PIXELS][i] = now_ms() - begin;
	}
	for (int way = 0; way < WAYS; way++)
		row->ms[way] = median(times[way], ROUNDS);
	rgbway_destroy(rgbway);
}

static const char *verdict(bool reached)
{
	return reached ? "yes" : "NO";
}

static void encode_table(struct encoder *encoder)
{
	static const uint32_t formats[] = {FOURCC_YUYV, FOURCC_UYVY, FOURCC_NV12, FOURCC_YU12};
	static const unsigned sizes[][2] = {{1280, 720}, {1920, 1080}};
	printf("\n| source | ours ms | (a) ms | (b) ms | ours/(a) | ours/(b) | ours dB | (a) dB | "
	       "<= 0.85 (a), <= 0.6 (b), >= (a) - 0.1 dB "
	       "|\n|---|---|---|---|---|---|---|---|---|\n");
	for (int s = 0; s < 2; s++)
		for (int f = 0; f < 4; f++) {
			struct image image = make(formats[f], sizes[s][0], sizes[s][1]);
			struct row row;
			measure(&image, encoder, &row);
			double a = row.ms[OURS] / row.ms[TURBO], b = row.ms[OURS] / row.ms[PIXELS];
			printf("| %.4s %up | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | "
			       "%s, %s, %s |\n",
				(char *)&image.fourcc, image.height, row.ms[OURS], row.ms[TURBO],
				row.ms[PIXELS], a, b, row.db[OURS], row.db[TURBO],
				verdict(a <= 0.85), verdict(b <= 0.6),
				verdict(row.db[OURS] >= row.db[TURBO] - 0.1));
			fflush(stdout);
			free((void *)image.data);
		}
}

static void tidy_row(struct encoder *encoder, unsigned width, unsigned height)
{
	struct image image = make(FOURCC_YUYV, width, height);
	struct frame *frame = encoder_encode(encoder, &image);
	uint8_t *copy = malloc(frame->size);
	double walks[ROUNDS], copies[ROUNDS];
	struct jpeg_tidy tidy;
	unsigned bad = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_ms();
		for (int k = 0; k < TIDY_BATCH; k++)
			bad += jpeg_tidy(frame->data, frame->size, &tidy) != JPEG_OK;
		walks[i] = (now_ms() - begin) * 1e3 / TIDY_BATCH;
		begin = now_ms();
		for (int k = 0; k < TIDY_BATCH; k++) {
			memcpy(copy, frame->data, frame->size);
			__asm__ volatile("" ::"r"(copy) : "memory"); /* it is wanted each time */
		}
		copies[i] = (now_ms() - begin) * 1e3 / TIDY_BATCH;
	}
	double walk = median(walks, ROUNDS), plain = median(copies, ROUNDS);
	printf("| %up, %zu KB | %.1f | %.1f | %.2f | %s |\n", height, frame->size / 1000, walk,
		plain, walk / plain, verdict(!bad && walk <= 2 * plain));
	free(copy);
	frame_unref(frame);
	free((void *)image.data);
}

int main(void)
{
	struct encoder *encoder = encoder_create(80);
	printf("\nEncoding, quality 80, one thread; (a) RGB and tjCompress2, (b) pixel by pixel "
	       "and "
	       "jpeg_write_scanlines\n");
	encode_table(encoder);
	printf("\nTidying a camera's JPEG\n\n| picture | walk us | memcpy us | ratio | <= 2 |\n"
	       "|---|---|---|---|---|\n");
	tidy_row(encoder, 1280, 720);
	tidy_row(encoder, 1920, 1080);
	encoder_destroy(encoder);
	return 0;
}
