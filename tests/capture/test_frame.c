/* SPDX-License-Identifier: MIT */
#include "capture/frame.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <pthread.h>

static void begins_empty_with_one_reference(void **state)
{
	struct frame *frame = frame_create(1000);

	(void)state;
	assert_non_null(frame);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(frame->size, 0);
	assert_int_equal(frame->seq, 0);
	assert_int_equal(frame->stream_ns, 0);
	memset(frame->data, 0xff, 1000); /* the sanitizers see whether there is room */
	frame_unref(frame);
}

static void room_for_nothing_is_fine(void **state)
{
	(void)state;
	frame_unref(frame_create(0));
}

static void says_when_there_is_no_memory(void **state)
{
	(void)state;
	errno = 0;
	assert_null(frame_create((size_t)PTRDIFF_MAX - 4096));
	assert_int_equal(errno, ENOMEM);
}

static void last_reference_frees(void **state)
{
	struct frame *frame = frame_create(1);

	(void)state;
	assert_ptr_equal(frame_ref(frame), frame);
	assert_int_equal(frame->refs, 2);
	frame_unref(frame);
	assert_int_equal(frame->refs, 1);
	frame_unref(frame); /* a leak or a double free is the sanitizers' to see */
	frame_unref(NULL);
}

static void *borrow_often(void *arg)
{
	struct frame *frame = arg;

	for (int i = 0; i < 20000; i++)
		frame_unref(frame_ref(frame));
	frame_unref(frame);
	return NULL;
}

static void threads_may_share_it(void **state)
{
	struct frame *frame = frame_create(16);
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, borrow_often, frame_ref(frame)), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(frame->refs, 1);
	frame_unref(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_empty_with_one_reference),
		cmocka_unit_test(room_for_nothing_is_fine),
		cmocka_unit_test(says_when_there_is_no_memory),
		cmocka_unit_test(last_reference_frees),
		cmocka_unit_test(threads_may_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sanitizers' allocators abort at an impossible size unless told to return NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}
