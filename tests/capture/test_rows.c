/* SPDX-License-Identifier: MIT */
#include "capture/rows.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <limits.h>
#include <math.h>

static const uint32_t formats[] = {
	FOURCC_YUYV, FOURCC_UYVY, FOURCC_NV12, FOURCC_YU12, FOURCC_GREY, FOURCC_RGB3, FOURCC_BGR3};
#define FORMATS (sizeof(formats) / sizeof(*formats))

static struct image described(
	uint32_t fourcc, unsigned width, unsigned height, unsigned stride, size_t size)
{
	return (struct image){
		.fourcc = fourcc, .width = width, .height = height, .stride = stride, .size = size};
}

static void expect_least(
	uint32_t fourcc, unsigned width, unsigned height, unsigned stride, size_t least)
{
	struct image image = described(fourcc, width, height, stride, least);
	assert_int_equal(rows_check(&image), 0);
	image.size--;
	assert_int_equal(rows_check(&image), EINVAL);
}

static void knows_how_many_bytes_a_picture_needs(void **state)
{
	(void)state;
	expect_least(FOURCC_YUYV, 1280, 720, 2560, 1280 * 720 * 2);
	expect_least(FOURCC_UYVY, 5, 3, 16, 2 * 16 + 12);
	expect_least(FOURCC_NV12, 1280, 720, 1280, 1280 * 720 * 3 / 2);
	expect_least(FOURCC_NV12, 5, 3, 8, 8 * 4 + 6);
	expect_least(FOURCC_YU12, 1280, 720, 1280, 1280 * 720 * 3 / 2);
	expect_least(FOURCC_YU12, 5, 3, 8, 8 * 3 + 4 * 3 + 3);
	expect_least(FOURCC_GREY, 7, 2, 10, 17);
	expect_least(FOURCC_RGB3, 7, 2, 24, 24 + 21);
	expect_least(FOURCC_BGR3, 1, 1, 3, 3);
}

static void refuses_impossible_sizes(void **state)
{
	static const unsigned sizes[][3] = {/* width, height, stride */
		{0, 16, 64}, {16, 0, 64}, {0, 0, 0}, {65501, 16, 300000}, {16, 65501, 64},
		{65536, 65536, 300000}, {UINT_MAX, UINT_MAX, UINT_MAX}, {16, 16, 0}};
	(void)state;
	for (size_t f = 0; f < FORMATS; f++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			const unsigned *s = sizes[i];
			struct image image = described(formats[f], s[0], s[1], s[2], SIZE_MAX);
			assert_int_equal(rows_check(&image), EINVAL);
		}
		/* A stride whose product with the height overflows 32 bits. */
		struct image image = described(formats[f], 16, 65500, UINT_MAX, 1 << 20);
		assert_int_equal(rows_check(&image), EINVAL);
		image = described(formats[f], 17, 16, formats[f] == FOURCC_GREY ? 16 : 17, 1 << 20);
		assert_int_equal(rows_check(&image), EINVAL);
	}
}

static void knows_the_raw_formats_alone(void **state)
{
	struct image image = described(FOURCC_MJPG, 16, 16, 64, 1 << 20);
	(void)state;
	assert_int_equal(rows_check(&image), ENOTSUP);
	assert_false(rows_is_yuv(FOURCC_MJPG));
	assert_false(rows_is_yuv(FOURCC_GREY));
	assert_false(rows_is_yuv(FOURCC_RGB3));
	for (size_t f = 0; f < 4; f++)
		assert_true(rows_is_yuv(formats[f]));
}

static uint8_t clipped(double value)
{
	return (uint8_t)lrint(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void limited_luma_becomes_full(void **state)
{
	uint8_t samples[256];
	(void)state;
	for (int i = 0; i < 256; i++)
		samples[i] = (uint8_t)i;
	rows_expand(samples, samples, 256);
	for (int i = 0; i < 256; i++)
		assert_in_range(samples[i] + 1 - clipped((i - 16) * 255.0 / 219), 0, 2);
	assert_int_equal(samples[16], 0);
	assert_int_equal(samples[235], 255);
}

/* What rows_convert makes of a 2x2 YU12 picture of one colour. */
static void convert_one(uint8_t out[3], const uint8_t in[3], bool full, enum image_matrix matrix)
{
	uint8_t pixels[] = {in[0], in[0], in[0], in[0], in[1], in[2]}, y[2][16], u[8], v[8];
	struct image image = described(FOURCC_YU12, 2, 2, 2, sizeof(pixels));
	image.data = pixels;
	image.full_range = full;
	image.matrix = matrix;
	rows_convert(&image, 0, &(struct row_pair){{y[0], y[1]}, u, v});
	for (int i = 0; i < 16; i++) {
		assert_int_equal(y[0][i], y[0][0]);
		assert_int_equal(y[1][i], y[0][0]);
		assert_int_equal(u[i / 2], u[0]);
		assert_int_equal(v[i / 2], v[0]);
	}
	out[0] = y[0][0];
	out[1] = u[0];
	out[2] = v[0];
}

/* R'G'B' in 0..1 as Y, Cb, Cr of a matrix. */
static void make_yuv(uint8_t out[3], const double rgb[3], double kr, double kb, bool full)
{
	double y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
	double u = (rgb[2] - y) / (2 - 2 * kb), v = (rgb[0] - y) / (2 - 2 * kr);
	out[0] = clipped(full ? 255 * y : 16 + 219 * y);
	out[1] = clipped(128 + (full ? 255 : 224) * u);
	out[2] = clipped(128 + (full ? 255 : 224) * v);
}

static void expect_bt601(enum image_matrix matrix, double kr, double kb, bool full, double strength)
{
	for (int i = 0; i < 27; i++) {
		double rgb[3] = {i % 3, i / 3 % 3, i / 9 % 3};
		uint8_t in[3], out[3], wanted[3];
		for (int c = 0; c < 3; c++)
			rgb[c] = 0.5 + (rgb[c] - 1) / 2 * strength;
		make_yuv(in, rgb, kr, kb, full);
		make_yuv(wanted, rgb, 0.299, 0.114, true);
		convert_one(out, in, full, matrix);
		for (int c = 0; c < 3; c++)
			assert_in_range(out[c] + 3 - wanted[c], 0, 6);
	}
}

static void every_matrix_and_range_becomes_jfifs(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		for (double strength = 1; strength > 0.2; strength -= 0.25) {
			expect_bt601(IMAGE_BT601, 0.299, 0.114, full, strength);
			expect_bt601(IMAGE_BT709, 0.2126, 0.0722, full, strength);
			expect_bt601(IMAGE_BT2020, 0.2627, 0.0593, full, strength);
		}
	}
}

static void white_is_white_and_black_is_black(void **state)
{
	static const uint8_t ends[2][2][3] = {
		{{16, 128, 128}, {235, 128, 128}}, {{0, 128, 128}, {255, 128, 128}}};
	(void)state;
	for (int matrix = IMAGE_BT601; matrix <= IMAGE_BT2020; matrix++)
		for (int full = 0; full < 2; full++)
			for (int white = 0; white < 2; white++) {
				uint8_t out[3];
				convert_one(out, ends[full][white], full, matrix);
				assert_int_equal(out[0], 255 * white);
				assert_int_equal(out[1], 128);
				assert_int_equal(out[2], 128);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_how_many_bytes_a_picture_needs),
		cmocka_unit_test(refuses_impossible_sizes),
		cmocka_unit_test(knows_the_raw_formats_alone),
		cmocka_unit_test(limited_luma_becomes_full),
		cmocka_unit_test(every_matrix_and_range_becomes_jfifs),
		cmocka_unit_test(white_is_white_and_black_is_black),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
