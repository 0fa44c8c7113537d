/* SPDX-License-Identifier: MIT */
#include "capture/state_file.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64], path[96], path_new[96];

static int make(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s", make_dir());
	snprintf(path, sizeof(path), "%s/name", dir);
	snprintf(path_new, sizeof(path_new), "%s/name.new", dir);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	remove(path);
	remove(path_new);
	return rmdir(dir);
}

static void assert_text(const char *expected)
{
	char *text = state_file_read(dir, "name");

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_unreadable(int error)
{
	assert_null(state_file_read(dir, "name"));
	assert_int_equal(errno, error);
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	assert_unreadable(ENOENT);
	assert_int_equal(state_file_write(dir, "name", "a=1\nb=2\n", 8), 0);
	assert_text("a=1\nb=2\n");
	assert_int_equal(state_file_write(dir, "name", "c", 1), 0);
	assert_text("c");
	assert_int_equal(state_file_write(dir, "name", "", 0), 0);
	assert_text("");
	assert_int_equal(access(path_new, F_OK), -1);
}

static void what_is_no_small_text_is_refused(void **state)
{
	char *large = calloc(1, STATE_FILE_MAX + 1);

	(void)state;
	write_file(path, "a\0b", 3);
	assert_unreadable(EILSEQ);
	memset(large, 'x', STATE_FILE_MAX + 1);
	write_file(path, large, STATE_FILE_MAX + 1);
	assert_unreadable(EFBIG);
	large[STATE_FILE_MAX] = '\0';
	write_file(path, large, STATE_FILE_MAX);
	assert_text(large);
	free(large);
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_unreadable(EISDIR);
}

/* A writer that was killed leaves a piece of the new text, never a piece in place of the old. */
static void a_write_that_was_cut_off_is_no_harm(void **state)
{
	(void)state;
	assert_int_equal(state_file_write(dir, "name", "old", 3), 0);
	write_file(path_new, "half of the n", 13);
	assert_text("old");
	assert_int_equal(state_file_write(dir, "name", "new", 3), 0);
	assert_text("new");
}

static void a_missing_directory_is_told(void **state)
{
	(void)state;
	assert_int_equal(state_file_write("/nowhere", "name", "x", 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(state_file_read("/nowhere", "name"));
	assert_int_equal(errno, ENOENT);
}

static void what_cannot_be_replaced_stays(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(state_file_write(dir, "name", "x", 1), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(access(path_new, F_OK), -1);
	assert_int_equal(access(path, F_OK), 0);
}

static void as_nobody(void (*check)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void check_denied(void)
{
	if (state_file_write(dir, "name", "x", 1) != -1 || errno != EACCES)
		_exit(3);
	if (state_file_read(dir, "name") || errno != EACCES)
		_exit(4);
}

static void permission_is_needed(void **state)
{
	(void)state;
	write_file(path, "old", 3);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	as_nobody(check_denied);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_text("old");
}

static void fill(const char *name)
{
	static const char block[4096];
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	while (fwrite(block, sizeof(block), 1, file) == 1 && fflush(file) == 0)
		;
	fclose(file);
}

static void on_a_full_disk_the_old_text_stays(void **state)
{
	char filler[96], *text = calloc(1, STATE_FILE_MAX);

	(void)state;
	snprintf(filler, sizeof(filler), "%s/filler", dir);
	memset(text, 'x', STATE_FILE_MAX);
	if (mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k") < 0) {
		print_message("needs root and the right to mount, for a small disk to fill\n");
		free(text);
		skip();
	}
	assert_int_equal(state_file_write(dir, "name", "old", 3), 0);
	fill(filler);
	assert_int_equal(state_file_write(dir, "name", text, STATE_FILE_MAX), -1);
	assert_int_equal(errno, ENOSPC);
	assert_text("old");
	assert_int_equal(access(path_new, F_OK), -1);
	assert_int_equal(remove(filler), 0);
	assert_int_equal(state_file_write(dir, "name", text, STATE_FILE_MAX), 0);
	assert_int_equal(umount(dir), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read, make, drop),
		cmocka_unit_test_setup_teardown(what_is_no_small_text_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(a_write_that_was_cut_off_is_no_harm, make, drop),
		cmocka_unit_test(a_missing_directory_is_told),
		cmocka_unit_test_setup_teardown(what_cannot_be_replaced_stays, make, drop),
		cmocka_unit_test_setup_teardown(permission_is_needed, make, drop),
		cmocka_unit_test_setup_teardown(on_a_full_disk_the_old_text_stays, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
