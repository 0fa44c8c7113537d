/* SPDX-License-Identifier: MIT */
#include "fcgi/screen.h"

#include "tests/fcgi/support.h"

static struct screen screen;
static struct camera_status status;

static int set_up(void **state)
{
	(void)state;
	screen_init(&screen, 64, 48);
	status = (struct camera_status){.state = CAMERA_LIVE, .since_ns = clock_wall_ns()};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	screen_finish(&screen);
	assert_int_equal(screen.held, 0);
	return 0;
}

/* A picture comes; the screen gets a reference. */
static bool show(uint64_t seq)
{
	struct frame *frame = small_jpeg(32, 16);

	frame->seq = seq;
	status.state = CAMERA_LIVE;
	return screen_update(&screen, frame, &status);
}

static bool lose(enum camera_state why, const char *reason)
{
	status.state = why;
	snprintf(status.reason, sizeof(status.reason), "%s", reason);
	return screen_update(&screen, NULL, &status);
}

static void it_begins_dark(void **state)
{
	(void)state;
	assert_false(screen.lit);
	assert_null(screen_part(&screen, PART_PLAIN, 1));
	assert_false(lose(CAMERA_IDLE, ""));
	assert_false(screen.lit);
}

static void a_new_picture_is_new_once(void **state)
{
	uint64_t generation;

	(void)state;
	assert_true(show(1));
	generation = screen.generation;
	assert_true(screen.lit && screen.is_picture);
	assert_false(show(1));
	assert_int_equal(screen.generation, generation);
	assert_true(show(2));
	assert_true(screen.generation > generation);
}

static void a_lost_picture_becomes_a_placeholder_of_its_size(void **state)
{
	(void)state;
	show(1);
	assert_true(lose(CAMERA_BUSY, "in use"));
	assert_true(screen.lit && !screen.is_picture);
	assert_int_equal(screen.frame->width, 32);
	assert_int_equal(screen.frame->height, 16);
	assert_int_equal(screen.frame->seq, 0);
	assert_true(screen.frame->wall_ns > 0 && screen.frame->captured_ns > 0);
	assert_false(lose(CAMERA_BUSY, "in use"));
	assert_true(lose(CAMERA_BUSY, "in use by another program"));
	assert_true(lose(CAMERA_ERROR, "in use by another program"));
	assert_true(show(2));
	assert_true(screen.is_picture);
}

static void before_any_picture_it_has_the_wanted_size(void **state)
{
	(void)state;
	assert_true(lose(CAMERA_NO_DEVICE, "none"));
	assert_int_equal(screen.frame->width, 64);
	assert_int_equal(screen.frame->height, 48);
}

static void a_starting_camera_has_three_seconds(void **state)
{
	(void)state;
	status.since_ns = clock_wall_ns();
	assert_false(lose(CAMERA_STARTING, ""));
	assert_false(screen.lit);
	status.since_ns = clock_wall_ns() - 3 * NS_PER_S;
	assert_true(lose(CAMERA_STARTING, ""));
	assert_true(screen.lit && !screen.is_picture);
}

/* Leaving `live` forgets the picture: a waking stream never shows an old one. */
static void a_sleeping_camera_leaves_it_dark(void **state)
{
	(void)state;
	show(1);
	assert_false(lose(CAMERA_IDLE, ""));
	assert_false(screen.lit);
	status.since_ns = clock_wall_ns();
	assert_false(lose(CAMERA_STARTING, ""));
	assert_false(screen.lit);
	assert_true(show(2));
}

static void a_placeholder_stays_while_the_camera_starts_again(void **state)
{
	(void)state;
	lose(CAMERA_NO_DEVICE, "none");
	status.since_ns = clock_wall_ns();
	assert_false(lose(CAMERA_STARTING, ""));
	assert_true(screen.lit && !screen.is_picture);
}

/* Nobody is told "no device" any more once there is one again. */
static void a_placeholder_goes_when_the_camera_is_well(void **state)
{
	(void)state;
	lose(CAMERA_NO_DEVICE, "none");
	assert_false(lose(CAMERA_IDLE, ""));
	assert_false(screen.lit);
}

static void parts_are_made_once_and_counted(void **state)
{
	struct part *one, *two, *other, *foreign;

	(void)state;
	show(1);
	one = screen_part(&screen, PART_PLAIN, 1);
	two = screen_part(&screen, PART_PLAIN, 1);
	other = screen_part(&screen, PART_IN_ADVANCE, 1);
	assert_ptr_equal(one, two);
	assert_ptr_not_equal(one, other);
	assert_int_equal(screen_held_by_viewers(&screen), 0); /* the newest are its own */
	foreign = screen_part(&screen, PART_PLAIN, 2);
	assert_ptr_not_equal(one, foreign);
	assert_int_equal(screen_held_by_viewers(&screen), foreign->size);
	part_unref(foreign);
	show(2);
	assert_int_equal(screen_held_by_viewers(&screen), one->size + other->size);
	part_unref(one);
	part_unref(two);
	part_unref(other);
	assert_int_equal(screen_held_by_viewers(&screen), 0);
}

static void the_last_picture_is_kept_to_end_streams_with(void **state)
{
	struct part *part;

	(void)state;
	show(7);
	lose(CAMERA_IDLE, "");
	part = screen_part(&screen, PART_PLAIN, 1);
	assert_non_null(part);
	assert_non_null(memmem(part->data, part->size, "X-Frame-Seq: 7\r\n", 16));
	part_unref(part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_begins_dark),
		TEST(a_new_picture_is_new_once),
		TEST(a_lost_picture_becomes_a_placeholder_of_its_size),
		TEST(before_any_picture_it_has_the_wanted_size),
		TEST(a_starting_camera_has_three_seconds),
		TEST(a_sleeping_camera_leaves_it_dark),
		TEST(a_placeholder_stays_while_the_camera_starts_again),
		TEST(a_placeholder_goes_when_the_camera_is_well),
		TEST(parts_are_made_once_and_counted),
		TEST(the_last_picture_is_kept_to_end_streams_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
