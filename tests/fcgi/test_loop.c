/* SPDX-License-Identifier: MIT */
#include "fcgi/loop.h"

#include "tests/fcgi/support.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

struct counter {
	struct watch watch;
	struct loop *loop;
	int calls;
	uint32_t events;
	struct counter *removes; /* the other one, in its call */
};

static void count_call(struct watch *watch, uint32_t events)
{
	struct counter *counter = (struct counter *)watch;

	counter->calls++;
	counter->events = events;
	if (counter->removes) {
		loop_remove(counter->loop, &counter->removes->watch);
		close(counter->removes->watch.fd);
		free(counter->removes);
		counter->removes = NULL;
	}
}

static struct counter *create_counter(struct loop *loop, bool readable)
{
	struct counter *counter = calloc(1, sizeof(*counter));

	counter->loop = loop;
	counter->watch = (struct watch){count_call, eventfd(readable, EFD_NONBLOCK | EFD_CLOEXEC)};
	assert_int_equal(loop_add(loop, &counter->watch, EPOLLIN), 0);
	return counter;
}

static void destroy_counter(struct counter *counter)
{
	loop_remove(counter->loop, &counter->watch);
	close(counter->watch.fd);
	free(counter);
}

static void only_the_ready_are_called(void **state)
{
	struct loop *loop = loop_create();
	struct counter *ready = create_counter(loop, true), *quiet = create_counter(loop, false);

	(void)state;
	loop_turn(loop, INT64_MAX);
	assert_int_equal(ready->calls, 1);
	assert_int_equal(ready->events, EPOLLIN);
	assert_int_equal(quiet->calls, 0);
	loop_modify(loop, &quiet->watch, EPOLLIN | EPOLLOUT);
	loop_turn(loop, INT64_MAX);
	assert_int_equal(quiet->events, EPOLLOUT);
	destroy_counter(ready);
	destroy_counter(quiet);
	loop_destroy(loop);
}

static void it_waits_until_the_deadline(void **state)
{
	struct loop *loop = loop_create();
	int64_t deadline_ns = clock_now_ns() + 30 * NS_PER_MS + 1;

	(void)state;
	loop_turn(loop, deadline_ns);
	assert_true(clock_now_ns() >= deadline_ns);
	loop_turn(loop, 0); /* one that is over: it only looks */
	loop_destroy(loop);
	loop_destroy(NULL);
}

/* Both are ready; whoever is called first removes and frees the other. */
static void a_removed_watch_is_not_called(void **state)
{
	struct loop *loop = loop_create();
	struct counter *one = create_counter(loop, true), *two = create_counter(loop, true);
	struct counter *left;

	(void)state;
	one->removes = two;
	two->removes = one;
	loop_turn(loop, INT64_MAX);
	/* eventfds become ready in the order of their creation; the first survives */
	left = one;
	assert_int_equal(left->calls, 1);
	loop_turn(loop, INT64_MAX);
	assert_int_equal(left->calls, 2);
	destroy_counter(left);
	loop_destroy(loop);
}

static void what_epoll_refuses_is_told(void **state)
{
	struct loop *loop = loop_create();
	struct watch nothing = {count_call, -1};
	struct rlimit before, none;

	(void)state;
	assert_int_equal(loop_add(loop, &nothing, EPOLLIN), -1);
	assert_int_equal(errno, EBADF);
	loop_destroy(loop);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_null(loop_create());
	assert_int_equal(errno, EMFILE);
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_ready_are_called),
		cmocka_unit_test(it_waits_until_the_deadline),
		cmocka_unit_test(a_removed_watch_is_not_called),
		cmocka_unit_test(what_epoll_refuses_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
