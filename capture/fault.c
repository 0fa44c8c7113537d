/* SPDX-License-Identifier: MIT */
#include "capture/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const state_names[CAMERA_STATES] = {
	[CAMERA_LIVE] = "live",
	[CAMERA_IDLE] = "idle",
	[CAMERA_STARTING] = "starting",
	[CAMERA_RELEASED] = "released",
	[CAMERA_NO_DEVICE] = "no-device",
	[CAMERA_BUSY] = "busy",
	[CAMERA_DENIED] = "denied",
	[CAMERA_STALLED] = "stalled",
	[CAMERA_ERROR] = "error",
};

const char *camera_state_name(enum camera_state state)
{
	return state_names[state];
}

int fault_set(struct fault *fault, enum camera_state state, const char *format, ...)
{
	va_list args;

	fault->state = state;
	fault->detail[0] = '\0';
	va_start(args, format);
	vsnprintf(fault->reason, sizeof(fault->reason), format, args);
	va_end(args);
	return -1;
}

void fault_detail(struct fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->detail, sizeof(fault->detail), format, args);
	va_end(args);
}
