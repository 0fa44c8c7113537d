/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include "tests/capture/support.h"

static void each_entry_finds_its_kind(void **state)
{
	(void)state;
	assert_ptr_equal(source_for("pattern"), &source_pattern);
	assert_ptr_equal(source_for("file:clip.mjpeg"), &source_file);
	assert_ptr_equal(source_for("file:"), &source_file);
	assert_ptr_equal(source_for("auto"), &source_v4l2);
	assert_ptr_equal(source_for("/dev/video0"), &source_v4l2);
	assert_ptr_equal(source_for("0"), &source_v4l2);
	assert_ptr_equal(source_for("17"), &source_v4l2);
}

static void nonsense_finds_none(void **state)
{
	(void)state;
	assert_null(source_for(""));
	assert_null(source_for("patterns"));
	assert_null(source_for("http:camera"));
	assert_null(source_for("-1"));
	assert_null(source_for("1x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_finds_its_kind),
		cmocka_unit_test(nonsense_finds_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
