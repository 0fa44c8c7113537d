/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_controls.h"

#include "tests/capture/fake_controls.h"
#include "tests/capture/support.h"

static const char node[] = "/dev/null"; /* ioctl() is ours */
static char error[512];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static const struct control_info *of(const struct controls *controls, const char *name)
{
	const struct control_info *control = controls_find(controls, name);

	assert_non_null(control);
	return control;
}

static enum v4l2_controls_outcome set(
	const struct control_wish *wishes, size_t count, struct controls *controls)
{
	error[0] = '\0';
	return v4l2_controls_set(node, wishes, count, controls, error, sizeof(error));
}

static void only_nodes_have_controls(void **state)
{
	(void)state;
	assert_true(v4l2_controls_has("/dev/video0"));
	assert_false(v4l2_controls_has("pattern"));
	assert_false(v4l2_controls_has("file:/a/clip.mjpeg"));
	assert_false(v4l2_controls_has(""));
}

static void all_types_are_listed_and_what_is_not_ours_is_not(void **state)
{
	struct controls controls;

	(void)state;
	assert_int_equal(v4l2_controls_list(node, &controls), 0);
	assert_int_equal(
		controls.size, FAKE_CONTROLS - 3); /* the class, the string, the disabled */
	assert_null(controls_find(&controls, "string"));
	assert_null(controls_find(&controls, "gone"));
	assert_int_equal(of(&controls, "brightness")->value, 128);
	assert_int_equal(of(&controls, "brightness")->max, 255);
	assert_true(of(&controls, "exposure_time_absolute")->inactive);
	assert_true(of(&controls, "auto_exposure")->governs);
	assert_int_equal(of(&controls, "bits")->value, 0x80002000);
	assert_int_equal(of(&controls, "bits")->max, 0x80002000);
	assert_true(of(&controls, "integer_64_bits")->value == INT64_C(-5000000000));
	assert_true(of(&controls, "status_read")->read_only);
	assert_false(of(&controls, "button")->has_value);
	assert_int_equal(of(&controls, "button")->type, CONTROL_TYPE_BUTTON);
	controls_free(&controls);
	assert_int_equal(controls.size, 0);
}

static void menus_keep_their_holes(void **state)
{
	const struct control_info *control;
	struct controls controls;

	(void)state;
	assert_int_equal(v4l2_controls_list(node, &controls), 0);
	control = of(&controls, "auto_exposure");
	assert_int_equal(control->menu_size, 2);
	assert_int_equal(control->menu[0].value, 1);
	assert_string_equal(control->menu[1].label, "Aperture Priority Mode");
	control = of(&controls, "dozens");
	assert_int_equal(control->menu_size, 3);
	assert_string_equal(control->menu[2].label, "36");
	controls_free(&controls);
}

static void a_device_without_controls_has_none(void **state)
{
	struct controls controls;

	(void)state;
	fake_error = ENOTTY;
	assert_int_equal(v4l2_controls_list(node, &controls), 0);
	assert_int_equal(controls.size, 0);
}

static void a_device_that_is_gone_is_told(void **state)
{
	const struct control_wish wish = {"brightness", "1"};
	struct controls controls;

	(void)state;
	fake_error = ENODEV;
	assert_int_equal(v4l2_controls_list(node, &controls), -1);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(set(&wish, 1, &controls), V4L2_CONTROLS_GONE);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(v4l2_controls_list("/nowhere/video0", &controls), -1);
	assert_int_equal(errno, ENOENT);
}

static void what_governs_is_set_first(void **state)
{
	const struct control_wish wishes[] = {
		{"brightness", "3"}, {"exposure_absolute", "333"}, {"exposure_auto", "1"}};
	struct controls controls;

	(void)state;
	assert_int_equal(set(wishes, 3, &controls), V4L2_CONTROLS_SET);
	assert_string_equal(fake_log, "Auto Exposure=1 Brightness=3 Exposure Time, Absolute=333 ");
	assert_int_equal(of(&controls, "exposure_time_absolute")->value, 333);
	assert_false(of(&controls, "exposure_time_absolute")->inactive);
	assert_int_equal(fake_streams, 0);
	controls_free(&controls);
}

static void every_type_is_set_and_read_back(void **state)
{
	const struct control_wish wishes[] = {{"bits", "0x2000"},
		{"integer_64_bits", "-7000000000"}, {"dozens", "2"}, {"horizontal_flip", "1"},
		{"button", "1"}};
	struct controls controls;

	(void)state;
	assert_int_equal(set(wishes, 5, &controls), V4L2_CONTROLS_SET);
	assert_int_equal(of(&controls, "bits")->value, 0x2000);
	assert_true(of(&controls, "integer_64_bits")->value == INT64_C(-7000000000));
	assert_int_equal(of(&controls, "dozens")->value, 2);
	assert_int_equal(of(&controls, "horizontal_flip")->value, 1);
	assert_non_null(strstr(fake_log, "Button=1"));
	controls_free(&controls);
}

static void one_bad_wish_and_nothing_is_set(void **state)
{
	const struct control_wish value[] = {{"brightness", "3"}, {"dozens", "3"}};
	const struct control_wish name[] = {{"brightness", "3"}, {"sepia", "1"}};
	struct controls controls;

	(void)state;
	assert_int_equal(set(value, 2, &controls), V4L2_CONTROLS_BAD);
	assert_string_equal(
		error, "dozens: \"3\" is not valid: give one of 0 (12), 1 (24), 2 (36)");
	assert_int_equal(controls.size, FAKE_CONTROLS - 3);
	controls_free(&controls);
	assert_int_equal(set(name, 2, &controls), V4L2_CONTROLS_BAD);
	assert_memory_equal(error, "sepia: ", 7);
	controls_free(&controls);
	assert_string_equal(fake_log, "");
}

static void a_refusal_puts_back_what_was_set(void **state)
{
	const struct control_wish wishes[] = {{"brightness", "3"}, {"horizontal_flip", "1"},
		{"power_line_frequency", "2"}, {"bits", "0"}};
	struct controls controls;

	(void)state;
	fake[FAKE_POWER_LINE].refuses = EBUSY;
	fake[FAKE_POWER_LINE].bad = 2;
	assert_int_equal(set(wishes, 4, &controls), V4L2_CONTROLS_REFUSED);
	assert_memory_equal(error, "power_line_frequency: the camera refuses 2 now: ", 48);
	assert_string_equal(
		fake_log, "Brightness=3 Horizontal Flip=1 Horizontal Flip=0 Brightness=128 ");
	assert_int_equal(of(&controls, "brightness")->value, 128);
	controls_free(&controls);
}

static void an_automatic_is_named_as_the_likely_reason(void **state)
{
	const struct control_wish wish = {"exposure_time_absolute", "333"};
	struct controls controls;

	(void)state;
	assert_int_equal(set(&wish, 1, &controls), V4L2_CONTROLS_REFUSED);
	assert_non_null(strstr(error, "an automatic may have it"));
	controls_free(&controls);
}

static void going_away_meanwhile_is_told(void **state)
{
	const struct control_wish wish = {"brightness", "3"};
	struct controls controls;

	(void)state;
	fake[FAKE_BRIGHTNESS].refuses = ENODEV;
	fake[FAKE_BRIGHTNESS].bad = 3;
	assert_int_equal(set(&wish, 1, &controls), V4L2_CONTROLS_GONE);
	assert_int_equal(errno, ENODEV);
}

static void reapplying_sets_what_it_can(void **state)
{
	const struct control_wish wishes[] = {{"sepia", "1"}, {"brightness", "300"},
		{"exposure_absolute", "333"}, {"button", "1"}, {"power_line_frequency", "2"},
		{"horizontal_flip", "1"}, {"auto_exposure", "1"}};

	(void)state;
	fake[FAKE_POWER_LINE].refuses = EIO;
	fake[FAKE_POWER_LINE].bad = 2;
	v4l2_controls_reapply(node, wishes, 7);
	assert_string_equal(
		fake_log, "Auto Exposure=1 Exposure Time, Absolute=333 Horizontal Flip=1 ");
}

static void reapplying_leaves_to_the_automatic_what_it_has(void **state)
{
	const struct control_wish wishes[] = {{"exposure_absolute", "333"}, {"auto_exposure", "3"}};

	(void)state;
	fake[FAKE_EXPOSURE].flags = 0;
	v4l2_controls_reapply(node, wishes, 2);
	assert_string_equal(fake_log, "Auto Exposure=3 ");
}

static void reapplying_nothing_touches_nothing(void **state)
{
	const struct control_wish wish = {"brightness", "3"};

	(void)state;
	v4l2_controls_reapply("/nowhere/video0", NULL, 0);
	v4l2_controls_reapply("/nowhere/video0", &wish, 1);
	fake_error = ENODEV;
	v4l2_controls_reapply(node, &wish, 1);
	assert_string_equal(fake_log, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_nodes_have_controls),
		cmocka_unit_test_setup(all_types_are_listed_and_what_is_not_ours_is_not, begin),
		cmocka_unit_test_setup(menus_keep_their_holes, begin),
		cmocka_unit_test_setup(a_device_without_controls_has_none, begin),
		cmocka_unit_test_setup(a_device_that_is_gone_is_told, begin),
		cmocka_unit_test_setup(what_governs_is_set_first, begin),
		cmocka_unit_test_setup(every_type_is_set_and_read_back, begin),
		cmocka_unit_test_setup(one_bad_wish_and_nothing_is_set, begin),
		cmocka_unit_test_setup(a_refusal_puts_back_what_was_set, begin),
		cmocka_unit_test_setup(an_automatic_is_named_as_the_likely_reason, begin),
		cmocka_unit_test_setup(going_away_meanwhile_is_told, begin),
		cmocka_unit_test_setup(reapplying_sets_what_it_can, begin),
		cmocka_unit_test_setup(reapplying_leaves_to_the_automatic_what_it_has, begin),
		cmocka_unit_test_setup(reapplying_nothing_touches_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
