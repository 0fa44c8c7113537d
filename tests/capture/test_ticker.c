/* SPDX-License-Identifier: MIT */
#include "capture/ticker.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

static bool ticked(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void the_first_tick_comes_at_once(void **state)
{
	int fd = ticker_open(0.1);
	int64_t begun = clock_now_ns();

	(void)state;
	assert_true(fd >= 0);
	assert_true(ticked(fd, 20000));
	assert_true(clock_now_ns() - begun < 9 * NS_PER_S);
	assert_int_equal(ticker_read(fd), 1);
	assert_int_equal(ticker_read(fd), 0); /* the next is ten seconds away */
	close(fd);
}

static void ticks_add_up_to_the_rate(void **state)
{
	int64_t begun = clock_now_ns(), took;
	int fd = ticker_open(200);
	uint64_t ticks = 0;

	(void)state;
	while (ticks < 60) {
		assert_true(ticked(fd, 20000));
		ticks += ticker_read(fd);
	}
	took = clock_now_ns() - begun;
	assert_true((double)ticks <= (double)took / 5e6 + 1);
	assert_true(took >= 59 * 5 * NS_PER_MS);
	close(fd);
}

static void says_when_there_is_no_descriptor(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ticker_open(30), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_tick_comes_at_once),
		cmocka_unit_test(ticks_add_up_to_the_rate),
		cmocka_unit_test(says_when_there_is_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
