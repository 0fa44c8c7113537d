/* SPDX-License-Identifier: MIT */
#include "capture/draw.h"
#include "capture/font.h"
#include "capture/rows.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <limits.h>

static uint8_t luma(const struct canvas *canvas, unsigned x, unsigned y)
{
	return canvas->y[(size_t)canvas->stride * y + x];
}

static unsigned count(const struct canvas *canvas, uint8_t value)
{
	unsigned found = 0;
	for (unsigned y = 0; y < canvas->height; y++)
		for (unsigned x = 0; x < canvas->width; x++)
			found += luma(canvas, x, y) == value;
	return found;
}

static void begins_black(void **state)
{
	struct canvas *canvas = canvas_create(6, 4);
	(void)state;
	assert_int_equal(count(canvas, 0), 24);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(canvas->u[i], 128);
		assert_int_equal(canvas->v[i], 128);
	}
	canvas_destroy(canvas);
	canvas_destroy(NULL);
}

static void lends_an_image_of_any_size(void **state)
{
	(void)state;
	for (unsigned width = 1; width < 6; width++)
		for (unsigned height = 1; height < 6; height++) {
			struct canvas *canvas = canvas_create(width, height);
			struct image image;
			canvas_image(canvas, &image);
			assert_int_equal(image.fourcc, FOURCC_YU12);
			assert_ptr_equal(image.data, canvas->y);
			assert_int_equal(image.width, width);
			assert_int_equal(image.height, height);
			assert_true(image.full_range);
			assert_int_equal(rows_check(&image), 0);
			image.size--;
			assert_int_equal(rows_check(&image), EINVAL);
			canvas_destroy(canvas);
		}
}

static void impossible_sizes_are_refused(void **state)
{
	static const unsigned sizes[][2] = {{0, 1}, {1, 0}, {65501, 1}, {1, UINT_MAX}};
	(void)state;
	for (int i = 0; i < 4; i++) {
		errno = 0;
		assert_null(canvas_create(sizes[i][0], sizes[i][1]));
		assert_int_equal(errno, EINVAL);
	}
}

static void rectangles_are_clipped(void **state)
{
	static const int boxes[][5] = {/* x, y, w, h, pixels inside 7x5 */
		{0, 0, 7, 5, 35}, {2, 1, 3, 2, 6}, {-2, -2, 4, 4, 4}, {5, 3, 100, 100, 4},
		{-5, 0, 5, 5, 0}, {7, 0, 3, 3, 0}, {0, 5, 3, 3, 0}, {3, 3, 0, 2, 0},
		{3, 3, -2, 2, 0}, {INT_MIN, INT_MIN, INT_MAX, INT_MAX, 0},
		{INT_MAX, INT_MAX, INT_MAX, INT_MAX, 0}, {-1, -1, INT_MAX, INT_MAX, 35}};
	(void)state;
	for (size_t i = 0; i < sizeof(boxes) / sizeof(*boxes); i++) {
		struct canvas *canvas = canvas_create(7, 5);
		const int *b = boxes[i];
		draw_rect(canvas, b[0], b[1], b[2], b[3], 200, 10, 20);
		assert_int_equal(count(canvas, 200), b[4]);
		assert_int_equal(count(canvas, 0), 35 - b[4]);
		canvas_destroy(canvas);
	}
}

static void colour_reaches_every_touched_sample(void **state)
{
	struct canvas *canvas = canvas_create(7, 5);
	(void)state;
	draw_rect(canvas, 1, 1, 2, 2, 200, 10, 20); /* touches four samples of chroma */
	for (int i = 0; i < 12; i++) {
		bool touched = i % 4 < 2 && i / 4 < 2;
		assert_int_equal(canvas->u[i], touched ? 10 : 128);
		assert_int_equal(canvas->v[i], touched ? 20 : 128);
	}
	draw_rect(canvas, 6, 4, 1, 1, 90, 30, 40); /* the odd corner */
	assert_int_equal(luma(canvas, 6, 4), 90);
	assert_int_equal(canvas->u[11], 30);
	assert_int_equal(canvas->v[11], 40);
	canvas_destroy(canvas);
}

static unsigned dots_of(char c)
{
	unsigned dots = 0;
	for (unsigned line = 0; line < FONT_HEIGHT; line++)
		for (unsigned column = 0; column < FONT_WIDTH; column++)
			dots += font_dot(c, column, line);
	return dots;
}

static void text_is_the_fonts_dots_at_any_scale(void **state)
{
	struct canvas *canvas = canvas_create(100, 60);
	(void)state;
	for (unsigned scale = 1; scale < 5; scale++) {
		draw_rect(canvas, 0, 0, 100, 60, 0, 128, 128);
		draw_text(canvas, 2, 3, scale, "Hg!", 255, 128, 128);
		assert_int_equal(count(canvas, 255),
			(dots_of('H') + dots_of('g') + dots_of('!')) * scale * scale);
		assert_int_equal(luma(canvas, 2, 3), 255); /* H's upper left corner */
		assert_int_equal(luma(canvas, 2 + scale, 3), 0);
		assert_int_equal(luma(canvas, 2 + 4 * scale, 3 + 7 * scale - 1), 255);
	}
	canvas_destroy(canvas);
}

static void text_is_clipped(void **state)
{
	struct canvas *canvas = canvas_create(31, 11);
	(void)state;
	draw_text(canvas, -8, -4, 2, "clipped on all sides", 255, 128, 128);
	assert_true(count(canvas, 255) > 10);
	draw_text(canvas, INT_MAX, INT_MAX, 2, "far away", 100, 128, 128);
	draw_text(canvas, INT_MIN, INT_MIN, UINT_MAX, "enormous", 100, 128, 128);
	draw_text(canvas, 0, 0, 0, "nothing", 100, 128, 128);
	assert_int_equal(count(canvas, 100), 0);
	canvas_destroy(canvas);
}

static void the_width_is_what_text_touches(void **state)
{
	struct canvas *canvas = canvas_create(64, 40);
	unsigned rightmost = 0;
	(void)state;
	assert_int_equal(text_width(3, ""), 0);
	assert_int_equal(text_width(1, "H"), FONT_WIDTH);
	assert_int_equal(text_width(3, "HH"), 33);
	draw_text(canvas, 0, 0, 3, "HH", 255, 128, 128);
	for (unsigned x = 0; x < 64; x++)
		if (luma(canvas, x, 0) == 255)
			rightmost = x;
	assert_int_equal(rightmost + 1, text_width(3, "HH"));
	canvas_destroy(canvas);
}

static bool same_glyph(char a, char b)
{
	for (unsigned line = 0; line < FONT_HEIGHT; line++)
		for (unsigned column = 0; column < FONT_WIDTH; column++)
			if (font_dot(a, column, line) != font_dot(b, column, line))
				return false;
	return true;
}

static void every_character_has_a_glyph_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(dots_of(' '), 0);
	for (char a = '!'; a <= '~'; a++) {
		assert_true(dots_of(a) >= 3);
		for (char b = ' '; b < a; b++)
			assert_false(same_glyph(a, b));
	}
	assert_true(same_glyph('\n', '?'));
	assert_true(same_glyph((char)0xe4, '?'));
	assert_true(same_glyph(0x7f, '?'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_black),
		cmocka_unit_test(lends_an_image_of_any_size),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(rectangles_are_clipped),
		cmocka_unit_test(colour_reaches_every_touched_sample),
		cmocka_unit_test(text_is_the_fonts_dots_at_any_scale),
		cmocka_unit_test(text_is_clipped),
		cmocka_unit_test(the_width_is_what_text_touches),
		cmocka_unit_test(every_character_has_a_glyph_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
