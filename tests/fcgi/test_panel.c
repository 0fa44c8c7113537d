/* SPDX-License-Identifier: MIT */
#include "fcgi/panel.h"

#include "capture/settings.h"
#include "tests/capture/fake_controls.h"
#include "tests/fcgi/fake_camera.h"

#include <jansson.h>

static struct hub *hub;
static struct camera *camera;
static struct settings *settings;
static struct panel *panel;

static int begin_with(const char *device)
{
	fake_reset();
	fake_device = device;
	fake_fault = -1;
	hub = hub_create();
	settings = settings_create(NULL, NULL, 0);
	camera = make_camera(hub);
	panel = panel_create(camera, settings);
	assert_non_null(panel);
	WAIT_FOR(is_in(camera, CAMERA_IDLE));
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_with("/dev/null");
}

static int begin_pattern(void **state)
{
	(void)state;
	return begin_with("pattern");
}

static int end(void **state)
{
	(void)state;
	panel_destroy(panel);
	panel_destroy(NULL);
	camera_destroy(camera);
	settings_destroy(settings);
	hub_destroy(hub);
	return 0;
}

/* The number of controls and the value of one; both must be JSON. */
static json_int_t value_in(const char *body, const char *id, size_t *size)
{
	json_t *array = json_loads(body, 0, NULL);
	json_int_t found = -1;
	json_t *control;
	size_t i;

	assert_true(json_is_array(array));
	*size = json_array_size(array);
	json_array_foreach(array, i, control)
	{
		if (strcmp(json_string_value(json_object_get(control, "id")), id) == 0)
			found = json_integer_value(json_object_get(control, "value"));
	}
	json_decref(array);
	return found;
}

static void assert_brightness(const char *body, json_int_t expected)
{
	size_t size;

	assert_int_equal(value_in(body, "brightness", &size), expected);
	assert_int_equal(size, FAKE_CONTROLS - 3);
}

static void assert_list(json_int_t brightness)
{
	char *body;

	assert_int_equal(panel_list(panel, &body), 200);
	assert_brightness(body, brightness);
	free(body);
}

static void assert_refused(const char *form, int code, const char *words)
{
	char *body;

	assert_int_equal(panel_set(panel, form, &body), code);
	assert_non_null(strstr(body, words));
	free(body);
}

static void assert_kept(const char *name, const char *value)
{
	struct control_wish wishes[SETTINGS_MAX];
	size_t size = settings_copy(settings, wishes);

	for (size_t i = 0; i < size; i++) {
		if (strcmp(wishes[i].name, name) == 0) {
			assert_string_equal(wishes[i].value, value);
			return;
		}
	}
	fail_msg("%s is not kept", name);
}

static size_t kept(void)
{
	struct control_wish wishes[SETTINGS_MAX];

	return settings_copy(settings, wishes);
}

static void an_idle_camera_is_asked_and_set_without_a_stream(void **state)
{
	char *body;

	(void)state;
	assert_list(128);
	assert_int_equal(panel_set(panel, "brightness=77&exposure_auto=1", &body), 200);
	assert_brightness(body, 77);
	free(body);
	assert_kept("brightness", "77");
	assert_kept("auto_exposure", "1");
	assert_int_equal(kept(), 2);
	assert_int_equal(fake_streams, 0);
}

static void a_button_is_pressed_and_not_kept(void **state)
{
	char *body;

	(void)state;
	assert_int_equal(panel_set(panel, "button=1", &body), 200);
	free(body);
	assert_string_equal(fake_log, "Button=1 ");
	assert_int_equal(kept(), 0);
}

static void what_is_bad_is_named_and_nothing_is_set(void **state)
{
	(void)state;
	assert_refused("brightness=1&sepia=3", 400, "sepia: there is no such control");
	assert_refused("brightness=1&dozens=9", 400, "give one of 0 (12), 1 (24), 2 (36)");
	assert_refused("brightness=1%0a2", 400, "brightness: \"1?2\" is not valid");
	assert_refused("", 400, "give name=value");
	assert_refused("brightness", 400, "give name=value");
	assert_string_equal(fake_log, "");
	assert_int_equal(kept(), 0);
}

static void too_many_at_once_are_refused(void **state)
{
	char form[4 * 129 + 1] = "";

	(void)state;
	for (int i = 0; i < 129; i++)
		strcat(form, "a=1&");
	assert_refused(form, 400, "at most 128");
}

static void a_refusal_is_a_conflict_and_not_kept(void **state)
{
	(void)state;
	fake[FAKE_POWER_LINE].refuses = EBUSY;
	fake[FAKE_POWER_LINE].bad = 2;
	assert_refused("brightness=5&power_line_frequency=2", 409, "power_line_frequency: ");
	assert_list(128);
	assert_int_equal(kept(), 0);
}

static void a_camera_that_goes_at_that_moment_is_told(void **state)
{
	(void)state;
	assert_list(128);
	fake_error = ENODEV;
	assert_refused("brightness=5", 503, "no camera at /dev/null");
	assert_list(128);
	assert_int_equal(kept(), 0);
}

static void while_released_the_last_list_is_given_and_nothing_set(void **state)
{
	(void)state;
	assert_list(128);
	assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
	fake[FAKE_BRIGHTNESS].value = 5;
	assert_list(128);
	assert_refused("brightness=5", 503, "switched off");
	camera_resume(camera);
	WAIT_FOR(is_in(camera, CAMERA_IDLE));
	assert_list(5);
}

static void while_busy_it_is_not_ours_to_set(void **state)
{
	(void)state;
	assert_list(128);
	assert_int_equal(camera_watch(camera), 0);
	WAIT_FOR(is_in(camera, CAMERA_BUSY));
	assert_refused("brightness=5", 503, "in use by another program");
	assert_list(128);
	assert_string_equal(fake_log, "");
	camera_unwatch(camera);
}

static void without_a_camera_there_is_nothing_to_list(void **state)
{
	static const enum camera_state states[] = {CAMERA_NO_DEVICE, CAMERA_DENIED};
	char *body;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fake_fault = (int)states[i];
		/* A resume looks for it at once. */
		assert_int_equal(camera_release(camera, 20 * NS_PER_S), 0);
		camera_resume(camera);
		WAIT_FOR(is_in(camera, states[i]));
		assert_int_equal(panel_list(panel, &body), 200);
		assert_string_equal(body, "[]");
		free(body);
		assert_refused("brightness=5", 503, "because");
	}
}

static void other_sources_have_no_controls(void **state)
{
	char *body;

	(void)state;
	assert_int_equal(panel_list(panel, &body), 200);
	assert_string_equal(body, "[]");
	free(body);
	assert_refused("brightness=5", 400, "brightness: there is no such control");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_idle_camera_is_asked_and_set_without_a_stream, begin, end),
		cmocka_unit_test_setup_teardown(a_button_is_pressed_and_not_kept, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_bad_is_named_and_nothing_is_set, begin, end),
		cmocka_unit_test_setup_teardown(too_many_at_once_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(a_refusal_is_a_conflict_and_not_kept, begin, end),
		cmocka_unit_test_setup_teardown(
			a_camera_that_goes_at_that_moment_is_told, begin, end),
		cmocka_unit_test_setup_teardown(
			while_released_the_last_list_is_given_and_nothing_set, begin, end),
		cmocka_unit_test_setup_teardown(while_busy_it_is_not_ours_to_set, begin, end),
		cmocka_unit_test_setup_teardown(
			without_a_camera_there_is_nothing_to_list, begin, end),
		cmocka_unit_test_setup_teardown(other_sources_have_no_controls, begin_pattern, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
