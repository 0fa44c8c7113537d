/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DEVICE_SYS_H
#define CAPTURE_DEVICE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* device_sys - what /sys and /proc tell of a device node, without opening it. */

#define DEVICE_SYS_TEXT 64

/*
 * Where on USB the device sits, spelt as V4L2's bus_info ("usb-0000:00:14.0-1.2"),
 * and its serial number or "". false: it is not on USB, or /sys is not there.
 * sys: where sysfs is mounted.
 */
bool device_sys_usb(
	const char *sys, dev_t device, char bus[DEVICE_SYS_TEXT], char serial[DEVICE_SYS_TEXT]);

/*
 * Who else has the device open: "ffmpeg (pid 4711)", the first one found; ""
 * if nobody whom we may see. proc: where procfs is mounted.
 */
void device_sys_holder(const char *proc, dev_t device, char *text, size_t size);

#endif
