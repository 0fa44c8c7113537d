/* SPDX-License-Identifier: MIT */
#include "capture/negotiate.h"

#include "capture/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define H264 FOURCC('H', '2', '6', '4')

static const struct wish usual = {.width = 1280, .height = 720, .fps = 30};

static struct offer discrete(uint32_t fourcc, unsigned width, unsigned height, unsigned fps)
{
	return (struct offer){
		.fourcc = fourcc,
		.min_width = width,
		.max_width = width,
		.min_height = height,
		.max_height = height,
		.shortest = {fps > 0, fps},
		.longest = {fps > 0, fps},
	};
}

static struct offer emulated(uint32_t fourcc, unsigned width, unsigned height, unsigned fps)
{
	struct offer offer = discrete(fourcc, width, height, fps);

	offer.emulated = true;
	return offer;
}

static void expect(const struct offer *offers, size_t size, struct wish wish, struct offer result,
	const char *why)
{
	struct choice choice;

	assert_int_equal(negotiate(offers, size, &wish, &choice), 0);
	assert_int_equal(choice.fourcc, result.fourcc);
	assert_int_equal(choice.emulated, result.emulated);
	assert_int_equal(choice.width, result.min_width);
	assert_int_equal(choice.height, result.min_height);
	assert_float_equal(interval_fps(choice.interval), interval_fps(result.shortest), 0.01);
	assert_string_equal(choice.why, why);
}
#define EXPECT(offers, ...) expect(offers, sizeof(offers) / sizeof((offers)[0]), __VA_ARGS__)

/* What a Logitech C920 offers, shortened. */
static void mjpg_that_reaches_size_and_rate_is_chosen(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_YUYV, 640, 480, 30),
		discrete(FOURCC_YUYV, 1280, 720, 10),
		discrete(FOURCC_MJPG, 640, 480, 30),
		discrete(FOURCC_MJPG, 1280, 720, 30),
		discrete(FOURCC_MJPG, 1920, 1080, 30),
	};

	(void)state;
	EXPECT(offers, usual, offers[3], "needs no encoding");
}

static void raw_wins_where_mjpg_is_too_slow(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_MJPG, 1280, 720, 15),
		discrete(FOURCC_RGB3, 1280, 720, 30),
		discrete(FOURCC_YUYV, 1280, 720, 30),
	};

	(void)state;
	EXPECT(offers, usual, offers[2], "MJPG does not do as well");
}

static void where_nothing_reaches_the_rate_the_fastest_wins(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_YUYV, 1280, 720, 10),
		discrete(FOURCC_MJPG, 1280, 720, 15),
	};

	(void)state;
	EXPECT(offers, usual, offers[1], "30 fps is not reached; needs no encoding");
}

static void ntsc_rates_count_as_reached(void **state)
{
	struct offer offers[] = {
		discrete(FOURCC_MJPG, 1280, 720, 30),
		discrete(FOURCC_YUYV, 1280, 720, 30),
	};

	(void)state;
	offers[0].shortest = offers[0].longest = (struct interval){1001, 30000};
	EXPECT(offers, usual, offers[0], "needs no encoding");
}

static void a_rate_is_not_faster_than_needed(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_MJPG, 1280, 720, 120),
		discrete(FOURCC_MJPG, 1280, 720, 60),
		discrete(FOURCC_MJPG, 1280, 720, 25),
	};

	(void)state;
	EXPECT(offers, usual, offers[1], "needs no encoding");
}

static void an_unknown_rate_counts_as_reached(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_MJPG, 1280, 720, 0),
		discrete(FOURCC_YUYV, 1280, 720, 30),
	};

	(void)state;
	EXPECT(offers, usual, offers[0], "needs no encoding");
}

static void the_nearest_size_is_taken_and_said(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_YUYV, 320, 240, 30),
		discrete(FOURCC_YUYV, 640, 480, 30),
		discrete(FOURCC_YUYV, 1600, 1200, 30),
	};

	(void)state;
	EXPECT(offers, ((struct wish){.width = 700, .height = 500, .fps = 30}), offers[1],
		"700x500 is not offered, this is the nearest; the cheapest of what is offered");
}

static void ranges_of_sizes_and_rates_are_used(void **state)
{
	const struct offer range[] = {{
		.fourcc = FOURCC_NV12,
		.min_width = 32,
		.max_width = 1920,
		.step_width = 16,
		.min_height = 32,
		.max_height = 1080,
		.step_height = 8,
		.shortest = {1, 60},
		.longest = {1, 1},
	}};
	struct offer result = discrete(FOURCC_NV12, 1008, 1080, 1);

	(void)state;
	EXPECT(range, usual, discrete(FOURCC_NV12, 1280, 720, 30),
		"the cheapest of what is offered");
	result.shortest = (struct interval){2, 25};
	EXPECT(range, ((struct wish){.width = 1000, .height = 9999, .fps = 12.5}), result,
		"1000x9999 is not offered, this is the nearest; the cheapest of what is offered");
	EXPECT(range, ((struct wish){.width = 1, .height = 1, .fps = 0.1}),
		discrete(FOURCC_NV12, 32, 32, 1),
		"1x1 is not offered, this is the nearest; the cheapest of what is offered");
	EXPECT(range, ((struct wish){.width = 64, .height = 64, .fps = 240}),
		discrete(FOURCC_NV12, 64, 64, 60),
		"240 fps is not reached; the cheapest of what is offered");
}

static void a_step_never_leaves_the_range(void **state)
{
	const struct offer offer = {
		.min_width = 10,
		.max_width = 30,
		.step_width = 16,
		.min_height = 10,
		.max_height = 10,
	};
	unsigned width = 29, height = 50;

	(void)state;
	negotiate_nearest(&offer, &width, &height);
	assert_int_equal(width, 26);
	assert_int_equal(height, 10);
}

static void colour_comes_before_grey(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_GREY, 1280, 720, 30),
		discrete(FOURCC_YUYV, 1280, 720, 10),
	};

	(void)state;
	EXPECT(offers, usual, offers[1], "30 fps is not reached; the cheapest of what is offered");
}

static void conversions_are_the_last_resort(void **state)
{
	const struct offer all[] = {
		emulated(FOURCC_RGB3, 1280, 720, 30),
		emulated(FOURCC_YU12, 1280, 720, 30),
		discrete(FOURCC_GREY, 1280, 720, 30),
	};

	(void)state;
	EXPECT(all, usual, all[2], "the cheapest of what is offered");
	expect(all, 2, usual, all[1], "converted by libv4l");
}

static void an_explicit_format_is_honoured(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_MJPG, 1280, 720, 30),
		discrete(FOURCC_YUYV, 640, 480, 30),
		emulated(FOURCC_RGB3, 1280, 720, 30),
		emulated(FOURCC_YUYV, 1280, 720, 30),
	};
	struct wish wish = usual;

	(void)state;
	wish.fourcc = FOURCC_YUYV;
	EXPECT(offers, wish, offers[1],
		"1280x720 is not offered, this is the nearest; as asked for");
	wish.fourcc = FOURCC_RGB3;
	EXPECT(offers, wish, offers[2], "as asked for; converted by libv4l");
}

static void an_explicit_format_that_is_not_offered_is_said(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_YUYV, 1280, 720, 30),
		discrete(H264, 1280, 720, 30),
	};
	struct wish wish = usual;

	(void)state;
	wish.fourcc = H264;
	EXPECT(offers, wish, offers[0],
		"H264 is not offered or not one we can use; the cheapest of what is offered");
}

/* gspca cameras call JPEG what others call MJPG. */
static void jpeg_serves_who_asks_for_mjpg(void **state)
{
	const struct offer offers[] = {
		discrete(FOURCC_YUYV, 1280, 720, 30),
		discrete(FOURCC_JPEG, 1280, 720, 30),
	};
	struct wish wish = usual;

	(void)state;
	wish.fourcc = FOURCC_MJPG;
	EXPECT(offers, wish, offers[1], "as asked for");
}

static void nothing_of_use_is_refused(void **state)
{
	const struct offer offer = discrete(H264, 1280, 720, 30);
	struct choice choice;

	(void)state;
	assert_int_equal(negotiate(&offer, 1, &usual, &choice), -1);
	assert_int_equal(negotiate(NULL, 0, &usual, &choice), -1);
}

static void names_are_printable(void **state)
{
	char name[5];

	(void)state;
	fourcc_name(FOURCC('Y', '1', '0', ' '), name);
	assert_string_equal(name, "Y10");
	fourcc_name(FOURCC('Y', '1', '6', ' ') | 1u << 31, name); /* big endian */
	assert_string_equal(name, "Y16?");
	fourcc_name(0, name);
	assert_string_equal(name, "????");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mjpg_that_reaches_size_and_rate_is_chosen),
		cmocka_unit_test(raw_wins_where_mjpg_is_too_slow),
		cmocka_unit_test(where_nothing_reaches_the_rate_the_fastest_wins),
		cmocka_unit_test(ntsc_rates_count_as_reached),
		cmocka_unit_test(a_rate_is_not_faster_than_needed),
		cmocka_unit_test(an_unknown_rate_counts_as_reached),
		cmocka_unit_test(the_nearest_size_is_taken_and_said),
		cmocka_unit_test(ranges_of_sizes_and_rates_are_used),
		cmocka_unit_test(a_step_never_leaves_the_range),
		cmocka_unit_test(colour_comes_before_grey),
		cmocka_unit_test(conversions_are_the_last_resort),
		cmocka_unit_test(an_explicit_format_is_honoured),
		cmocka_unit_test(an_explicit_format_that_is_not_offered_is_said),
		cmocka_unit_test(jpeg_serves_who_asks_for_mjpg),
		cmocka_unit_test(nothing_of_use_is_refused),
		cmocka_unit_test(names_are_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
