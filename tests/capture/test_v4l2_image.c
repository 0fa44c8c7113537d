/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_image.h"

#include "capture/clock.h"
#include "capture/image.h"

#include <linux/videodev2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (1000 * NS_PER_S)
#define INTERVAL (40 * NS_PER_MS)

static struct v4l2_pix_format yuyv(void)
{
	return (struct v4l2_pix_format){
		.pixelformat = FOURCC_YUYV,
		.width = 640,
		.height = 480,
		.bytesperline = 1344,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
}

static void size_and_stride_are_the_drivers(void **state)
{
	struct v4l2_pix_format format = yuyv();
	struct image image = {0};

	(void)state;
	v4l2_image_format(&image, &format);
	assert_int_equal(image.fourcc, FOURCC_YUYV);
	assert_int_equal(image.width, 640);
	assert_int_equal(image.height, 480);
	assert_int_equal(image.stride, 1344);
}

static void lines_without_a_stride_follow_each_other(void **state)
{
	static const struct {
		uint32_t fourcc;
		unsigned stride;
	} formats[] = {{FOURCC_YUYV, 1280}, {FOURCC_UYVY, 1280}, {FOURCC_RGB3, 1920},
		{FOURCC_BGR3, 1920}, {FOURCC_NV12, 640}, {FOURCC_YU12, 640}, {FOURCC_GREY, 640}};
	struct v4l2_pix_format format = yuyv();
	struct image image = {0};

	(void)state;
	format.bytesperline = 0;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		format.pixelformat = formats[i].fourcc;
		v4l2_image_format(&image, &format);
		assert_int_equal(image.stride, formats[i].stride);
	}
}

static void expect_colour(
	const struct v4l2_pix_format *format, bool full_range, enum image_matrix matrix)
{
	struct image image = {0};

	v4l2_image_format(&image, format);
	assert_int_equal(image.full_range, full_range);
	assert_int_equal(image.matrix, matrix);
}

static void colours_follow_the_rules_of_v4l2(void **state)
{
	struct v4l2_pix_format format = yuyv();

	(void)state;
	expect_colour(&format, false, IMAGE_BT601);
	format.colorspace = V4L2_COLORSPACE_JPEG;
	expect_colour(&format, true, IMAGE_BT601);
	format.colorspace = V4L2_COLORSPACE_REC709;
	expect_colour(&format, false, IMAGE_BT709);
	format.colorspace = V4L2_COLORSPACE_BT2020;
	expect_colour(&format, false, IMAGE_BT2020);
	format.ycbcr_enc = V4L2_YCBCR_ENC_601;
	format.quantization = V4L2_QUANTIZATION_FULL_RANGE;
	expect_colour(&format, true, IMAGE_BT601);
	format.ycbcr_enc = V4L2_YCBCR_ENC_XV709;
	expect_colour(&format, true, IMAGE_BT709);
	format.ycbcr_enc = V4L2_YCBCR_ENC_SMPTE240M;
	expect_colour(&format, true, IMAGE_BT709);
	format.ycbcr_enc = V4L2_YCBCR_ENC_BT2020_CONST_LUM;
	format.quantization = V4L2_QUANTIZATION_LIM_RANGE;
	expect_colour(&format, false, IMAGE_BT2020);
}

static void rgb_and_grey_are_full_range_unless_told(void **state)
{
	static const uint32_t formats[] = {FOURCC_RGB3, FOURCC_BGR3, FOURCC_GREY};
	struct v4l2_pix_format format = yuyv();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		format.pixelformat = formats[i];
		format.quantization = V4L2_QUANTIZATION_DEFAULT;
		expect_colour(&format, true, IMAGE_BT601);
		format.quantization = V4L2_QUANTIZATION_LIM_RANGE;
		expect_colour(&format, false, IMAGE_BT601);
	}
}

static void no_byte_outside_the_buffer_is_lent(void **state)
{
	const uint8_t bytes[100] = {0};
	struct v4l2_buffer buffer = {.bytesused = 60};
	struct image image = {0};

	(void)state;
	v4l2_image_bytes(&image, &buffer, bytes, sizeof(bytes));
	assert_ptr_equal(image.data, bytes);
	assert_int_equal(image.size, 60);
	assert_false(image.flagged);
	buffer.bytesused = 101;
	v4l2_image_bytes(&image, &buffer, bytes, sizeof(bytes));
	assert_int_equal(image.size, 100);
	assert_true(image.flagged);
}

static void the_drivers_flag_is_passed_on(void **state)
{
	const uint8_t bytes[100] = {0};
	struct v4l2_buffer buffer = {.bytesused = 60, .flags = V4L2_BUF_FLAG_ERROR};
	struct image image = {0};

	(void)state;
	v4l2_image_bytes(&image, &buffer, bytes, sizeof(bytes));
	assert_true(image.flagged);
}

static struct v4l2_buffer stamped(int64_t ns, uint32_t flags)
{
	return (struct v4l2_buffer){
		.timestamp = {.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000},
		.flags = flags,
	};
}

static void capture_begins_at_the_stamp_or_an_interval_before(void **state)
{
	const int64_t stamp = NOW - 5 * NS_PER_MS;
	struct v4l2_buffer end = stamped(stamp, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
	struct v4l2_buffer start =
		stamped(stamp, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE);

	(void)state;
	assert_int_equal(v4l2_image_captured_ns(&end, INTERVAL, NOW), stamp - INTERVAL);
	assert_int_equal(v4l2_image_captured_ns(&end, 0, NOW), stamp);
	assert_int_equal(v4l2_image_captured_ns(&start, INTERVAL, NOW), stamp);
}

static void a_stamp_that_cannot_be_is_not_believed(void **state)
{
	const uint32_t monotonic = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	struct v4l2_buffer unknown = stamped(NOW - 1000000, V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN);
	struct v4l2_buffer copied = stamped(NOW - 1000000, V4L2_BUF_FLAG_TIMESTAMP_COPY);
	struct v4l2_buffer future = stamped(NOW + NS_PER_S, monotonic);
	struct v4l2_buffer ancient = stamped(NOW - 11 * NS_PER_S, monotonic);

	(void)state;
	assert_int_equal(v4l2_image_captured_ns(&unknown, INTERVAL, NOW), NOW - INTERVAL);
	assert_int_equal(v4l2_image_captured_ns(&copied, INTERVAL, NOW), NOW - INTERVAL);
	assert_int_equal(v4l2_image_captured_ns(&future, INTERVAL, NOW), NOW - INTERVAL);
	assert_int_equal(v4l2_image_captured_ns(&ancient, INTERVAL, NOW), NOW - INTERVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_and_stride_are_the_drivers),
		cmocka_unit_test(lines_without_a_stride_follow_each_other),
		cmocka_unit_test(colours_follow_the_rules_of_v4l2),
		cmocka_unit_test(rgb_and_grey_are_full_range_unless_told),
		cmocka_unit_test(no_byte_outside_the_buffer_is_lent),
		cmocka_unit_test(the_drivers_flag_is_passed_on),
		cmocka_unit_test(capture_begins_at_the_stamp_or_an_interval_before),
		cmocka_unit_test(a_stamp_that_cannot_be_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
