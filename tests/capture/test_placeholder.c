/* SPDX-License-Identifier: MIT */
#include "capture/placeholder.h"

#include "tests/capture/decode.h"
#include "tests/capture/support.h"

#include <errno.h>

#define REASON                                                                                     \
	"The camera is in use by another program. Close it there, or choose another camera "       \
	"with DEVICE=/dev/video2."

/* Decodes it without a warning; free(samples). */
static struct decoded render(unsigned width, unsigned height, const char *state, const char *reason)
{
	struct frame *frame = placeholder_render(width, height, state, reason);
	struct decoded decoded;
	assert_non_null(frame);
	assert_int_equal(frame->width, width);
	assert_int_equal(frame->height, height);
	assert_int_equal(frame->seq, 0);
	assert_int_equal(frame->wall_ns, 0);
	decode(frame->data, frame->size, &decoded);
	assert_int_equal(decoded.warnings, 0);
	assert_int_equal(decoded.width, width);
	assert_int_equal(decoded.height, height);
	frame_unref(frame);
	return decoded;
}

/* Bright pixels, which only letters are, on the lines [from, to). */
static unsigned bright(const struct decoded *decoded, unsigned from, unsigned to)
{
	unsigned found = 0;
	for (size_t i = (size_t)from * decoded->width; i < (size_t)to * decoded->width; i++)
		found += decoded->samples[3 * i] > 140;
	return found;
}

static void every_usual_size_has_title_and_reason(void **state)
{
	static const unsigned sizes[][2] = {{160, 120}, {320, 240}, {640, 480}, {1280, 720},
		{1920, 1080}, {3840, 2160}, {641, 359}, {480, 1280}};
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned width = sizes[i][0], height = sizes[i][1];
		struct decoded with = render(width, height, "busy", REASON);
		struct decoded without = render(width, height, "busy", NULL);
		assert_true(bright(&without, 0, height) > width * height / 400);
		assert_true(bright(&with, 0, height) > 2 * bright(&without, 0, height));
		/* Nothing is cut off: a margin at the top and at the bottom stays empty. */
		assert_int_equal(bright(&with, 0, height / 30), 0);
		assert_int_equal(bright(&with, height - height / 30, height), 0);
		free(with.samples);
		free(without.samples);
	}
}

static void it_is_calm_dark_and_small(void **state)
{
	struct frame *frame = placeholder_render(1280, 720, "no-device", REASON);
	struct decoded decoded = render(1280, 720, "no-device", REASON);
	double sum = 0;
	(void)state;
	for (size_t i = 0; i < 1280 * 720; i++)
		sum += decoded.samples[3 * i];
	assert_in_range((int)(sum / (1280 * 720)), 20, 60);
	assert_true(frame->size < 40000);
	frame_unref(frame);
	free(decoded.samples);
}

static void states_look_different(void **state)
{
	static const char *const states[] = {"live", "idle", "starting", "released", "no-device",
		"busy", "denied", "stalled", "error", "some new state"};
	struct frame *frames[10];
	(void)state;
	for (int i = 0; i < 10; i++) {
		frames[i] = placeholder_render(320, 240, states[i], "");
		assert_non_null(frames[i]);
		for (int j = 0; j < i; j++)
			assert_true(frames[i]->size != frames[j]->size ||
				    memcmp(frames[i]->data, frames[j]->data, frames[i]->size) != 0);
	}
	for (int i = 0; i < 10; i++)
		frame_unref(frames[i]);
}

static void odd_texts_and_sizes_are_safe(void **state)
{
	static const char *const reasons[] = {"", " ", "          ", "a", "\xc3\xa4\n\t", REASON,
		"onewordthatgoesonandonandonandonandonandonandonandonandonandonandonandonandonandon"
		"andon"
		"andonandonandonandonandonandonandonandonandonandonandonandonandonandonandonandonan"
		"don"};
	static const unsigned sizes[][2] = {
		{1, 1}, {2, 2}, {9, 200}, {200, 9}, {33, 33}, {1, 3000}, {3000, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
			struct decoded decoded =
				render(sizes[s][0], sizes[s][1], reasons[i], reasons[i]);
			free(decoded.samples);
		}
}

static void impossible_sizes_are_refused(void **state)
{
	static const unsigned sizes[][2] = {{0, 240}, {320, 0}, {65501, 16}, {16, 65536}};
	(void)state;
	for (int i = 0; i < 4; i++) {
		errno = 0;
		assert_null(placeholder_render(sizes[i][0], sizes[i][1], "busy", REASON));
		assert_int_equal(errno, EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_usual_size_has_title_and_reason),
		cmocka_unit_test(it_is_calm_dark_and_small),
		cmocka_unit_test(states_look_different),
		cmocka_unit_test(odd_texts_and_sizes_are_safe),
		cmocka_unit_test(impossible_sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
