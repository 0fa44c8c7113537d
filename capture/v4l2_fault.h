/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_FAULT_H
#define CAPTURE_V4L2_FAULT_H

struct fault;

/*
 * Says why a step ("open", "S_FMT", …) of the life of the device at path
 * failed with errno error. Fills in the fault; always returns -1. For EBUSY the
 * detail names the program that holds the device, where /proc shows it.
 */
int v4l2_fault(struct fault *fault, const char *path, const char *step, int error);

/* The same for a device that was open until now. */
int v4l2_fault_lost(struct fault *fault, const char *path, const char *step, int error);

#endif
