/* SPDX-License-Identifier: MIT */
#include "capture/controls.h"

#include "tests/capture/support.h"

static char error[512];

/* Names that v4l2-ctl prints for these labels. */
static void names_are_those_of_v4l2_ctl(void **state)
{
	static const char *const pairs[][2] = {
		{"Brightness", "brightness"},
		{"White Balance, Automatic", "white_balance_automatic"},
		{"Exposure (Absolute)", "exposure_absolute"},
		{"  Gain -- 2 ", "gain_2"},
		{"S-Video #3", "s_video_3"},
		{"\xc3\xa4rger", "rger"},
		{"", ""},
		{"Abcdefghijklmnopqrstuvwxyz01234", "abcdefghijklmnopqrstuvwxyz01234"},
		{"a b c d e f g h i j k l m n o p q r", "a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p"},
	};
	char name[CONTROL_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		control_name(pairs[i][0], name);
		assert_string_equal(name, pairs[i][1]);
	}
}

static void old_and_new_kernels_mean_the_same(void **state)
{
	(void)state;
	assert_true(control_same_name("exposure_auto", "auto_exposure"));
	assert_true(control_same_name("exposure_time_absolute", "exposure_absolute"));
	assert_true(control_same_name("white_balance_temperature_auto", "white_balance_automatic"));
	assert_true(control_same_name("focus_automatic_continuous", "focus_auto"));
	assert_true(control_same_name("gain", "gain"));
	assert_false(control_same_name("gain", "gamma"));
	assert_false(control_same_name("exposure_auto", "exposure_absolute"));
}

static struct control_choice choices[] = {{0, "Disabled"}, {2, "60 Hz"}};
static struct control_info list[] = {
	{.name = "brightness", .max = 255, .step = 1},
	{.name = "gain", .min = -10, .max = 90, .step = 5},
	{.name = "exposure_auto", .type = CONTROL_TYPE_BOOL, .max = 1, .governs = true},
	{.name = "power_line_frequency",
		.type = CONTROL_TYPE_MENU,
		.max = 2,
		.menu = choices,
		.menu_size = 2},
	{.name = "bits", .type = CONTROL_TYPE_BITMASK, .max = 0x80000005},
	{.name = "big", .type = CONTROL_TYPE_INT64, .min = INT64_MIN, .max = INT64_MAX, .step = 3},
	{.name = "press", .type = CONTROL_TYPE_BUTTON},
	{.name = "status", .max = 5, .step = 1, .read_only = true},
	{.name = "focus_auto", .type = CONTROL_TYPE_BOOL, .max = 1, .governs = true},
};
static const struct controls controls = {list, sizeof(list) / sizeof(list[0])};

static int check(const char *name, const char *value, struct control_step *step)
{
	struct control_wish wish;

	snprintf(wish.name, sizeof(wish.name), "%s", name);
	snprintf(wish.value, sizeof(wish.value), "%s", value);
	error[0] = '\0';
	return controls_check(&controls, &wish, step, error, sizeof(error));
}

static void good_values_are_taken(void **state)
{
	static const struct {
		const char *name, *text;
		int64_t value;
	} good[] = {
		{"brightness", "0", 0},
		{"brightness", "255", 255},
		{"brightness", "0xff", 255},
		{"brightness", "007", 7},
		{"gain", "-10", -10},
		{"gain", "90", 90},
		{"exposure_auto", "1", 1},
		{"power_line_frequency", "2", 2},
		{"bits", "0x80000001", 0x80000001},
		{"big", "-9223372036854775808", INT64_MIN},
		{"big", "9223372036854775807", INT64_MAX},
		{"press", "whatever", 1},
	};
	struct control_step step;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(check(good[i].name, good[i].text, &step), 0);
		assert_string_equal(step.control->name, good[i].name);
		assert_int_equal(step.value, good[i].value);
	}
}

/* Each is named with what there is instead. */
static void bad_values_are_refused_in_words(void **state)
{
	static const char *const bad[][3] = {
		{"brightness", "256",
			"brightness: \"256\" is not valid: give a whole number from "
			"0 to 255"},
		{"brightness", "-1", "from 0 to 255"},
		{"brightness", " 1", "from 0 to 255"},
		{"brightness", "1 ", "from 0 to 255"},
		{"brightness", "1.0", "from 0 to 255"},
		{"brightness", "- 1", "from 0 to 255"},
		{"brightness", "0x", "from 0 to 255"},
		{"brightness", "ff", "from 0 to 255"},
		{"brightness", "99999999999999999999", "from 0 to 255"},
		{"gain", "1", "from -10 to 90 in steps of 5"},
		{"exposure_auto", "2", "0 or 1"},
		{"exposure_auto", "true", "0 or 1"},
		{"power_line_frequency", "1", "one of 0 (Disabled), 2 (60 Hz)"},
		{"bits", "2", "bits of 0x80000005"},
		{"bits", "-1", "bits of"},
		{"big", "9223372036854775808", "whole number"},
		{"big", "9223372036854775806", "in steps of 3"},
		{"status", "1", "status: can be read only"},
		{"sepia", "1",
			"sepia: there is no such control; there are brightness, gain, "
			"exposure_auto,"},
	};
	struct control_step step;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check(bad[i][0], bad[i][1], &step), -1);
		assert_non_null(strstr(error, bad[i][2]));
	}
}

static void a_name_of_another_kernel_is_found(void **state)
{
	struct control_step step;

	(void)state;
	assert_int_equal(check("auto_exposure", "0", &step), 0);
	assert_string_equal(step.control->name, "exposure_auto");
	assert_null(controls_find(&controls, "hue_auto"));
}

static void no_controls_is_said(void **state)
{
	const struct controls none = {0};
	const struct control_wish wish = {"gain", "1"};
	struct control_step step;

	(void)state;
	assert_int_equal(controls_check(&none, &wish, &step, error, sizeof(error)), -1);
	assert_string_equal(error, "gain: there is no such control; this camera has none");
}

/* A menu or a list of names that does not fit is cut; nothing is written behind it. */
static void explanations_are_bounded(void **state)
{
	struct control_choice many[64];
	struct control_info menu = {
		.name = "many", .type = CONTROL_TYPE_MENU, .menu = many, .menu_size = 64};
	char small[40];
	int64_t value;
	const struct control_wish wish = {"sepia", "1"};
	struct control_step step;

	(void)state;
	for (int i = 0; i < 64; i++) {
		many[i].value = i;
		snprintf(many[i].label, sizeof(many[i].label), "A label of choice number %d", i);
	}
	assert_int_equal(control_parse(&menu, "64", &value, error, sizeof(error)), -1);
	assert_true(strlen(error) < sizeof(error));
	assert_int_equal(control_parse(&menu, "64", &value, small, sizeof(small)), -1);
	assert_int_equal(strlen(small), sizeof(small) - 1);
	assert_int_equal(controls_check(&controls, &wish, &step, small, sizeof(small)), -1);
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void automatics_come_first_and_the_rest_stays_in_order(void **state)
{
	struct control_step steps[] = {
		{&list[0], 1}, {&list[1], 2}, {&list[2], 3}, {&list[3], 4}, {&list[8], 5}};
	static const int64_t expected[] = {3, 5, 1, 2, 4};

	(void)state;
	controls_order(steps, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(steps[i].value, expected[i]);
	controls_order(steps, 0);
}

static void types_have_names(void **state)
{
	(void)state;
	assert_string_equal(control_type_name(CONTROL_TYPE_INT), "int");
	assert_string_equal(control_type_name(CONTROL_TYPE_INTMENU), "intmenu");
	assert_string_equal(control_type_name(CONTROL_TYPE_BITMASK), "bitmask");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_v4l2_ctl),
		cmocka_unit_test(old_and_new_kernels_mean_the_same),
		cmocka_unit_test(good_values_are_taken),
		cmocka_unit_test(bad_values_are_refused_in_words),
		cmocka_unit_test(a_name_of_another_kernel_is_found),
		cmocka_unit_test(no_controls_is_said),
		cmocka_unit_test(explanations_are_bounded),
		cmocka_unit_test(automatics_come_first_and_the_rest_stays_in_order),
		cmocka_unit_test(types_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
