/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_fault.h"

#include "capture/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(const char *step, int error, enum camera_state state, const char *reason)
{
	struct fault fault;

	assert_int_equal(v4l2_fault(&fault, "/dev/video0", step, error), -1);
	assert_int_equal(fault.state, state);
	assert_string_equal(fault.reason, reason);
	assert_string_equal(fault.detail, "");
}

static void errors_become_states_and_reasons(void **state)
{
	static const int missing[] = {ENOENT, ENODEV, ENXIO};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		expect("open", missing[i], CAMERA_NO_DEVICE,
			"no camera at /dev/video0: waiting for it to be plugged in");
	expect("open", ENOTTY, CAMERA_ERROR, "/dev/video0 is not a camera");
	expect("open", EPERM, CAMERA_DENIED,
		"the container may not open /dev/video0: pass it in (--device) or allow it "
		"(device_cgroup_rules: c 81:* rmw)");
	expect("STREAMON", ENOSPC, CAMERA_ERROR,
		"not enough USB bandwidth for the camera: MJPG, a smaller size or rate, or another "
		"USB port helps");
	expect("S_FMT", EIO, CAMERA_ERROR, "the camera failed at S_FMT: Input/output error");
	expect("REQBUFS", EINVAL, CAMERA_ERROR, "the camera failed at REQBUFS: Invalid argument");
}

static void a_busy_camera_names_its_holder_in_the_log_alone(void **state)
{
	struct fault fault;

	(void)state;
	v4l2_fault(&fault, "/nonexistent/video0", "S_FMT", EBUSY);
	assert_int_equal(fault.state, CAMERA_BUSY);
	assert_string_equal(fault.reason, "the camera is in use by another program");
	assert_string_equal(fault.detail,
		"/nonexistent/video0 is held by a program of another user or container");
}

static void a_camera_that_was_open_was_unplugged(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(v4l2_fault_lost(&fault, "/dev/video0", "DQBUF", ENODEV), -1);
	assert_int_equal(fault.state, CAMERA_NO_DEVICE);
	assert_string_equal(fault.reason, "the camera was unplugged: waiting for it to come back");
	v4l2_fault_lost(&fault, "/dev/video0", "DQBUF", EIO);
	assert_int_equal(fault.state, CAMERA_ERROR);
}

/* The file stands for a node; its group is what matters. */
static void permission_denied_tells_the_group(void **state)
{
	char path[] = "/tmp/test_v4l2_fault.XXXXXX";
	int fd = mkstemp(path);
	struct fault fault;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	v4l2_fault(&fault, path, "open", EACCES);
	assert_int_equal(fault.state, CAMERA_DENIED);
	assert_non_null(strstr(fault.reason, "only root may open it"));
	assert_int_equal(fchmod(fd, 0660), 0);
	if (fchown(fd, (uid_t)-1, 44) == 0) { /* Debian's group video, as on every camera */
		v4l2_fault(&fault, path, "open", EACCES);
		assert_non_null(strstr(fault.reason, "it is for group video (44): sudo usermod -aG "
						     "video $USER and log in anew; in a container "
						     "group_add 44"));
	}
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_become_states_and_reasons),
		cmocka_unit_test(a_busy_camera_names_its_holder_in_the_log_alone),
		cmocka_unit_test(a_camera_that_was_open_was_unplugged),
		cmocka_unit_test(permission_denied_tells_the_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
