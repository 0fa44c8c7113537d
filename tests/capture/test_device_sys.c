/* SPDX-License-Identifier: MIT */
#include "capture/device_sys.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define USB "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2"

static char sys[64]; /* a piece of a sysfs */

static void make_dirs(const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", sys, path);
	for (char *slash = whole + strlen(sys) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	assert_int_equal(mkdir(whole, 0700), 0);
}

static void write_file(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", sys, path);
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void link_device(const char *number, const char *target)
{
	char path[256], whole[256];

	snprintf(path, sizeof(path), "dev/char/%s", number);
	make_dirs(path);
	snprintf(path, sizeof(path), "%s/dev/char/%s/device", sys, number);
	snprintf(whole, sizeof(whole), "%s/%s", sys, target);
	assert_int_equal(symlink(whole, path), 0);
}

static int make_sys(void **state)
{
	(void)state;
	strcpy(sys, "/tmp/test_device_sys.XXXXXX");
	return mkdtemp(sys) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int remove_sys(void **state)
{
	(void)state;
	return nftw(sys, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void usb_place_and_serial_are_found(void **state)
{
	char bus[DEVICE_SYS_TEXT], serial[DEVICE_SYS_TEXT];

	(void)state;
	make_dirs(USB "/1-1.2:1.0");
	write_file(USB "/devpath", "1.2\n");
	link_device("81:3", USB "/1-1.2:1.0");
	assert_true(device_sys_usb(sys, makedev(81, 3), bus, serial));
	assert_string_equal(bus, "usb-0000:00:14.0-1.2");
	assert_string_equal(serial, "");
	write_file(USB "/serial", "8C5A21\n");
	assert_true(device_sys_usb(sys, makedev(81, 3), bus, serial));
	assert_string_equal(serial, "8C5A21");
}

static void other_buses_are_not_usb(void **state)
{
	char bus[DEVICE_SYS_TEXT], serial[DEVICE_SYS_TEXT];

	(void)state;
	make_dirs("devices/platform/vivid.0");
	link_device("81:4", "devices/platform/vivid.0");
	assert_false(device_sys_usb(sys, makedev(81, 4), bus, serial));
	assert_false(device_sys_usb(sys, makedev(81, 5), bus, serial));
	assert_false(device_sys_usb("/nonexistent", makedev(81, 3), bus, serial));
}

static void who_has_it_open_is_named(void **state)
{
	char text[64], expected[64], byte;
	struct stat st;
	int ready[2];
	pid_t child;

	(void)state;
	/* A pseudo-terminal's end is a device that nobody else has open. */
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	assert_int_equal(stat(ptsname(terminal), &st), 0);
	device_sys_holder("/proc", st.st_rdev, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd = open(ptsname(terminal), O_RDWR | O_NOCTTY);

		(void)!write(ready[1], fd >= 0 ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	device_sys_holder("/proc", st.st_rdev, text, sizeof(text));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(byte, 'y');
	snprintf(expected, sizeof(expected), "test_device_sys (pid %d)", (int)child);
	assert_string_equal(text, expected);
	device_sys_holder("/nonexistent", st.st_rdev, text, sizeof(text));
	assert_string_equal(text, "");
	close(terminal);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usb_place_and_serial_are_found),
		cmocka_unit_test(other_buses_are_not_usb),
		cmocka_unit_test(who_has_it_open_is_named),
	};

	return cmocka_run_group_tests(tests, make_sys, remove_sys);
}
