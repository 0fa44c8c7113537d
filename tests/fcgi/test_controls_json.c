/* SPDX-License-Identifier: MIT */
#include "fcgi/controls_json.h"

#include "capture/controls.h"
#include "tests/capture/support.h"

#include <jansson.h>

static void assert_json(const struct controls *controls, const char *expected)
{
	char *json = controls_json(controls);

	assert_non_null(json);
	assert_string_equal(json, expected);
	free(json);
}

static void none_is_an_empty_array(void **state)
{
	const struct controls none = {0};

	(void)state;
	assert_json(&none, "[]");
}

static void every_key_is_there(void **state)
{
	struct control_choice menu[] = {{1, "Manual Mode"}, {3, "\"Automatic\""}};
	struct control_info list[] = {
		{.name = "auto_exposure",
			.label = "Auto Exposure",
			.type = CONTROL_TYPE_MENU,
			.max = 3,
			.step = 1,
			.preset = 3,
			.value = 1,
			.has_value = true,
			.menu = menu,
			.menu_size = 2},
		{.name = "press", .label = "Press", .type = CONTROL_TYPE_BUTTON},
		{.name = "big",
			.label = "Big",
			.type = CONTROL_TYPE_INT64,
			.min = INT64_MIN,
			.max = INT64_MAX,
			.step = 1,
			.value = -5,
			.has_value = true,
			.inactive = true,
			.read_only = true},
	};
	const struct controls controls = {list, 3};

	(void)state;
	assert_json(&controls,
		"[{\"id\":\"auto_exposure\",\"label\":\"Auto Exposure\",\"type\":\"menu\","
		"\"min\":0,\"max\":3,\"step\":1,\"default\":3,\"value\":1,"
		"\"menu\":[{\"value\":1,\"label\":\"Manual Mode\"},"
		"{\"value\":3,\"label\":\"\\\"Automatic\\\"\"}],\"flags\":[]},"
		"{\"id\":\"press\",\"label\":\"Press\",\"type\":\"button\","
		"\"min\":0,\"max\":0,\"step\":0,\"default\":0,\"value\":null,\"menu\":[],"
		"\"flags\":[]},"
		"{\"id\":\"big\",\"label\":\"Big\",\"type\":\"int64\","
		"\"min\":-9223372036854775808,\"max\":9223372036854775807,\"step\":1,"
		"\"default\":0,\"value\":-5,\"menu\":[],\"flags\":[\"inactive\",\"read_only\"]}]");
}

static void a_label_that_is_no_utf8_is_made_readable(void **state)
{
	struct control_info list[] = {
		{.name = "sch_rfe", .label = "Sch\xe4rfe", .type = CONTROL_TYPE_BUTTON}};
	const struct controls controls = {list, 1};
	char *text = controls_json(&controls);
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	(void)state;
	assert_non_null(json);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json, 0), "label")), "Sch?rfe");
	json_decref(json);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_an_empty_array),
		cmocka_unit_test(every_key_is_there),
		cmocka_unit_test(a_label_that_is_no_utf8_is_made_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
