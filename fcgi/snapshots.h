/* SPDX-License-Identifier: MIT */
#ifndef FCGI_SNAPSHOTS_H
#define FCGI_SNAPSHOTS_H

#include <stdint.h>

struct camera;
struct camera_status;
struct frame;
struct hub;
struct loop;
struct request;

/*
 * snapshots - requests that wait for one picture.
 *
 * Each counts as one camera_watch() while it waits, so it wakes a sleeping
 * camera. At most SNAPSHOTS_MAX wait, each at most five seconds.
 */
#define SNAPSHOTS_MAX 64

struct snapshots;

/*
 * deliver is called once for each request that waits, and takes it over. frame
 * (borrowed) is its picture, or NULL: there is none, for the reason in status,
 * or, if the camera is live, because none came in time.
 */
struct snapshots_options {
	int64_t warmup_ns; /* a picture younger than this after the camera was opened is unsettled
			    */
	void (*deliver)(void *arg, struct request *request, const struct frame *frame,
		const struct camera_status *status);
	void *arg;
};

/* NULL and errno. */
struct snapshots *snapshots_create(const struct snapshots_options *options, struct loop *loop,
	struct camera *camera, struct hub *hub);
/* Closes those who wait. NULL is fine. */
void snapshots_destroy(struct snapshots *snapshots);

/*
 * Waits for a settled picture whose capture began at after_ns (monotonic) or
 * later, and takes over request. The caller has called camera_watch() for it.
 * -1: too many wait already; the request is still the caller's.
 */
int snapshots_wait(struct snapshots *snapshots, struct request *request, int64_t after_ns);

/* After each wake-up of the hub. */
void snapshots_refresh(struct snapshots *snapshots, const struct camera_status *status);

/* The worker stops: all who wait get what there is, or the reason why there is nothing. */
void snapshots_end_all(struct snapshots *snapshots);

/* Those whose time is over get what there is; returns when it wants to be called again. */
int64_t snapshots_tick(struct snapshots *snapshots, int64_t now_ns);

#endif
