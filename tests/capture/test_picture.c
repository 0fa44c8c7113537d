/* SPDX-License-Identifier: MIT */
#include "capture/picture.h"

#include "tests/capture/support.h"

#include <errno.h>

static struct frame *jpeg;

static struct image jpeg_image(void)
{
	return (struct image){.fourcc = FOURCC_MJPG,
		.data = jpeg->data,
		.size = jpeg->size,
		.width = 32,
		.height = 16,
		.captured_ns = clock_now_ns()};
}

static int set_up(void **state)
{
	static struct picture_maker maker;

	jpeg = small_jpeg(32, 16);
	*state = &maker;
	return picture_init(&maker, 80);
}

static int tear_down(void **state)
{
	picture_finish(*state);
	frame_unref(jpeg);
	return 0;
}

static void a_jpeg_passes_bit_for_bit(void **state)
{
	struct picture_maker *maker = *state;
	struct image image = jpeg_image();
	struct frame *frame = picture_make(maker, &image);

	assert_non_null(frame);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(frame->seq, 1);
	assert_int_equal(frame->width, 32);
	assert_int_equal(frame->height, 16);
	assert_int_equal(frame->captured_ns, image.captured_ns);
	assert_true(llabs(clock_wall_ns() - frame->wall_ns) < 5 * NS_PER_S);
	assert_int_equal(frame->size, jpeg->size);
	assert_memory_equal(frame->data, jpeg->data, jpeg->size);
	assert_int_equal(maker->encoded, 0);
	frame_unref(frame);
}

static void padding_behind_the_picture_goes(void **state)
{
	uint8_t *padded = calloc(1, jpeg->size + 100);
	struct image image = jpeg_image();
	struct frame *frame;

	memcpy(padded, jpeg->data, jpeg->size);
	image.data = padded;
	image.size = jpeg->size + 100;
	image.fourcc = FOURCC_JPEG;
	frame = picture_make(*state, &image);
	assert_non_null(frame);
	assert_int_equal(frame->size, jpeg->size);
	frame_unref(frame);
	free(padded);
}

static void pixels_are_encoded(void **state)
{
	static const uint8_t grey[16 * 8] = {77};
	struct picture_maker *maker = *state;
	const struct image image = {.fourcc = FOURCC_GREY,
		.data = grey,
		.size = sizeof(grey),
		.width = 16,
		.height = 8,
		.stride = 16,
		.captured_ns = 5 * NS_PER_S};
	struct frame *frame = picture_make(maker, &image);

	assert_non_null(frame);
	assert_memory_equal(frame->data, "\xff\xd8", 2);
	assert_memory_equal(frame->data + frame->size - 2, "\xff\xd9", 2);
	assert_int_equal(frame->width, 16);
	assert_int_equal(frame->height, 8);
	assert_int_equal(maker->encoded, 1);
	assert_true(maker->encode_ns > 0);
	assert_true(maker->encode_ms_now > 0);
	frame_unref(frame);
}

static void expect_drop(struct picture_maker *maker, const struct image *image)
{
	errno = 0;
	assert_null(picture_make(maker, image));
	assert_int_equal(errno, EBADMSG);
}

static void drops_are_counted_by_reason(void **state)
{
	static const uint8_t noise[64] = "this is no picture";
	struct picture_maker *maker = *state;
	struct image image = jpeg_image();
	struct frame *frame;

	image.flagged = true;
	expect_drop(maker, &image);
	assert_int_equal(maker->drops.flagged, 1);
	image.flagged = false;
	image.size -= 2;
	expect_drop(maker, &image);
	assert_int_equal(maker->drops.truncated, 1);
	image.data = noise;
	image.size = sizeof(noise);
	expect_drop(maker, &image);
	image.size = 0;
	expect_drop(maker, &image);
	assert_int_equal(maker->drops.not_jpeg, 2);
	image.fourcc = FOURCC_GREY;
	image.stride = 32;
	image.size = 32 * 16 - 1;
	expect_drop(maker, &image);
	assert_int_equal(maker->drops.truncated, 2);
	assert_int_equal(maker->drops.flagged, 1);
	image = jpeg_image();
	frame = picture_make(maker, &image);
	assert_int_equal(frame->seq, 1); /* numbers count what was passed on */
	frame_unref(frame);
}

static void a_format_nobody_knows_is_no_drop(void **state)
{
	struct picture_maker *maker = *state;
	struct image image = jpeg_image();

	image.fourcc = FOURCC('H', '2', '6', '4');
	errno = 0;
	assert_null(picture_make(maker, &image));
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(maker->drops.flagged + maker->drops.truncated + maker->drops.not_jpeg, 0);
}

static int64_t wall_of(struct picture_maker *maker, int64_t captured_ns)
{
	struct image image = jpeg_image();
	struct frame *frame;
	int64_t wall_ns;

	image.captured_ns = captured_ns;
	frame = picture_make(maker, &image);
	assert_non_null(frame);
	assert_int_equal(frame->captured_ns, captured_ns);
	wall_ns = frame->wall_ns;
	frame_unref(frame);
	return wall_ns;
}

/* To the microsecond, which is what a viewer sees; even if the driver repeats or jitters. */
static void time_stamps_increase_strictly(void **state)
{
	int64_t begun = clock_now_ns(), last_us = 0;

	srand(2);
	for (int i = 0; i < 3000; i++) {
		int64_t jitter_ns = rand() % 3 ? 0 : (rand() % 40 - 20) * NS_PER_MS;
		int64_t us = wall_of(*state, begun + i * NS_PER_MS + jitter_ns) / 1000;

		assert_true(us > last_us);
		last_us = us;
	}
}

static void a_step_of_the_wall_clock_is_followed(void **state)
{
	struct picture_maker *maker = *state;
	int64_t now = clock_now_ns();
	int64_t before = wall_of(maker, now);

	/* as if the clock had been an hour ahead until now */
	maker->last_wall_ns += 3600 * NS_PER_S;
	assert_int_equal(wall_of(maker, now + NS_PER_S), before + NS_PER_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_jpeg_passes_bit_for_bit),
		TEST(padding_behind_the_picture_goes),
		TEST(pixels_are_encoded),
		TEST(drops_are_counted_by_reason),
		TEST(a_format_nobody_knows_is_no_drop),
		TEST(time_stamps_increase_strictly),
		TEST(a_step_of_the_wall_clock_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
