/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"
#include "fcgi/control.h"
#include "fcgi/handlers.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"

#include <stdlib.h>
#include <string.h>

static void submit(struct routes *routes, struct request *request, enum control_verb verb)
{
	if (control_submit(routes->parts.control, request, verb) < 0)
		reply_unavailable(
			routes, request, 1, "too many requests wait for the camera; try again");
}

void handle_shutdown(struct routes *routes, struct request *request)
{
	submit(routes, request, CONTROL_RELEASE);
}

void handle_start(struct routes *routes, struct request *request)
{
	submit(routes, request, CONTROL_START);
}

void handle_controls(struct routes *routes, struct request *request)
{
	if (request_has_method(request, "POST"))
		submit(routes, request, CONTROL_SET);
	else if (request_has_method(request, "HEAD"))
		reply_head_alone(routes, request, "application/json");
	else
		submit(routes, request, CONTROL_LIST);
}

static void send_exactly(struct routes *routes, struct request *request, const char *text)
{
	reply_body(routes, request, "text/plain; charset=utf-8", text, strlen(text));
}

static void answer_release(struct routes *routes, const struct control_result *result)
{
	if (result->status == 200)
		send_exactly(routes, result->request, "Capture released");
	else
		reply_unavailable(routes, result->request, 5,
			"latched off; the driver has not closed the device yet");
}

static void answer_panel(struct routes *routes, const struct control_result *result)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	if (!result->body)
		reply_unavailable(routes, result->request, 1, "out of memory");
	else if (result->status == 200)
		reply_body(routes, result->request, "application/json", result->body,
			strlen(result->body));
	else if (result->status == 503)
		reply_unavailable(routes, result->request, status.state == CAMERA_RELEASED ? 0 : 5,
			result->body);
	else
		reply_line(routes, result->request, result->status, result->body);
}

void routes_answer_controls(struct routes *routes)
{
	struct control_result result;

	while (control_take(routes->parts.control, &result)) {
		if (result.verb == CONTROL_START)
			send_exactly(routes, result.request, "Capture started");
		else if (result.verb == CONTROL_RELEASE)
			answer_release(routes, &result);
		else
			answer_panel(routes, &result);
		free(result.body);
	}
}
