/* SPDX-License-Identifier: MIT */
#include "fcgi/record.h"

#include "tests/capture/support.h"

static void a_header_is_that_of_the_specification(void **state)
{
	uint8_t header[RECORD_HEADER];

	(void)state;
	assert_ptr_equal(record_header(header, RECORD_STDOUT, 0x1234, 0xabcd), header + 8);
	assert_memory_equal(header, "\x01\x06\x12\x34\xab\xcd\x00\x00", 8);
}

static void the_end_is_an_empty_stdout_and_end_request(void **state)
{
	uint8_t end[RECORD_END];

	(void)state;
	assert_ptr_equal(record_end(end, 1), end + RECORD_END);
	assert_memory_equal(end, "\1\6\0\1\0\0\0\0\1\3\0\1\0\x08\0\0\0\0\0\0\0\0\0\0", RECORD_END);
}

static void content_is_cut_at_the_largest_record(void **state)
{
	static const size_t sizes[] = {0, 1, 100, RECORD_MAX - 1, RECORD_MAX, RECORD_MAX + 1,
		2 * RECORD_MAX, 2 * RECORD_MAX + 7, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i], whole = record_size(size), left = size;
		uint8_t *content = malloc(size + 1), *records = malloc(whole + 1), *at = records;

		for (size_t n = 0; n < size; n++)
			content[n] = (uint8_t)(n * 31 >> 3);
		assert_ptr_equal(record_stdout(records, 7, content, size), records + whole);
		while (left) {
			size_t n = (size_t)at[4] << 8 | at[5];

			assert_int_equal(n, left < RECORD_MAX ? left : RECORD_MAX);
			assert_int_equal(at[3], 7);
			assert_memory_equal(at + RECORD_HEADER, content + size - left, n);
			at += RECORD_HEADER + n;
			left -= n;
		}
		assert_ptr_equal(at, records + whole);
		free(content);
		free(records);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_that_of_the_specification),
		cmocka_unit_test(the_end_is_an_empty_stdout_and_end_request),
		cmocka_unit_test(content_is_cut_at_the_largest_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
