/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_CAMERA_H
#define CAPTURE_CAMERA_H

#include "capture/fault.h"
#include "capture/picture.h"
#include "capture/source.h"

#include <stdbool.h>
#include <stdint.h>

struct hub;
struct pulse;
struct settings;

/*
 * camera - one camera, on while it is watched and not released.
 *
 * One thread owns the device and is the hub's publisher. It opens the device
 * when the first watcher comes, closes it --idle-release after the last one
 * has left, tries again whenever the picture is lost, and says why there is
 * none. It forgets the hub's frame whenever it leaves `live`.
 * All functions may be called from any thread; only camera_release() waits.
 */
struct camera;

struct camera_options {
	const char *devices; /* the --device list, commas between entries; outlives the camera */
	const char *dev_dir;
	unsigned width, height;
	double fps;
	uint32_t fourcc; /* 0: choose the best */
	int quality;
	int64_t idle_release_ns; /* INT64_MAX: never */
	bool released;           /* begin latched off … */
	int64_t released_ns;     /* … since then, wall clock; 0: since now */

	struct settings *settings; /* set whenever the device is opened; may be NULL; outlive it */
	struct pulse *pulse;       /* of the camera's thread; may be NULL; outlives it */

	/* Which source serves an entry; NULL: source_for(). For tests. */
	const struct source_ops *(*find_source)(const char *device);
};

struct camera_status {
	enum camera_state state;
	char reason[200]; /* one line for the public; "" while live or idle */
	int64_t since_ns; /* of the state, wall clock */
	bool showing;     /* pictures are published: live, or a test pattern stands in */
	bool stand_in; /* `pattern` at the end of the list stands in, or will for the first watcher
			*/
	struct source_info info;
	double captured_fps;
	int64_t last_frame_ns; /* monotonic, when it was published; 0: none yet */
	int64_t stall_ns;      /* without a new picture for so long, the picture is not fresh */
	uint64_t captured;
	uint64_t opens;
	uint64_t errors[CAMERA_STATES]; /* how often a state with a fault was entered */
	struct picture_drops drops;
	bool encodes; /* the source gives pixels; we make the JPEG */
	double encode_ms;
	int64_t encode_total_ns;
};

/* Looks for the camera, without opening it for streaming, and starts the thread. NULL and errno. */
struct camera *camera_create(const struct camera_options *options, struct hub *hub);

/* Asks the thread to close the device and end, without waiting. */
void camera_stop(struct camera *camera);

/* Waits for the thread's end after camera_stop(): 0, or -1 and ETIMEDOUT. Once, by one thread. */
int camera_join(struct camera *camera, int64_t timeout_ns);

/* Frees it; without a camera_join() before, stops it first and waits as long as the driver takes.
 */
void camera_destroy(struct camera *camera);

/* One more who wants pictures: 0, or -1 while the camera is released. */
int camera_watch(struct camera *camera);

/* One less. Only after a camera_watch() that returned 0. */
void camera_unwatch(struct camera *camera);

/*
 * Latches the camera off and waits until the device is closed: 0; or -1 and
 * ETIMEDOUT: it is latched, but the driver has not closed it yet.
 */
int camera_release(struct camera *camera, int64_t timeout_ns);

/* Undoes camera_release(). */
void camera_resume(struct camera *camera);

void camera_status(struct camera *camera, struct camera_status *status);

/* Whether the newest real picture is younger than stall_ns. */
bool camera_fresh(const struct camera_status *status, int64_t now_ns);

#endif
