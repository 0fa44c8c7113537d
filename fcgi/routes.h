/* SPDX-License-Identifier: MIT */
#ifndef FCGI_ROUTES_H
#define FCGI_ROUTES_H

struct answers;
struct camera;
struct camera_status;
struct config;
struct control;
struct frame;
struct hub;
struct request;
struct snapshots;
struct viewers;

/*
 * routes - what each request is answered with.
 *
 * The route is the last component of the path, so any prefix works. Belongs to
 * the server's thread and never waits.
 */
struct routes;

/* What the routes need; all of it outlives them. */
struct routes_parts {
	const struct config *config;
	struct camera *camera;
	struct hub *hub;
	struct viewers *viewers;
	struct answers *answers;
	struct snapshots *snapshots;
	struct control *control;
};

/* NULL and ENOMEM. */
struct routes *routes_create(const struct routes_parts *parts);
void routes_destroy(struct routes *routes);

/* Takes over request. */
void routes_handle(struct routes *routes, struct request *request);

/* Answers the snapshot that has got its picture or never will; see snapshots.h. */
void routes_deliver_snapshot(struct routes *routes, struct request *request,
	const struct frame *frame, const struct camera_status *status);

/* Answers what the control thread has done. */
void routes_answer_controls(struct routes *routes);

#endif
