/* SPDX-License-Identifier: MIT */
#include "capture/devices.h"

#include "capture/device_sys.h"
#include "capture/v4l2_fault.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NODES_MAX 256 /* VIDEO_NUM_DEVICES of the kernel */

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The N of all videoN in dev_dir, ascending. */
static size_t list_numbers(const char *dev_dir, int numbers[NODES_MAX])
{
	DIR *dir = opendir(dev_dir);
	struct dirent *entry;
	size_t size = 0;
	int length;

	while (dir && size < NODES_MAX && (entry = readdir(dir))) {
		length = 0;
		if (sscanf(entry->d_name, "video%d%n", &numbers[size], &length) == 1 &&
			!entry->d_name[length] && isdigit((unsigned char)entry->d_name[5]))
			size++;
	}
	if (dir)
		closedir(dir);
	qsort(numbers, size, sizeof(*numbers), by_number);
	return size;
}

struct device *devices_scan(const char *dev_dir, size_t *size)
{
	int numbers[NODES_MAX];
	struct device *devices;
	char path[PATH_MAX];

	*size = list_numbers(dev_dir, numbers);
	devices = *size ? calloc(*size, sizeof(*devices)) : NULL;
	if (!devices)
		*size = 0;
	for (size_t i = 0; i < *size; i++) {
		snprintf(path, sizeof(path), "%s/video%d", dev_dir, numbers[i]);
		devices[i] = device_inspect(path);
		devices[i].number = (unsigned)numbers[i];
	}
	return devices;
}

static bool before(const struct device *a, const struct device *b)
{
	if (a->usb != b->usb)
		return a->usb;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	return a->number < b->number;
}

const struct device *devices_choose(const struct device *devices, size_t size)
{
	const struct device *best = NULL;

	for (size_t i = 0; i < size; i++) {
		if (devices[i].kind != DEVICE_UNFIT && (!best || before(&devices[i], best)))
			best = &devices[i];
	}
	return best;
}

bool devices_same_camera(const struct source_info *known, const struct device *found)
{
	const struct source_info *info = &found->info;

	if (strcmp(known->driver, info->driver) != 0 || strcmp(known->card, info->card) != 0)
		return false;
	if (*known->serial || *info->serial)
		return strcmp(known->serial, info->serial) == 0;
	if (strcmp(known->bus, info->bus) == 0)
		return true;
	/* Without a serial number it may have moved to another port only if it appeared since. */
	return found->usb && found->node_ns > known->seen_ns;
}

static int refuse(const struct device *device, struct fault *fault)
{
	if (device->error)
		return v4l2_fault(fault, device->info.device, "open", device->error);
	return fault_set(
		fault, CAMERA_ERROR, "%s is of no use: %s", device->info.device, device->unfit);
}

static int accept_device(const struct device *device, struct source_info *info, struct fault *fault)
{
	if (device->kind == DEVICE_UNFIT)
		return refuse(device, fault);
	*info = device->info;
	return 0;
}

static bool is_missing(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO || error == ENOTTY;
}

/* The most telling reason why there is no camera: one that is there, but that we may not open. */
static int refuse_all(
	const struct device *devices, size_t size, const char *dev_dir, struct fault *fault)
{
	for (size_t i = 0; i < size; i++) {
		if (devices[i].error && !is_missing(devices[i].error))
			return refuse(&devices[i], fault);
	}
	for (size_t i = 0; i < size; i++) {
		if (devices[i].unfit == device_csi_sensor)
			return fault_set(fault, CAMERA_NO_DEVICE, "%s is %s",
				devices[i].info.device, device_csi_sensor);
	}
	return fault_set(fault, CAMERA_NO_DEVICE,
		"no camera found in %s: waiting for one to be plugged in", dev_dir);
}

static int find_auto(const char *dev_dir, struct source_info *info, struct fault *fault)
{
	size_t size;
	struct device *devices = devices_scan(dev_dir, &size);
	const struct device *best = devices_choose(devices, size);
	int rc =
		best ? accept_device(best, info, fault) : refuse_all(devices, size, dev_dir, fault);

	free(devices);
	return rc;
}

static int still_missing(const struct source_info *known, struct fault *fault)
{
	return fault_set(fault, CAMERA_NO_DEVICE, "waiting for %s to be plugged in again",
		*known->card ? known->card : "the camera");
}

/* At its old node, else wherever it is. */
static int find_known(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	const struct source_info *known = options->known;
	struct device old = device_inspect(known->device), *devices;
	size_t size, i = 0;
	int rc;

	if (!old.error && devices_same_camera(known, &old))
		return accept_device(&old, info, fault);
	if (old.error == EACCES || old.error == EPERM || old.error == EBUSY)
		return refuse(&old, fault);
	devices = devices_scan(options->dev_dir, &size);
	while (i < size &&
		(devices[i].kind == DEVICE_UNFIT || !devices_same_camera(known, &devices[i])))
		i++;
	rc = i < size ? accept_device(&devices[i], info, fault) : still_missing(known, fault);
	free(devices);
	return rc;
}

int devices_find(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	const char *device = options->device;
	char path[PATH_MAX];
	struct device found;

	if (options->known)
		return find_known(options, info, fault);
	if (strcmp(device, "auto") == 0)
		return find_auto(options->dev_dir, info, fault);
	if (strchr(device, '/'))
		snprintf(path, sizeof(path), "%s", device);
	else
		snprintf(path, sizeof(path), "%s/%s%s", options->dev_dir,
			isdigit((unsigned char)*device) ? "video" : "", device);
	found = device_inspect(path);
	return accept_device(&found, info, fault);
}

/* As far as can be told without opening it. */
static bool may_be_known(const struct source_info *known, const char *path)
{
	char bus[DEVICE_SYS_TEXT], serial[DEVICE_SYS_TEXT];
	struct stat st;

	if (device_stat(path, &st) < 0)
		return false;
	if (!device_sys_usb("/sys", st.st_rdev, bus, serial))
		return strcmp(path, known->device) == 0;
	if (*known->serial || *serial)
		return strcmp(known->serial, serial) == 0;
	return strcmp(known->bus, bus) == 0;
}

int devices_present(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	const struct source_info *known = options->known;
	int numbers[NODES_MAX];
	size_t size;
	char path[sizeof(info->device)];

	*info = *known;
	if (may_be_known(known, known->device))
		return 0;
	size = list_numbers(options->dev_dir, numbers);
	for (size_t i = 0; i < size; i++) {
		snprintf(path, sizeof(path), "%s/video%d", options->dev_dir, numbers[i]);
		if (may_be_known(known, path)) {
			snprintf(info->device, sizeof(info->device), "%s", path);
			return 0;
		}
	}
	return still_missing(known, fault);
}
