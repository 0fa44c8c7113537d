/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_FAULT_H
#define CAPTURE_FAULT_H

/* What the camera is doing, or why there is no picture. The names are public: see
 * camera_state_name(). */
enum camera_state {
	CAMERA_LIVE,
	CAMERA_IDLE,
	CAMERA_STARTING,
	CAMERA_RELEASED,
	CAMERA_NO_DEVICE,
	CAMERA_BUSY,
	CAMERA_DENIED,
	CAMERA_STALLED,
	CAMERA_ERROR,
};
#define CAMERA_STATES 9

/* "live", "no-device", …: as in X-Camera-State. */
const char *camera_state_name(enum camera_state state);

/*
 * fault - why a source gives no picture, for a machine, for the public and for the log.
 *
 * reason is one line that a viewer may see: it says what is wrong and what to
 * do, and names no process, user or address. detail is what only the log may add, or "".
 */
struct fault {
	enum camera_state state; /* CAMERA_NO_DEVICE, _BUSY, _DENIED, _STALLED or _ERROR */
	char reason[200];
	char detail[200];
};

/* Fills in state and reason and empties detail. Always returns -1, for `return fault_set(…)`. */
__attribute__((format(printf, 3, 4))) int fault_set(
	struct fault *fault, enum camera_state state, const char *format, ...);

__attribute__((format(printf, 2, 3))) void fault_detail(
	struct fault *fault, const char *format, ...);

#endif
