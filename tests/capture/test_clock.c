/* SPDX-License-Identifier: MIT */
#include "capture/clock.h"

#include "tests/capture/support.h"

#include <time.h>

#define WALL (INT64_C(1763802000) * NS_PER_S)

static void clocks_tell_nanoseconds(void **state)
{
	struct timespec now;
	int64_t before = clock_now_ns();

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_in_range(now.tv_sec * NS_PER_S + now.tv_nsec, before, clock_now_ns());
	before = clock_wall_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	assert_in_range(now.tv_sec * NS_PER_S + now.tv_nsec, before, before + NS_PER_S);
}

static void the_first_sample_is_taken_whole(void **state)
{
	struct clock_map map = {0};

	(void)state;
	clock_map_sample(&map, 5 * NS_PER_S, WALL);
	assert_int_equal(map.offset_ns, WALL - 5 * NS_PER_S);
	assert_int_equal(map.sampled_ns, 5 * NS_PER_S);
}

static void a_small_change_is_followed_slowly(void **state)
{
	struct clock_map map = {0};

	(void)state;
	clock_map_sample(&map, NS_PER_S, WALL);
	clock_map_sample(&map, 2 * NS_PER_S, WALL + NS_PER_S + 50 * NS_PER_MS);
	assert_int_equal(map.offset_ns, WALL - NS_PER_S + NS_PER_MS);
	clock_map_sample(&map, 3 * NS_PER_S, WALL + 2 * NS_PER_S - 40 * NS_PER_MS);
	assert_int_equal(map.offset_ns, WALL - NS_PER_S);
	clock_map_sample(&map, 4 * NS_PER_S, WALL + 3 * NS_PER_S + 300);
	assert_int_equal(map.offset_ns, WALL - NS_PER_S + 300);
}

static void a_large_one_is_followed_at_once(void **state)
{
	struct clock_map map = {0};

	(void)state;
	clock_map_sample(&map, NS_PER_S, WALL);
	clock_map_sample(&map, 2 * NS_PER_S, WALL + NS_PER_S + 50 * NS_PER_MS + 1);
	assert_int_equal(map.offset_ns, WALL - NS_PER_S + 50 * NS_PER_MS + 1);
	clock_map_sample(&map, 3 * NS_PER_S, WALL - 3600 * NS_PER_S);
	assert_int_equal(map.offset_ns, WALL - 3603 * NS_PER_S);
}

/* The wall clock drifts and jitters within the limit: a picture's time never goes back. */
static void times_increase_strictly_while_it_slews(void **state)
{
	struct clock_map map = {0};
	int64_t last = 0;

	(void)state;
	srand(1);
	for (int64_t now = NS_PER_S; now < 500 * NS_PER_S; now += 4 * NS_PER_MS) {
		int64_t jitter = (rand() % 40 - 20) * NS_PER_MS;

		if (!map.sampled_ns || now - map.sampled_ns >= NS_PER_S)
			clock_map_sample(&map, now, WALL + now + jitter);
		assert_true(now + map.offset_ns > last);
		last = now + map.offset_ns;
	}
	assert_true(llabs(last - WALL - 500 * NS_PER_S) < 100 * NS_PER_MS);
}

static void a_moment_is_mapped_to_its_wall_time(void **state)
{
	struct clock_map map = {0};
	int64_t now = clock_now_ns(), wall = clock_wall_ns();
	int64_t sampled_ns;

	(void)state;
	assert_true(llabs(clock_map_wall_ns(&map, now) - wall) < NS_PER_S);
	assert_int_equal(clock_map_wall_ns(&map, now + 7) - clock_map_wall_ns(&map, now), 7);
	sampled_ns = map.sampled_ns;
	map.sampled_ns -= NS_PER_S; /* as a second later */
	clock_map_wall_ns(&map, now);
	assert_true(map.sampled_ns >= sampled_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_tell_nanoseconds),
		cmocka_unit_test(the_first_sample_is_taken_whole),
		cmocka_unit_test(a_small_change_is_followed_slowly),
		cmocka_unit_test(a_large_one_is_followed_at_once),
		cmocka_unit_test(times_increase_strictly_while_it_slews),
		cmocka_unit_test(a_moment_is_mapped_to_its_wall_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
