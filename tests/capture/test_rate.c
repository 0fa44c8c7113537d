/* SPDX-License-Identifier: MIT */
#include "capture/rate.h"

#include "tests/capture/support.h"

#define BEGIN (1000 * NS_PER_S)

/* Adds events for a while; returns the time of the last. */
static int64_t run(struct rate *rate, double fps, int64_t from_ns, double for_s)
{
	int events = (int)(for_s * fps);

	for (int i = 0; i <= events; i++)
		rate_add(rate, from_ns + (int64_t)(i * (double)NS_PER_S / fps));
	return from_ns + (int64_t)(events * (double)NS_PER_S / fps);
}

static void begins_at_zero(void **state)
{
	struct rate rate = {0};

	(void)state;
	assert_float_equal(rate_per_s(&rate, BEGIN), 0, 0);
	rate_add(&rate, BEGIN);
	assert_float_equal(rate_per_s(&rate, BEGIN), 0, 0);
}

static void counts_events_per_second(void **state)
{
	static const double rates[] = {0.1, 0.5, 1, 5, 29.97, 30, 240};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rate rate = {0};
		int64_t end = run(&rate, rates[i], BEGIN, 60);

		assert_float_equal(rate_per_s(&rate, end), rates[i], rates[i] / 50);
	}
}

static void is_known_before_the_first_window_ends(void **state)
{
	struct rate rate = {0};
	int64_t end = run(&rate, 20, BEGIN, 0.5);

	(void)state;
	assert_float_equal(rate_per_s(&rate, end), 20, 0.1);
}

static void follows_a_change(void **state)
{
	struct rate rate = {0};
	int64_t end = run(&rate, 30, BEGIN, 5);

	(void)state;
	end = run(&rate, 10, end + NS_PER_S / 10, 5);
	assert_float_equal(rate_per_s(&rate, end), 10, 0.5);
}

static void silence_is_zero_after_two_seconds(void **state)
{
	struct rate rate = {0};
	int64_t end = run(&rate, 30, BEGIN, 5);

	(void)state;
	assert_float_equal(rate_per_s(&rate, end + NS_PER_S), 30, 1);
	assert_float_equal(rate_per_s(&rate, end + 2 * NS_PER_S + 1), 0, 0);
}

static void a_slow_rate_has_two_intervals(void **state)
{
	struct rate rate = {0};
	int64_t end = run(&rate, 0.5, BEGIN, 20);

	(void)state;
	assert_float_equal(rate_per_s(&rate, end + 3 * NS_PER_S), 0.5, 0.01);
	assert_float_equal(rate_per_s(&rate, end + 4 * NS_PER_S + NS_PER_MS), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_at_zero),
		cmocka_unit_test(counts_events_per_second),
		cmocka_unit_test(is_known_before_the_first_window_ends),
		cmocka_unit_test(follows_a_change),
		cmocka_unit_test(silence_is_zero_after_two_seconds),
		cmocka_unit_test(a_slow_rate_has_two_intervals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
