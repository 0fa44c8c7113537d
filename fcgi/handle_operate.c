/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"
#include "capture/clock.h"
#include "fcgi/handlers.h"
#include "fcgi/reply.h"

#include <stdlib.h>

void handle_metrics(struct routes *routes, struct request *request)
{
	struct camera_status status;
	size_t size;
	char *text;

	camera_status(routes->parts.camera, &status);
	text = metrics_text(&status, routes->parts.viewers, &routes->requests, &size);
	if (text)
		reply_body(routes, request, "text/plain; version=0.0.4; charset=utf-8", text, size);
	else
		reply_unavailable(routes, request, 1, "out of memory");
	free(text);
}

void handle_healthz(struct routes *routes, struct request *request)
{
	reply_line(routes, request, 200, "ok");
}

void handle_readyz(struct routes *routes, struct request *request)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	if (camera_fresh(&status, clock_now_ns()) || status.state == CAMERA_IDLE ||
		status.state == CAMERA_RELEASED)
		reply_line(routes, request, 200, "ok");
	else
		reply_no_picture(routes, request, &status);
}
