/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_KEEPER_H
#define CAPTURE_KEEPER_H

#include "capture/desk.h"
#include "capture/picture.h"
#include "capture/rate.h"

struct hub;
struct lineup;
struct pulse;
struct settings;
struct source;

/*
 * keeper - the camera's state machine, which the camera's thread runs.
 *
 * It alone touches the device: opens it for the first watcher, publishes its
 * pictures, notices when they stop, tries again, closes it. What it knows it
 * tells to the desk; what is wanted of it it reads there.
 */
struct keeper {
	struct desk *desk;
	struct hub *hub;
	struct settings *settings; /* may be NULL */
	struct pulse *pulse;       /* may be NULL */
	int64_t idle_release_ns;
	struct camera_status status; /* told to the desk when it changes */
	struct lineup *lineup;
	int nodes;             /* inotify: device nodes come, go and change mode; or -1 */
	struct source *source; /* open while not NULL */
	size_t place;          /* of source in the lineup */
	struct picture_maker maker;
	struct rate rate;
	int64_t picture_ns; /* the newest good picture, or the moment of opening */
	int64_t stream_ns;  /* the first good picture; 0: none yet */
	uint64_t bad;       /* pictures dropped since the newest good one */
	int64_t try_ns;     /* not before then is a lost camera tried again */
	int64_t backoff_ns;
};

/* 0, or -1 and errno: EINVAL (options->devices), ENOMEM. */
int keeper_init(struct keeper *keeper, const struct camera_options *options, struct hub *hub,
	struct desk *desk);

/* Works until desk_stop(); then the device is closed. */
void keeper_run(struct keeper *keeper);

void keeper_finish(struct keeper *keeper);

#endif
