/* SPDX-License-Identifier: MIT */
#include "capture/device_table.h"

#include "capture/image.h"
#include "capture/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const struct offer *offers, size_t size, const char *table)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	device_table_offers(out, offers, size);
	fclose(out);
	assert_string_equal(text, table);
	free(text);
}

static void rates_of_a_size_share_a_line(void **state)
{
	const struct offer offers[] = {
		{.fourcc = FOURCC_MJPG,
			.min_width = 640,
			.max_width = 640,
			.min_height = 480,
			.max_height = 480,
			.shortest = {1, 30},
			.longest = {1, 30}},
		{.fourcc = FOURCC_MJPG,
			.min_width = 640,
			.max_width = 640,
			.min_height = 480,
			.max_height = 480,
			.shortest = {2, 25},
			.longest = {2, 25}},
		{.fourcc = FOURCC_MJPG,
			.min_width = 1280,
			.max_width = 1280,
			.min_height = 720,
			.max_height = 720},
		{.fourcc = FOURCC_YU12,
			.emulated = true,
			.min_width = 32,
			.max_width = 1920,
			.step_width = 2,
			.min_height = 16,
			.max_height = 1080,
			.step_height = 2,
			.shortest = {1, 60},
			.longest = {1, 1}},
	};

	(void)state;
	expect(offers, 4,
		"  format  size                   frames a second\n"
		"  MJPG    640x480                30 12.5\n"
		"          1280x720               ?\n"
		"  YU12*   32x16 to 1920x1080     1 to 60\n"
		"  * converted by libv4l from another format\n");
}

static void no_camera_is_said(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_int_equal(device_table_print(out, "/nonexistent"), 0);
	fclose(out);
	assert_string_equal(text, "no camera found in /nonexistent\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_of_a_size_share_a_line),
		cmocka_unit_test(no_camera_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
