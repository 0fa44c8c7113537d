/* SPDX-License-Identifier: MIT */
#ifndef FCGI_REPLY_H
#define FCGI_REPLY_H

#include "fcgi/metrics.h"
#include "fcgi/routes.h"

#include <stdbool.h>
#include <stddef.h>

struct answer;

/*
 * reply - how the routes' handlers answer: what every answer of the worker has
 * in common is put together here, once.
 *
 * Whatever sends takes over the request.
 */
struct routes {
	struct routes_parts parts;
	struct metrics_requests requests;
};

/* Counts an answer of this status to the route that the request was for. */
void routes_count(struct routes *routes, const struct request *request, int code);

/* An answer with what every one carries, under the state that status tells. */
void reply_begin(struct routes *routes, const struct request *request,
	const struct camera_status *status, struct answer *answer, int code);

/* The same under the camera's state of this moment, and not to be cached. */
void reply_begin_now(
	struct routes *routes, const struct request *request, struct answer *answer, int code);

void reply_send(struct routes *routes, struct request *request, struct answer *answer);

/* One line of plain text. */
void reply_line(struct routes *routes, struct request *request, int code, const char *line);

/* 503. retry_after in seconds; 0: only somebody's decision can change it. */
void reply_unavailable(
	struct routes *routes, struct request *request, int retry_after, const char *line);

/* 503 with the camera's reason. */
void reply_no_picture(
	struct routes *routes, struct request *request, const struct camera_status *status);

/* 200 with a body; a HEAD gets its head alone. */
void reply_body(struct routes *routes, struct request *request, const char *type, const void *body,
	size_t size);

/* 200 to a HEAD, with no length: the camera is not asked for it. */
void reply_head_alone(struct routes *routes, struct request *request, const char *type);

#endif
