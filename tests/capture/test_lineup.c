/* SPDX-License-Identifier: MIT */
#include "capture/lineup.h"

#include "tests/capture/support.h"

#include <errno.h>

/* Sources "a", "b" and "pattern": what each says when it is asked, and what it was asked. */
static struct told {
	enum camera_state fault; /* CAMERA_LIVE: it is there */
	int asked;
	bool known;
	struct source_options options;
} told[3];

static struct told *of(const char *device)
{
	return &told[*device == 'a' ? 0 : *device == 'b' ? 1 : 2];
}

static int ask(const struct source_options *options, struct source_info *info, struct fault *fault)
{
	struct told *entry = of(options->device);

	entry->asked++;
	entry->options = *options;
	entry->known = options->known && strcmp(options->known->device, options->device) == 0;
	if (entry->fault != CAMERA_LIVE)
		return fault_set(fault, entry->fault, "%s refuses", options->device);
	snprintf(info->device, sizeof(info->device), "%s", options->device);
	return 0;
}

static struct source *open_told(const struct source_options *options, struct fault *fault)
{
	static struct source source;

	return ask(options, &source.info, fault) == 0 ? &source : NULL;
}

static const struct source_ops ops_a = {.name = "a", .probe = ask, .open = open_told};
static const struct source_ops ops_b = {.name = "b", .probe = ask, .open = open_told};
static const struct source_ops ops_pattern = {.name = "pattern", .probe = ask, .open = open_told};

static const struct source_ops *find(const char *device)
{
	static const struct source_ops *const all[] = {&ops_a, &ops_b, &ops_pattern};

	for (int i = 0; i < 3; i++) {
		if (strcmp(all[i]->name, device) == 0)
			return all[i];
	}
	return NULL;
}

static struct lineup *create(const char *devices)
{
	const struct source_options wish = {
		.device = devices, .dev_dir = "/dev", .width = 640, .height = 480, .fps = 30};

	memset(told, 0, sizeof(told));
	return lineup_create(&wish, find);
}

static void bad_lists_are_refused(void **state)
{
	static const char *const bad[] = {"", ",", "a,", ",a", "a,,b", "c", "a,c", " a"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(create(bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	lineup_destroy(NULL);
}

static void the_first_that_opens_is_taken(void **state)
{
	struct lineup *lineup = create("a,b,pattern");
	struct fault fault;
	size_t place = 9;

	(void)state;
	assert_int_equal(lineup_size(lineup), 3);
	assert_non_null(lineup_open(lineup, 3, &place, &fault));
	assert_int_equal(place, 0);
	assert_int_equal(told[1].asked, 0);
	assert_string_equal(told[0].options.dev_dir, "/dev");
	assert_int_equal(told[0].options.width, 640);
	told[0].fault = CAMERA_BUSY;
	assert_non_null(lineup_open(lineup, 3, &place, &fault));
	assert_int_equal(place, 1);
	assert_int_equal(fault.state, CAMERA_BUSY);
	assert_string_equal(fault.reason, "a refuses");
	lineup_destroy(lineup);
}

static void entries_behind_the_limit_are_left_alone(void **state)
{
	struct lineup *lineup = create("a,b,pattern");
	struct fault fault;
	size_t place;

	(void)state;
	told[0].fault = CAMERA_NO_DEVICE;
	assert_null(lineup_open(lineup, 1, &place, &fault));
	assert_int_equal(fault.state, CAMERA_NO_DEVICE);
	assert_int_equal(told[1].asked + told[2].asked, 0);
	assert_non_null(lineup_open(lineup, 99, &place, &fault));
	lineup_destroy(lineup);
}

/* A camera that is there but refuses says more than one that is not. */
static void the_most_telling_fault_is_told(void **state)
{
	struct lineup *lineup = create("a,b");
	struct source_info info = {0};
	struct fault fault;
	size_t place;

	(void)state;
	told[0].fault = CAMERA_NO_DEVICE;
	told[1].fault = CAMERA_DENIED;
	assert_null(lineup_open(lineup, 2, &place, &fault));
	assert_string_equal(fault.reason, "b refuses");
	assert_int_equal(lineup_probe(lineup, &info, &fault), -1);
	assert_string_equal(fault.reason, "b refuses");
	told[0].fault = CAMERA_BUSY;
	assert_int_equal(lineup_probe(lineup, &info, &fault), -1);
	assert_string_equal(fault.reason, "a refuses");
	told[0].fault = told[1].fault = CAMERA_NO_DEVICE;
	assert_int_equal(lineup_probe(lineup, &info, &fault), -1);
	assert_string_equal(fault.reason, "a refuses");
	lineup_destroy(lineup);
}

static void a_probe_tells_the_place(void **state)
{
	struct lineup *lineup = create("a,b,pattern");
	struct source_info info = {0};
	struct fault fault;

	(void)state;
	assert_int_equal(lineup_probe(lineup, &info, &fault), 0);
	assert_string_equal(info.device, "a");
	told[0].fault = CAMERA_NO_DEVICE;
	assert_int_equal(lineup_probe(lineup, &info, &fault), 1);
	assert_string_equal(info.device, "b");
	told[1].fault = CAMERA_NO_DEVICE;
	assert_int_equal(lineup_probe(lineup, &info, &fault), 2);
	assert_int_equal(fault.state, CAMERA_NO_DEVICE);
	lineup_destroy(lineup);
}

static void the_camera_that_was_opened_is_remembered(void **state)
{
	struct lineup *lineup = create("a,b");
	struct source_info info = {0};
	struct fault fault;
	size_t place;

	(void)state;
	lineup_probe(lineup, &info, &fault);
	assert_false(told[0].known); /* looking does not bind it */
	lineup_open(lineup, 2, &place, &fault);
	assert_false(told[0].known);
	lineup_open(lineup, 2, &place, &fault);
	assert_true(told[0].known);
	lineup_probe(lineup, &info, &fault);
	assert_true(told[0].known);
	told[0].fault = CAMERA_NO_DEVICE;
	lineup_open(lineup, 2, &place, &fault);
	assert_true(told[0].known);
	assert_false(told[1].known);
	lineup_destroy(lineup);
}

static void a_camera_that_a_probe_saw_is_not_searched_again(void **state)
{
	struct lineup *lineup = create("a");
	struct source_info info = {0};
	struct fault fault;
	size_t place;

	(void)state;
	assert_int_equal(lineup_probe(lineup, &info, &fault), 0);
	assert_false(told[0].known);
	assert_int_equal(lineup_probe(lineup, &info, &fault), 0);
	assert_true(told[0].known);

	/* Gone: a search, for any camera; and seeing one does not bind the first opening to it. */
	told[0] = (struct told){.fault = CAMERA_NO_DEVICE};
	assert_int_equal(lineup_probe(lineup, &info, &fault), -1);
	assert_int_equal(told[0].asked, 2);
	assert_false(told[0].known);
	told[0] = (struct told){0};
	assert_int_equal(lineup_probe(lineup, &info, &fault), 0);
	assert_non_null(lineup_open(lineup, 1, &place, &fault));
	assert_false(told[0].known);
	lineup_destroy(lineup);
}

static void only_a_pattern_at_the_end_stands_in(void **state)
{
	struct lineup *lineup = create("a,pattern");

	(void)state;
	assert_false(lineup_stands_in(lineup, 0));
	assert_true(lineup_stands_in(lineup, 1));
	lineup_destroy(lineup);
	lineup = create("pattern");
	assert_false(lineup_stands_in(lineup, 0));
	lineup_destroy(lineup);
	lineup = create("a,b");
	assert_false(lineup_stands_in(lineup, 1));
	lineup_destroy(lineup);
	lineup = create("a,pattern,b");
	assert_false(lineup_stands_in(lineup, 1));
	lineup_destroy(lineup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_lists_are_refused),
		cmocka_unit_test(the_first_that_opens_is_taken),
		cmocka_unit_test(entries_behind_the_limit_are_left_alone),
		cmocka_unit_test(the_most_telling_fault_is_told),
		cmocka_unit_test(a_probe_tells_the_place),
		cmocka_unit_test(the_camera_that_was_opened_is_remembered),
		cmocka_unit_test(a_camera_that_a_probe_saw_is_not_searched_again),
		cmocka_unit_test(only_a_pattern_at_the_end_stands_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
