/* SPDX-License-Identifier: MIT */
#include "capture/hub.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

static struct frame *numbered(uint64_t seq)
{
	struct frame *frame = frame_create(8);

	assert_non_null(frame);
	frame->seq = seq;
	memcpy(frame->data, &seq, sizeof(seq));
	frame->size = sizeof(seq);
	return frame;
}

static bool woken(struct hub *hub)
{
	struct pollfd fd = {.fd = hub_fd(hub), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static uint64_t latest_seq(struct hub *hub)
{
	struct frame *frame = hub_latest(hub);
	uint64_t seq = frame ? frame->seq : 0;

	frame_unref(frame);
	return seq;
}

static void begins_empty_and_quiet(void **state)
{
	struct hub *hub = hub_create();

	(void)state;
	assert_non_null(hub);
	assert_null(hub_latest(hub));
	assert_false(woken(hub));
	hub_acknowledge(hub); /* without a wake-up it returns at once */
	hub_destroy(hub);
	hub_destroy(NULL);
}

static void latest_wins(void **state)
{
	struct hub *hub = hub_create();

	(void)state;
	for (uint64_t seq = 1; seq <= 5; seq++)
		hub_publish(hub, numbered(seq));
	assert_int_equal(latest_seq(hub), 5);
	assert_int_equal(latest_seq(hub), 5);
	hub_destroy(hub);
}

static void wakes_until_acknowledged(void **state)
{
	struct hub *hub = hub_create();

	(void)state;
	hub_publish(hub, numbered(1));
	hub_publish(hub, numbered(2));
	assert_true(woken(hub));
	assert_true(woken(hub));
	hub_acknowledge(hub);
	assert_false(woken(hub));
	hub_wake(hub);
	assert_true(woken(hub));
	hub_acknowledge(hub);
	hub_clear(hub);
	assert_true(woken(hub));
	hub_destroy(hub);
}

static void clear_forgets_and_wake_does_not(void **state)
{
	struct hub *hub = hub_create();

	(void)state;
	hub_publish(hub, numbered(7));
	hub_wake(hub);
	assert_int_equal(latest_seq(hub), 7);
	hub_clear(hub);
	assert_null(hub_latest(hub));
	hub_clear(hub);
	assert_null(hub_latest(hub));
	hub_destroy(hub);
}

static void a_borrowed_frame_outlives_the_hub(void **state)
{
	struct hub *hub = hub_create();
	struct frame *frame;

	(void)state;
	hub_publish(hub, numbered(3));
	frame = hub_latest(hub);
	assert_int_equal(frame->refs, 2);
	hub_publish(hub, numbered(4));
	assert_int_equal(frame->refs, 1);
	hub_destroy(hub);
	assert_int_equal(frame->seq, 3);
	frame_unref(frame);
}

static void says_when_there_is_no_descriptor(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 0;
	assert_null(hub_create());
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

struct hammer {
	struct hub *hub;
	atomic_bool done;
};

/* Any thread may look; what it sees never goes back and is whole. */
static void *look(void *arg)
{
	struct hammer *hammer = arg;
	uint64_t seen = 0, bad = 0;

	while (!atomic_load(&hammer->done)) {
		struct frame *frame = hub_latest(hammer->hub);
		uint64_t content = 0;

		if (!frame)
			continue;
		memcpy(&content, frame->data, sizeof(content));
		bad += content != frame->seq || frame->seq < seen;
		seen = frame->seq;
		frame_unref(frame);
		hub_wake(hammer->hub);
	}
	return (void *)(uintptr_t)bad;
}

static void threads_may_hammer_it(void **state)
{
	struct hammer hammer = {.hub = hub_create()};
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &hammer), 0);
	for (uint64_t seq = 1; seq <= 30000; seq++) {
		hub_publish(hammer.hub, numbered(seq));
		if (seq % 7 == 0)
			hub_clear(hammer.hub);
		if (seq % 3 == 0)
			hub_acknowledge(hammer.hub);
	}
	atomic_store(&hammer.done, true);
	for (int i = 0; i < 3; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(latest_seq(hammer.hub), 30000);
	hub_destroy(hammer.hub);
}

struct relay {
	struct hub *hub;
	uint64_t last;
};

/* The listener as the server has it: sleep, acknowledge, take the newest. */
static void *listen_to_last(void *arg)
{
	struct relay *relay = arg;

	while (latest_seq(relay->hub) < relay->last) {
		struct pollfd fd = {.fd = hub_fd(relay->hub), .events = POLLIN};

		if (poll(&fd, 1, 20000) == 0)
			return "a wake-up was lost";
		hub_acknowledge(relay->hub);
	}
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	struct relay relay = {.hub = hub_create(), .last = 20000};
	pthread_t listener;
	void *complaint;

	(void)state;
	assert_int_equal(pthread_create(&listener, NULL, listen_to_last, &relay), 0);
	for (uint64_t seq = 1; seq <= relay.last; seq++)
		hub_publish(relay.hub, numbered(seq));
	pthread_join(listener, &complaint);
	assert_null(complaint);
	hub_destroy(relay.hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty_and_quiet),
		cmocka_unit_test(latest_wins),
		cmocka_unit_test(wakes_until_acknowledged),
		cmocka_unit_test(clear_forgets_and_wake_does_not),
		cmocka_unit_test(a_borrowed_frame_outlives_the_hub),
		cmocka_unit_test(says_when_there_is_no_descriptor),
		cmocka_unit_test(threads_may_hammer_it),
		cmocka_unit_test(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
