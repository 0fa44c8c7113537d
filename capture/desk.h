/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DESK_H
#define CAPTURE_DESK_H

#include "capture/camera.h"

#include <pthread.h>

/*
 * desk - where the camera's thread and everybody else leave each other notes:
 * orders one way, the status the other.
 *
 * Embedded in the camera. The lock is held for a copy, never across anything
 * that takes time.
 */
struct orders {
	unsigned watchers;
	int64_t unwatched_ns; /* since when watchers is 0, CLOCK_MONOTONIC */
	bool released;
	bool stop;
};

struct desk {
	pthread_mutex_t lock;   /* guards orders, status and ended */
	pthread_cond_t changed; /* status.state, ended */
	struct orders orders;
	struct camera_status status;
	bool ended; /* the thread is about to end */
	int event;  /* readable when orders have changed */
};

/* 0, or -1 and errno. */
int desk_init(struct desk *desk, bool released);
void desk_finish(struct desk *desk);

/* For everybody else; each wakes the thread. The promises are those of camera.h. */
int desk_watch(struct desk *desk);
void desk_unwatch(struct desk *desk);
int desk_release(struct desk *desk, int64_t timeout_ns);
void desk_resume(struct desk *desk);
void desk_stop(struct desk *desk);

/* Waits for desk_end(): 0, or -1 and ETIMEDOUT. */
int desk_await_end(struct desk *desk, int64_t timeout_ns);

void desk_read_status(struct desk *desk, struct camera_status *status);

/* For the camera's thread. Waking up: poll() event, desk_acknowledge(), desk_read_orders(). */
void desk_acknowledge(struct desk *desk);
struct orders desk_read_orders(struct desk *desk);

/* The thread's own copy of the status becomes everybody's. */
void desk_write_status(struct desk *desk, const struct camera_status *status);

/* The thread's last word. */
void desk_end(struct desk *desk);

#endif
