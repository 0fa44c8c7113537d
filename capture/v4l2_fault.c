/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_fault.h"

#include "capture/device_sys.h"
#include "capture/fault.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The group's number too: in a container it is what counts, and may have no name. */
static int denied(struct fault *fault, const char *path)
{
	struct stat st;
	struct group group, *found = NULL;
	char names[1024], number[16];

	if (stat(path, &st) < 0 || (st.st_mode & 060) != 060 || st.st_gid == 0)
		return fault_set(fault, CAMERA_DENIED,
			"permission denied on %s: only root may open it", path);
	getgrgid_r(st.st_gid, &group, names, sizeof(names), &found);
	snprintf(number, sizeof(number), "%u", st.st_gid);
	return fault_set(fault, CAMERA_DENIED,
		"permission denied on %s: it is for group %s (%s): sudo usermod -aG %s $USER and "
		"log in anew; in a container group_add %s",
		path, found ? group.gr_name : number, number, found ? group.gr_name : number,
		number);
}

static int busy(struct fault *fault, const char *path)
{
	char holder[128] = "";
	struct stat st;

	fault_set(fault, CAMERA_BUSY, "the camera is in use by another program");
	if (stat(path, &st) == 0)
		device_sys_holder("/proc", st.st_rdev, holder, sizeof(holder));
	fault_detail(fault, "%s is held by %s", path,
		*holder ? holder : "a program of another user or container");
	return -1;
}

int v4l2_fault(struct fault *fault, const char *path, const char *step, int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fault_set(fault, CAMERA_NO_DEVICE,
			"no camera at %s: waiting for it to be plugged in", path);
	case EBUSY:
		return busy(fault, path);
	case EACCES:
		return denied(fault, path);
	case EPERM:
		return fault_set(fault, CAMERA_DENIED,
			"the container may not open %s: pass it in (--device) or allow it "
			"(device_cgroup_rules: c 81:* rmw)",
			path);
	case ENOSPC:
		return fault_set(fault, CAMERA_ERROR,
			"not enough USB bandwidth for the camera: MJPG, a smaller size or rate, "
			"or another USB port helps");
	case ENOTTY:
		return fault_set(fault, CAMERA_ERROR, "%s is not a camera", path);
	default:
		return fault_set(
			fault, CAMERA_ERROR, "the camera failed at %s: %s", step, strerror(error));
	}
}

int v4l2_fault_lost(struct fault *fault, const char *path, const char *step, int error)
{
	if (error == ENODEV || error == ENXIO)
		return fault_set(fault, CAMERA_NO_DEVICE,
			"the camera was unplugged: waiting for it to come back");
	return v4l2_fault(fault, path, step, error);
}
