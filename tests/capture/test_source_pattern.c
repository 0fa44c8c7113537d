/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include "tests/capture/support.h"

#include <poll.h>

#define CELLS 32

static struct source *open_pattern(unsigned width, unsigned height)
{
	const struct source_options options = {
		.device = "pattern", .width = width, .height = height, .fps = 100};
	struct fault fault;
	struct source *source = source_pattern.open(&options, &fault);

	assert_non_null(source);
	assert_ptr_equal(source->ops, &source_pattern);
	return source;
}

static void take(struct source *source, struct image *image)
{
	struct pollfd fd = {.fd = source->fd, .events = POLLIN};
	struct fault fault;

	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_int_equal(source->ops->next(source, image, &fault), 1);
}

/* The row of cells at the bottom: the number, highest bit first. */
static uint32_t number_in(const struct image *image)
{
	const uint8_t *row = image->data + (size_t)(image->height - 2) * image->stride;
	uint32_t number = 0;

	for (unsigned i = 0; i < CELLS; i++)
		number = number << 1 | (row[(2 * i + 1) * image->width / (2 * CELLS)] > 128);
	return number;
}

static void a_probe_always_finds_it(void **state)
{
	const struct source_options options = {.device = "pattern"};
	struct source_info info;
	struct fault fault;

	(void)state;
	assert_int_equal(source_pattern.probe(&options, &info, &fault), 0);
	assert_string_equal(info.device, "pattern");
	assert_string_equal(info.driver, "pattern");
}

static void it_has_the_size_and_rate_that_were_asked(void **state)
{
	static const unsigned sizes[][2] = {{16, 16}, {17, 31}, {160, 120}, {641, 479}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct source *source = open_pattern(sizes[i][0], sizes[i][1]);
		struct image image = {0};

		assert_int_equal(source->info.width, sizes[i][0]);
		assert_float_equal(source->info.fps, 100, 0);
		take(source, &image);
		assert_int_equal(image.width, sizes[i][0]);
		assert_int_equal(image.height, sizes[i][1]);
		assert_true(image.size >= (size_t)sizes[i][0] * sizes[i][1] * 3 / 2);
		assert_false(image.flagged);
		source->ops->close(source);
	}
}

static void next_never_waits(void **state)
{
	struct source *source = open_pattern(64, 48);
	struct image image = {0};
	struct fault fault;
	int64_t begun;

	(void)state;
	take(source, &image);
	begun = clock_now_ns();
	while (source->ops->next(source, &image, &fault) == 1)
		assert_true(clock_now_ns() - begun < 20 * NS_PER_S);
	source->ops->close(source);
}

static void each_picture_shows_a_higher_number_and_moves(void **state)
{
	struct source *source = open_pattern(320, 240);
	struct image image = {0};
	uint32_t last = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		int64_t begun = clock_now_ns();

		take(source, &image);
		assert_true(number_in(&image) > last);
		assert_true(number_in(&image) < last + 3000);
		assert_true(image.captured_ns >= begun && image.captured_ns <= clock_now_ns());
		last = number_in(&image);
	}
	source->ops->close(source);
}

static void it_can_be_encoded(void **state)
{
	struct source *source = open_pattern(160, 120);
	struct encoder *encoder = encoder_create(80);
	struct image image = {0};
	struct frame *frame;

	(void)state;
	take(source, &image);
	frame = encoder_encode(encoder, &image);
	assert_non_null(frame);
	frame_unref(frame);
	encoder_destroy(encoder);
	source->ops->close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_always_finds_it),
		cmocka_unit_test(it_has_the_size_and_rate_that_were_asked),
		cmocka_unit_test(next_never_waits),
		cmocka_unit_test(each_picture_shows_a_higher_number_and_moves),
		cmocka_unit_test(it_can_be_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
