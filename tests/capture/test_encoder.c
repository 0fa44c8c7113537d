/* SPDX-License-Identifier: MIT */
#include "capture/encoder.h"

#include "tests/capture/decode.h"
#include "tests/capture/pixels.h"
#include "tests/capture/support.h"

#include <errno.h>

static const uint32_t formats[] = {
	FOURCC_YUYV, FOURCC_UYVY, FOURCC_NV12, FOURCC_YU12, FOURCC_GREY, FOURCC_RGB3, FOURCC_BGR3};
#define FORMATS (sizeof(formats) / sizeof(*formats))

/* This program is its own allocator of frames: it counts them and can refuse one. */
static unsigned frames_made, refuse_at;

struct frame *frame_create(size_t capacity)
{
	if (++frames_made == refuse_at) {
		errno = ENOMEM;
		return NULL;
	}
	struct frame *frame = malloc(sizeof(*frame) + capacity);
	*frame = (struct frame){.refs = 1};
	return frame;
}

void frame_unref(struct frame *frame)
{
	free(frame);
}

static struct image picture(uint32_t fourcc, unsigned width, unsigned height)
{
	return (struct image){.fourcc = fourcc, .width = width, .height = height};
}

static struct frame *encode_well(
	struct encoder *encoder, const struct image *image, struct decoded *decoded)
{
	struct frame *frame = encoder_encode(encoder, image);
	assert_non_null(frame);
	assert_int_equal(frame->width, image->width);
	assert_int_equal(frame->height, image->height);
	decode(frame->data, frame->size, decoded);
	assert_int_equal(decoded->warnings, 0);
	assert_int_equal(decoded->width, image->width);
	assert_int_equal(decoded->height, image->height);
	assert_int_equal(decoded->components, image->fourcc == FOURCC_GREY ? 1 : 3);
	return frame;
}

/* The picture as JFIF should have it, to the last pixel. */
static uint8_t *reference(const struct image *image, unsigned components)
{
	size_t line = (size_t)image->width * components;
	uint8_t *samples = malloc(line * image->height);
	for (unsigned y = 0; y < image->height; y++)
		for (unsigned i = 0; i < line; i++) {
			double rgb[3];
			colour_at(rgb, image, i / components, y);
			samples[line * y + i] =
				yuv_of(rgb, (int)(i % components), &matrices[IMAGE_BT601], true);
		}
	return samples;
}

static void expect_picture(
	struct encoder *encoder, struct image image, unsigned padding, double least)
{
	struct decoded decoded;
	uint8_t *data = make_picture(&image, padding);
	struct frame *frame = encode_well(encoder, &image, &decoded);
	uint8_t *wanted = reference(&image, decoded.components);
	size_t count = (size_t)image.width * image.height * decoded.components;
	double db = psnr(decoded.samples, wanted, count);
	if (db < least)
		fail_msg("%.4s %ux%u stride %u %s matrix %d: %.1f dB", (char *)&image.fourcc,
			image.width, image.height, image.stride,
			image.full_range ? "full" : "limited", image.matrix, db);
	free(wanted);
	free(decoded.samples);
	free(data);
	frame_unref(frame);
}

static void every_format_size_and_stride(void **state)
{
	static const unsigned sizes[][2] = {{16, 16}, {17, 17}, {15, 31}, {33, 16}, {16, 33},
		{18, 20}, {64, 48}, {101, 77}, {320, 240}, {641, 479}};
	struct encoder *encoder = encoder_create(95);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			for (unsigned padding = 0; padding <= 34; padding += 34) {
				struct image image = picture(formats[f], sizes[i][0], sizes[i][1]);
				image.full_range = padding == 0;
				expect_picture(encoder, image, padding, 42);
			}
	encoder_destroy(encoder);
}

static void tiny_sizes(void **state)
{
	struct encoder *encoder = encoder_create(95);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		for (unsigned width = 1; width < 10; width++)
			for (unsigned height = 1; height < 10; height++)
				expect_picture(encoder, picture(formats[f], width, height), 0, 36);
	encoder_destroy(encoder);
}

static void large_sizes(void **state)
{
	struct encoder *encoder = encoder_create(95);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		expect_picture(encoder, picture(formats[f], 4096, 2304), 0, 44);
	expect_picture(encoder, picture(FOURCC_YUYV, 65500, 2), 0, 42);
	expect_picture(encoder, picture(FOURCC_NV12, 2, 65500), 0, 42);
	encoder_destroy(encoder);
}

static void every_range_and_matrix(void **state)
{
	struct encoder *encoder = encoder_create(95);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		for (int matrix = IMAGE_BT601; matrix <= IMAGE_BT2020; matrix++)
			for (int full = 0; full < 2; full++) {
				struct image image = picture(formats[f], 160, 120);
				if (formats[f] == FOURCC_GREY && matrix != IMAGE_BT601)
					continue; /* grey has no matrix */
				image.matrix = (enum image_matrix)matrix;
				image.full_range = full;
				expect_picture(encoder, image, 0, 42);
			}
	encoder_destroy(encoder);
}

static void expect_flat(struct encoder *encoder, uint32_t fourcc, bool full, bool white)
{
	struct image image = picture(fourcc, 32, 32);
	struct decoded decoded;
	uint8_t *data = make_picture(&image, 0);
	uint8_t luma = full ? (white ? 255 : 0) : (white ? 235 : 16);
	for (size_t i = 0; i < image.size; i++) {
		bool chroma = fourcc == FOURCC_YUYV   ? i % 2
			      : fourcc == FOURCC_UYVY ? !(i % 2)
						      : i >= (size_t)image.stride * 32;
		data[i] = chroma ? 128 : luma;
	}
	image.full_range = full;
	frame_unref(encode_well(encoder, &image, &decoded));
	for (unsigned i = 0; i < 32 * 32 * decoded.components; i++)
		assert_int_equal(decoded.samples[i], i % decoded.components ? 128 : 255 * white);
	free(decoded.samples);
	free(data);
}

static void white_is_white_and_black_is_black(void **state)
{
	struct encoder *encoder = encoder_create(80);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		for (int i = 0; i < 4; i++)
			expect_flat(encoder, formats[f], i & 1, i & 2);
	encoder_destroy(encoder);
}

static void expect_error(struct encoder *encoder, const struct image *image, int error)
{
	errno = 0;
	assert_null(encoder_encode(encoder, image));
	assert_int_equal(errno, error);
}

static void says_what_is_wrong(void **state)
{
	struct encoder *encoder = encoder_create(80);
	(void)state;
	for (size_t f = 0; f < FORMATS; f++) {
		struct image image = picture(formats[f], 31, 17), bad;
		uint8_t *data = make_picture(&image, 0);
		bad = image;
		bad.size--;
		expect_error(encoder, &bad, EINVAL);
		bad.size = 0;
		expect_error(encoder, &bad, EINVAL);
		bad = image;
		bad.width = 0;
		expect_error(encoder, &bad, EINVAL);
		bad.width = 65501;
		expect_error(encoder, &bad, EINVAL);
		bad = image;
		bad.height = 65536;
		expect_error(encoder, &bad, EINVAL);
		bad = image;
		bad.stride--;
		expect_error(encoder, &bad, EINVAL);
		bad = image;
		bad.fourcc = FOURCC_MJPG;
		expect_error(encoder, &bad, ENOTSUP);
		frame_unref(encoder_encode(encoder, &image)); /* none of it did any harm */
		free(data);
	}
	encoder_destroy(encoder);
	encoder_destroy(NULL);
}

static struct image noise(uint8_t *data)
{
	struct image image = picture(FOURCC_GREY, 256, 256);
	uint32_t random = 1;
	for (unsigned i = 0; i < 256 * 256; i++)
		data[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	image.data = data;
	image.size = 256 * 256;
	image.stride = 256;
	image.full_range = true;
	return image;
}

static void a_frame_grows_with_its_picture(void **state)
{
	static uint8_t flat[256 * 256], data[256 * 256];
	struct encoder *encoder = encoder_create(100);
	struct image image = noise(data), small = image;
	struct decoded decoded;
	(void)state;
	small.data = flat;
	frame_unref(encoder_encode(encoder, &small));
	frames_made = 0;
	frame_unref(encode_well(encoder, &image, &decoded));
	assert_in_range(frames_made, 3, 8); /* the expected one, and some twice as large */
	assert_true(psnr(decoded.samples, data, sizeof(data)) > 45);
	free(decoded.samples);
	frames_made = 0; /* now it knows */
	frame_unref(encoder_encode(encoder, &image));
	assert_int_equal(frames_made, 1);
	encoder_destroy(encoder);
}

static void no_memory_is_an_answer(void **state)
{
	static uint8_t flat[256 * 256], data[256 * 256];
	struct encoder *encoder = encoder_create(100);
	struct image image = noise(data), small = image;
	(void)state;
	small.data = flat;
	for (unsigned at = 1; at <= 3; at++) {
		frame_unref(encoder_encode(encoder, &small));
		frames_made = 0;
		refuse_at = at;
		expect_error(encoder, &image, ENOMEM);
	}
	refuse_at = 0;
	frame_unref(encoder_encode(encoder, &image));
	encoder_destroy(encoder);
}

static size_t size_at(int quality)
{
	struct encoder *encoder = encoder_create(quality);
	struct image image = picture(FOURCC_YUYV, 320, 240);
	uint8_t *data = make_picture(&image, 0);
	struct frame *frame = encoder_encode(encoder, &image);
	size_t size = frame->size;
	frame_unref(frame);
	free(data);
	encoder_destroy(encoder);
	return size;
}

static void quality_is_clamped(void **state)
{
	(void)state;
	assert_int_equal(size_at(INT32_MIN), size_at(1));
	assert_int_equal(size_at(0), size_at(1));
	assert_int_equal(size_at(101), size_at(100));
	assert_true(size_at(1) < size_at(80) && size_at(80) < size_at(100));
}

static void takes_raw_formats(void **state)
{
	(void)state;
	for (size_t f = 0; f < FORMATS; f++)
		assert_true(encoder_takes(formats[f]));
	assert_false(encoder_takes(FOURCC_MJPG));
	assert_false(encoder_takes(FOURCC_JPEG));
	assert_false(encoder_takes(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_size_and_stride),
		cmocka_unit_test(tiny_sizes),
		cmocka_unit_test(large_sizes),
		cmocka_unit_test(every_range_and_matrix),
		cmocka_unit_test(white_is_white_and_black_is_black),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(a_frame_grows_with_its_picture),
		cmocka_unit_test(no_memory_is_an_answer),
		cmocka_unit_test(quality_is_clamped),
		cmocka_unit_test(takes_raw_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
