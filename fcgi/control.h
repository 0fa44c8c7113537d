/* SPDX-License-Identifier: MIT */
#ifndef FCGI_CONTROL_H
#define FCGI_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct camera;
struct request;
struct settings;

/*
 * control - the requests that may have to wait for the device, one at a time.
 *
 * They are done by a thread of their own, so that a slow driver delays neither
 * a viewer nor an answer. At most CONTROL_MAX wait.
 */
#define CONTROL_MAX 16

enum control_verb { CONTROL_RELEASE, CONTROL_START, CONTROL_LIST, CONTROL_SET };

struct control_result {
	struct request *request;
	enum control_verb verb;
	int status; /* of the answer; CONTROL_RELEASE: 503: not closed by the driver in time */
	char *body; /* CONTROL_LIST, CONTROL_SET: see panel.h; whoever takes the result frees it */
};

struct control;

/*
 * state_dir: where the latch is kept, or NULL. settings: what was set is kept there. Starts the
 * thread. NULL and errno.
 */
struct control *control_create(
	struct camera *camera, struct settings *settings, const char *state_dir);

/*
 * Begins nothing new and waits for the request that is being done: 0, or -1
 * and ETIMEDOUT: a driver holds it still.
 */
int control_stop(struct control *control, int64_t timeout_ns);

/* Closes the requests that were not answered; without a control_stop() that returned 0 waits as
 * long as the driver takes. NULL is fine. */
void control_destroy(struct control *control);

/* Takes over request. -1: the queue is full; the request is still the caller's. */
int control_submit(struct control *control, struct request *request, enum control_verb verb);

/* Readable when there are new results: take them all. */
int control_fd(const struct control *control);

/* The next result, whose request is the caller's again; false: none yet. Never waits. */
bool control_take(struct control *control, struct control_result *result);

#endif
