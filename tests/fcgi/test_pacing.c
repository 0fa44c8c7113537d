/* SPDX-License-Identifier: MIT */
#include "fcgi/pacing.h"

#include "capture/clock.h"
#include "tests/fcgi/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct pacing known(void)
{
	return (struct pacing){.peer.family = AF_INET};
}

static bool allows(struct pacing *pacing, uint32_t unsent, uint64_t bytes_per_s, int64_t now_ns)
{
	const struct tcp_figures figures = {unsent, bytes_per_s};

	return pacing_allows(pacing, &figures, now_ns);
}

static void an_unknown_connection_is_never_asked_about(void **state)
{
	struct pacing pacing = {0};

	(void)state;
	assert_false(pacing_wants_figures(&pacing, NS_PER_S));
	pacing = known();
	assert_true(pacing_wants_figures(&pacing, NS_PER_S));
	pacing_give_up(&pacing);
	assert_false(pacing_wants_figures(&pacing, NS_PER_S));
}

/* 100 KB pictures over a path of 10 MB/s: what is in passing there is no backlog. */
static void a_fast_viewer_is_not_taken_for_a_slow_one(void **state)
{
	struct pacing pacing = known();

	(void)state;
	assert_true(allows(&pacing, 0, 10000000, NS_PER_S));
	assert_true(allows(&pacing, 100000, 10000000, NS_PER_S));
	assert_false(pacing_wants_figures(&pacing, NS_PER_S + 499 * NS_PER_MS));
	assert_true(pacing_wants_figures(&pacing, NS_PER_S + 500 * NS_PER_MS));
}

static void a_slow_viewer_waits_until_its_backlog_is_gone(void **state)
{
	struct pacing pacing = known();

	(void)state;
	assert_false(allows(&pacing, 100000, 200000, NS_PER_S));
	assert_true(pacing_wants_figures(&pacing, NS_PER_S)); /* at each picture */
	assert_true(allows(&pacing, 39000, 200000, 2 * NS_PER_S));
	assert_true(pacing_wants_figures(&pacing, 2 * NS_PER_S));
}

static void the_connection_never_runs_dry(void **state)
{
	struct pacing pacing = known();

	(void)state;
	/* 600 KB/s: what lasts for a fifth of a second may wait */
	assert_true(allows(&pacing, 119000, 600000, NS_PER_S));
	assert_false(allows(&pacing, 121000, 600000, NS_PER_S));
	/* a rate that is not known yet: a segment or two may wait */
	assert_true(allows(&pacing, 16384, 0, NS_PER_S));
	assert_false(allows(&pacing, 16385, 0, NS_PER_S));
}

static void a_viewer_that_has_become_fast_is_looked_at_seldom(void **state)
{
	struct pacing pacing = known();

	(void)state;
	assert_false(allows(&pacing, 100000, 200000, NS_PER_S));
	assert_true(allows(&pacing, 0, 200000, 7 * NS_PER_S));
	assert_false(pacing_wants_figures(&pacing, 7 * NS_PER_S + 100 * NS_PER_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_connection_is_never_asked_about),
		cmocka_unit_test(a_fast_viewer_is_not_taken_for_a_slow_one),
		cmocka_unit_test(a_slow_viewer_waits_until_its_backlog_is_gone),
		cmocka_unit_test(the_connection_never_runs_dry),
		cmocka_unit_test(a_viewer_that_has_become_fast_is_looked_at_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
