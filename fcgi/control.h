/* SPDX-License-Identifier: MIT */
#ifndef FCGI_CONTROL_H
#define FCGI_CONTROL_H

#include <stdbool.h>

struct camera;
struct request;

/*
 * control - the requests that may have to wait for the device, one at a time.
 *
 * They are done by a thread of their own, so that a slow driver delays neither
 * a viewer nor an answer. At most CONTROL_MAX wait.
 */
#define CONTROL_MAX 16

enum control_verb { CONTROL_RELEASE, CONTROL_START };

struct control_result {
	struct request *request;
	enum control_verb verb;
	bool done; /* false: CONTROL_RELEASE, and the driver has not closed the device in time */
};

struct control;

/* state_dir: where the latch is kept, or NULL. Starts the thread. NULL and errno. */
struct control *control_create(struct camera *camera, const char *state_dir);

/* Waits for the request that is being done; closes the others. NULL is fine. */
void control_destroy(struct control *control);

/* Takes over request. -1: the queue is full; the request is still the caller's. */
int control_submit(struct control *control, struct request *request, enum control_verb verb);

/* Readable while control_take() has something. */
int control_fd(const struct control *control);

/* The next result, whose request is the caller's again; false: none yet. Never waits. */
bool control_take(struct control *control, struct control_result *result);

#endif
