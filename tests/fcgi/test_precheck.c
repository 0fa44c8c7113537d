/* SPDX-License-Identifier: MIT */
#include "fcgi/precheck.h"

#include "tests/fcgi/support.h"

static struct bytes request;

static int set_up(void **state)
{
	(void)state;
	request.size = 0;
	return 0;
}

static enum precheck check(void)
{
	/* in memory of exactly that size, so that the sanitizers see a byte too far */
	uint8_t *copy = malloc(request.size + !request.size);
	enum precheck verdict;

	memcpy(copy, request.data, request.size);
	verdict = precheck(copy, request.size);
	free(copy);
	return verdict;
}

static void a_whole_request_is_complete(void **state)
{
	(void)state;
	put_get(&request, "/video_feed", "fps=5");
	assert_int_equal(check(), PRECHECK_COMPLETE);
	put(&request, "anything", 8); /* what comes behind it is not looked at */
	assert_int_equal(check(), PRECHECK_COMPLETE);
}

static void every_prefix_has_to_wait(void **state)
{
	static const char *const variables[] = {
		"REQUEST_METHOD", "POST", "SCRIPT_NAME", "/x", NULL};
	size_t whole;

	(void)state;
	put_request(&request, 300, variables, "brightness=5", 12);
	whole = request.size;
	assert_int_equal(check(), PRECHECK_COMPLETE);
	for (request.size = 0; request.size < whole; request.size++)
		assert_int_equal(check(), PRECHECK_WAIT);
}

static void padding_and_small_records_are_fine(void **state)
{
	uint8_t padded[RECORD_HEADER];

	(void)state;
	put_begin(&request, 1);
	for (int i = 0; i < 100; i++) {
		record_header(padded, RECORD_PARAMS, 1, 3);
		padded[6] = 5;
		put(&request, padded, sizeof(padded));
		put(&request, "\1\0A.....", 8);
	}
	put_record(&request, RECORD_PARAMS, 1, "", 0);
	for (int i = 0; i < 10; i++)
		put_record(&request, RECORD_STDIN, 1, "x", 1);
	assert_int_equal(check(), PRECHECK_WAIT);
	put_record(&request, RECORD_STDIN, 1, "", 0);
	assert_int_equal(check(), PRECHECK_COMPLETE);
}

static void put_params(size_t size)
{
	static const char zeros[PRECHECK_PARAMS_MAX + 1];

	put_begin(&request, 1);
	put_record(&request, RECORD_PARAMS, 1, zeros, size);
}

static void parameters_have_a_limit(void **state)
{
	(void)state;
	put_params(PRECHECK_PARAMS_MAX);
	assert_int_equal(check(), PRECHECK_WAIT);
	put_record(&request, RECORD_PARAMS, 1, "", 0);
	put_record(&request, RECORD_STDIN, 1, "", 0);
	assert_int_equal(check(), PRECHECK_COMPLETE);
	request.size = 0;
	put_params(PRECHECK_PARAMS_MAX + 1);
	assert_int_equal(check(), PRECHECK_BAD);
	request.size = 8 + 8 + 8; /* the header that announces it is enough */
	assert_int_equal(check(), PRECHECK_BAD);
	request.size = 0;
	put_params(PRECHECK_PARAMS_MAX);
	put_record(&request, RECORD_PARAMS, 1, "x", 1);
	assert_int_equal(check(), PRECHECK_BAD);
}

static void put_body(size_t size)
{
	static const char *const none[] = {NULL};
	static const char zeros[PRECHECK_BODY_MAX + 1];

	request.size = 0;
	put_request(&request, 1, none, zeros, size);
}

static void a_long_body_is_told_from_a_bad_request(void **state)
{
	(void)state;
	put_body(PRECHECK_BODY_MAX);
	assert_int_equal(check(), PRECHECK_COMPLETE);
	put_body(PRECHECK_BODY_MAX + 1);
	assert_int_equal(check(), PRECHECK_TOO_LONG);
	request.size = 16 + 8 + 8; /* BEGIN_REQUEST, the end of PARAMS and the header of STDIN */
	assert_int_equal(check(), PRECHECK_TOO_LONG);
	put_body(PRECHECK_BODY_MAX);
	request.size -= RECORD_HEADER;
	put_record(&request, RECORD_STDIN, 1, "x", 1);
	assert_int_equal(check(), PRECHECK_TOO_LONG);
}

/* The largest request that is allowed fits, even in records of 16 bytes. */
static void the_largest_request_fits(void **state)
{
	static const uint8_t zeros[16];

	(void)state;
	put_begin(&request, 1);
	for (int i = 0; i < PRECHECK_PARAMS_MAX / 16; i++)
		put_record(&request, RECORD_PARAMS, 1, zeros, 16);
	put_record(&request, RECORD_PARAMS, 1, "", 0);
	for (int i = 0; i < PRECHECK_BODY_MAX / 16; i++)
		put_record(&request, RECORD_STDIN, 1, zeros, 16);
	put_record(&request, RECORD_STDIN, 1, "", 0);
	assert_int_equal(check(), PRECHECK_COMPLETE);
	assert_true(request.size <= PRECHECK_BYTES);
}

static void expect_bad_with(size_t at, uint8_t value)
{
	request.size = 0;
	put_get(&request, "/", "");
	request.data[at] = value;
	assert_int_equal(check(), PRECHECK_BAD);
}

static void what_is_no_responders_request_is_bad(void **state)
{
	(void)state;
	expect_bad_with(0, 2);   /* version */
	expect_bad_with(0, 'G'); /* HTTP on the wrong port */
	expect_bad_with(1, RECORD_PARAMS);
	expect_bad_with(1, 9);             /* FCGI_GET_VALUES */
	expect_bad_with(3, 0);             /* request id 0 is for management records */
	expect_bad_with(5, 7);             /* a BEGIN_REQUEST of another size */
	expect_bad_with(9, 2);             /* an authorizer */
	expect_bad_with(9, 3);             /* a filter */
	expect_bad_with(16, 9);            /* the second record's version */
	expect_bad_with(17, RECORD_STDIN); /* before the parameters' end */
	expect_bad_with(17, RECORD_ABORT_REQUEST);
	expect_bad_with(17, RECORD_BEGIN_REQUEST);
	expect_bad_with(19, 2); /* of another request */
}

static void garbage_is_never_complete(void **state)
{
	(void)state;
	srand(3);
	for (int i = 0; i < 20000; i++) {
		request.size = (size_t)rand() % 300;
		for (size_t n = 0; n < request.size; n++)
			request.data[n] = (uint8_t)rand();
		if (request.size && i % 2)
			request.data[0] = 1;
		assert_int_not_equal(check(), PRECHECK_COMPLETE);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_whole_request_is_complete),
		TEST(every_prefix_has_to_wait),
		TEST(padding_and_small_records_are_fine),
		TEST(parameters_have_a_limit),
		TEST(a_long_body_is_told_from_a_bad_request),
		TEST(the_largest_request_fits),
		TEST(what_is_no_responders_request_is_bad),
		TEST(garbage_is_never_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
