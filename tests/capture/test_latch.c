/* SPDX-License-Identifier: MIT */
#include "capture/latch.h"

#include "tests/capture/support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char directory[64], file[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "%s", make_dir());
	snprintf(file, sizeof(file), "%s/released", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	rmdir(file);
	return rmdir(directory);
}

static void without_a_directory_nothing_is_kept(void **state)
{
	int64_t since_ns = 0;

	(void)state;
	assert_int_equal(latch_set(NULL, true), 0);
	assert_false(latch_read(NULL, &since_ns));
	assert_int_equal(latch_set(NULL, false), 0);
}

static void it_is_an_empty_file(void **state)
{
	int64_t since_ns = 0, begun = clock_wall_ns();
	struct stat st;

	(void)state;
	assert_false(latch_read(directory, &since_ns));
	assert_int_equal(latch_set(directory, true), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_true(latch_read(directory, &since_ns));
	assert_true(llabs(since_ns - begun) < 20 * NS_PER_S);
	assert_int_equal(latch_set(directory, false), 0);
	assert_false(latch_read(directory, &since_ns));
	assert_int_equal(stat(file, &st), -1);
}

static void setting_it_again_keeps_the_time(void **state)
{
	const struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	int64_t since_ns = 0;

	(void)state;
	assert_int_equal(latch_set(directory, true), 0);
	assert_int_equal(utimensat(AT_FDCWD, file, then, 0), 0);
	assert_int_equal(latch_set(directory, true), 0);
	assert_true(latch_read(directory, &since_ns));
	assert_int_equal(since_ns, 1000 * NS_PER_S);
	assert_int_equal(latch_set(directory, false), 0);
	assert_int_equal(latch_set(directory, false), 0);
}

static void an_admins_file_counts(void **state)
{
	int64_t since_ns = 0;

	(void)state;
	write_file(file, "off, please\n", 12);
	assert_true(latch_read(directory, &since_ns));
	assert_int_equal(latch_set(directory, false), 0);
	assert_false(latch_read(directory, &since_ns));
}

static void what_cannot_be_written_is_told(void **state)
{
	int64_t since_ns = 0;

	(void)state;
	assert_int_equal(latch_set("/nonexistent/directory", true), -1);
	assert_false(latch_read("/nonexistent/directory", &since_ns));
	assert_int_equal(latch_set("/dev/null", true), -1);
	assert_int_equal(latch_set("/dev/null", false), -1);
	assert_int_equal(mkdir(file, 0700), 0); /* neither to be opened for writing nor unlinked */
	assert_int_equal(latch_set(directory, true), -1);
	assert_int_equal(latch_set(directory, false), -1);
}

/* Permissions do not bind root: a child tries as somebody else. */
static void a_directory_of_somebody_else_is_told(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can become somebody else\n");
		skip();
	}
	assert_int_equal(chmod(directory, 0755), 0);
	child = fork();
	if (child == 0) {
		int told = setuid(65534) == 0 && latch_set(directory, true) == -1 &&
			   access(file, F_OK) < 0;

		_exit(told ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_directory_nothing_is_kept),
		TEST(it_is_an_empty_file),
		TEST(setting_it_again_keeps_the_time),
		TEST(an_admins_file_counts),
		TEST(what_cannot_be_written_is_told),
		TEST(a_directory_of_somebody_else_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
