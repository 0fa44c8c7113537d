/* SPDX-License-Identifier: MIT */
#include "capture/fault.h"

#include "tests/capture/support.h"

static void names_are_the_public_ones(void **state)
{
	static const char *const names[CAMERA_STATES] = {"live", "idle", "starting", "released",
		"no-device", "busy", "denied", "stalled", "error"};

	(void)state;
	for (int i = 0; i < CAMERA_STATES; i++)
		assert_string_equal(camera_state_name((enum camera_state)i), names[i]);
}

static void set_fills_in_and_empties_detail(void **state)
{
	struct fault fault;

	(void)state;
	memset(&fault, 'x', sizeof(fault));
	assert_int_equal(fault_set(&fault, CAMERA_BUSY, "camera %d is in use", 3), -1);
	assert_int_equal(fault.state, CAMERA_BUSY);
	assert_string_equal(fault.reason, "camera 3 is in use");
	assert_string_equal(fault.detail, "");
	fault_detail(&fault, "by pid %d", 42);
	assert_string_equal(fault.detail, "by pid 42");
	assert_string_equal(fault.reason, "camera 3 is in use");
}

static void long_texts_are_cut(void **state)
{
	struct fault fault;
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fault_set(&fault, CAMERA_ERROR, "%s", text);
	fault_detail(&fault, "%s", text);
	assert_int_equal(strlen(fault.reason), sizeof(fault.reason) - 1);
	assert_int_equal(strlen(fault.detail), sizeof(fault.detail) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_public_ones),
		cmocka_unit_test(set_fills_in_and_empties_detail),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
