/* SPDX-License-Identifier: MIT */
#include "capture/settings.h"

#include "tests/capture/support.h"

#include <fcntl.h>
#include <sys/stat.h>

static char dir[64], path[96], log_path[96];
static int stderr_kept;

/* The log goes to a file, for logged(). */
static int make(void **state)
{
	int fd;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", make_dir());
	snprintf(path, sizeof(path), "%s/controls", dir);
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	fd = open(log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	stderr_kept = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	dup2(stderr_kept, STDERR_FILENO);
	close(stderr_kept);
	remove(path);
	remove(log_path);
	return rmdir(dir);
}

/* How often the log has it. */
static int logged(const char *words)
{
	char text[8192] = "";
	FILE *file = fopen(log_path, "re");
	int count = 0;

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void assert_file(const char *expected)
{
	char text[8192];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

/* "name=value name=value " */
static const char *all(struct settings *settings)
{
	static char text[SETTINGS_MAX * 130];
	struct control_wish wishes[SETTINGS_MAX];
	size_t used = 0, size = settings_copy(settings, wishes);

	text[0] = '\0';
	for (size_t i = 0; i < size; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s=%s ", wishes[i].name,
			wishes[i].value);
	return text;
}

static const char *const presets[] = {"brightness=10", "exposure_auto=1"};

static void presets_alone(void **state)
{
	struct settings *settings = settings_create(NULL, presets, 2);

	(void)state;
	assert_string_equal(all(settings), "brightness=10 exposure_auto=1 ");
	settings_destroy(settings);
	settings_destroy(NULL);
}

static void a_later_preset_and_another_name_replace(void **state)
{
	static const char *const twice[] = {
		"brightness=10", "exposure_auto=1", "brightness=20", "auto_exposure=3"};
	struct settings *settings = settings_create(NULL, twice, 4);

	(void)state;
	assert_string_equal(all(settings), "brightness=20 auto_exposure=3 ");
	settings_destroy(settings);
}

static void what_is_no_preset_is_told(void **state)
{
	static const char *const bad[] = {"gain", "=1", "gain=", "ga in=1", "gain=1 2", "gain=5"};
	struct settings *settings = settings_create(NULL, bad, 6);

	(void)state;
	assert_string_equal(all(settings), "gain=5 ");
	assert_int_equal(logged("is no NAME=VALUE"), 5);
	settings_destroy(settings);
}

static void what_is_kept_beats_the_presets(void **state)
{
	const struct control_wish wishes[] = {{"auto_exposure", "3"}, {"gain", "-5"}};
	struct settings *settings = settings_create(dir, presets, 2);

	(void)state;
	assert_int_equal(settings_keep(settings, wishes, 2), 0);
	assert_string_equal(all(settings), "brightness=10 auto_exposure=3 gain=-5 ");
	assert_file("auto_exposure=3\ngain=-5\n");
	settings_destroy(settings);

	settings = settings_create(dir, presets, 2);
	assert_string_equal(all(settings), "brightness=10 auto_exposure=3 gain=-5 ");
	assert_int_equal(logged("auto_exposure=3, kept in"), 1);
	settings_destroy(settings);

	assert_int_equal(remove(path), 0);
	settings = settings_create(dir, presets, 2);
	assert_string_equal(all(settings), "brightness=10 exposure_auto=1 ");
	settings_destroy(settings);
}

static void without_a_directory_it_is_kept_for_now(void **state)
{
	const struct control_wish wish = {"gain", "7"};
	struct settings *settings = settings_create(NULL, presets, 2);

	(void)state;
	assert_int_equal(settings_keep(settings, &wish, 1), 0);
	assert_string_equal(all(settings), "brightness=10 exposure_auto=1 gain=7 ");
	settings_destroy(settings);
}

static void a_damaged_file_is_told_ignored_and_written_anew(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} damaged[] = {
		{"gain=1\nbrigh", 12},
		{"gain=1\n\x7f"
		 "ELF",
			11},
		{"gain=1\nhue=\n", 12},
		{"gain=1\n=5\n", 10},
		{"gain=1\nhue 5\n", 13},
		{"gain=1\nh\0e=5\n", 13},
		{"gain=1\nhue=5;rm\n", 16},
	};
	const struct control_wish wish = {"hue", "4"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct settings *settings;

		write_file(path, damaged[i].bytes, damaged[i].size);
		settings = settings_create(dir, presets, 1);
		assert_string_equal(all(settings), "brightness=10 ");
		assert_int_equal(logged(": ignored, and written anew"), i + 1);
		assert_int_equal(settings_keep(settings, &wish, 1), 0);
		assert_file("hue=4\n");
		settings_destroy(settings);
	}
}

static void a_file_by_hand_is_read(void **state)
{
	static const char text[] = "\ngain=1\n\nhue=-4\nbits=0xff";
	struct settings *settings;

	(void)state;
	write_file(path, text, sizeof(text) - 1);
	settings = settings_create(dir, NULL, 0);
	assert_string_equal(all(settings), "gain=1 hue=-4 bits=0xff ");
	assert_int_equal(logged("controls"), 0);
	settings_destroy(settings);
}

static void an_unreadable_file_is_told(void **state)
{
	struct settings *settings;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	settings = settings_create(dir, NULL, 0);
	assert_string_equal(all(settings), "");
	assert_int_equal(logged("Is a directory: ignored"), 1);
	settings_destroy(settings);
}

static void what_cannot_be_written_is_told_once(void **state)
{
	const struct control_wish first = {"gain", "1"}, second = {"gain", "2"};
	struct settings *settings = settings_create(dir, NULL, 0);

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(settings_keep(settings, &first, 1), -1);
	assert_int_equal(settings_keep(settings, &second, 1), -1);
	assert_string_equal(all(settings), "gain=2 ");
	assert_int_equal(logged("a restart would forget the controls"), 1);

	assert_int_equal(rmdir(path), 0);
	assert_int_equal(settings_keep(settings, &second, 1), 0);
	assert_file("gain=2\n");
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(settings_keep(settings, &first, 1), -1);
	assert_int_equal(logged("a restart would forget the controls"), 2);
	settings_destroy(settings);
}

static void more_than_it_holds_is_told(void **state)
{
	struct control_wish wishes[SETTINGS_MAX + 2];
	struct settings *settings = settings_create(dir, NULL, 0);

	(void)state;
	for (int i = 0; i < SETTINGS_MAX + 2; i++) {
		snprintf(wishes[i].name, sizeof(wishes[i].name), "control_%d", i);
		snprintf(wishes[i].value, sizeof(wishes[i].value), "%d", i);
	}
	assert_int_equal(settings_keep(settings, wishes, SETTINGS_MAX + 2), 0);
	assert_int_equal(settings_copy(settings, wishes), SETTINGS_MAX);
	assert_int_equal(logged("2 of what was set is too much"), 1);
	settings_destroy(settings);
	settings = settings_create(dir, NULL, 0);
	assert_int_equal(settings_copy(settings, wishes), SETTINGS_MAX);
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_alone),
		cmocka_unit_test(a_later_preset_and_another_name_replace),
		cmocka_unit_test_setup_teardown(what_is_no_preset_is_told, make, drop),
		cmocka_unit_test_setup_teardown(what_is_kept_beats_the_presets, make, drop),
		cmocka_unit_test(without_a_directory_it_is_kept_for_now),
		cmocka_unit_test_setup_teardown(
			a_damaged_file_is_told_ignored_and_written_anew, make, drop),
		cmocka_unit_test_setup_teardown(a_file_by_hand_is_read, make, drop),
		cmocka_unit_test_setup_teardown(an_unreadable_file_is_told, make, drop),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_is_told_once, make, drop),
		cmocka_unit_test_setup_teardown(more_than_it_holds_is_told, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
