/* SPDX-License-Identifier: MIT */
#include "fcgi/reply.h"

#include "capture/camera.h"
#include "fcgi/answer.h"
#include "fcgi/config.h"
#include "fcgi/origin.h"
#include "fcgi/request.h"

void reply_begin(struct routes *routes, const struct request *request,
	const struct camera_status *status, struct answer *answer, int code)
{
	const char *origin = request_param(request, "HTTP_ORIGIN");

	answer_init(answer, code);
	answer->head = request_has_method(request, "HEAD");
	answer_header(answer, "X-Camera-State", "%s", camera_state_name(status->state));
	if (origin_listed(routes->parts.config->allow_origin, origin)) {
		answer_header(answer, "Access-Control-Allow-Origin", "%s", origin);
		answer_header(answer, "Vary", "Origin");
	}
}

void reply_send(struct routes *routes, struct request *request, struct answer *answer)
{
	unsigned id = request_id(request);
	bool unread = request_too_long(request);

	routes_count(routes, request, answer->status);
	answers_send(routes->parts.answers, request_detach(request), id, answer, unread);
}

void reply_begin_now(
	struct routes *routes, const struct request *request, struct answer *answer, int code)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	reply_begin(routes, request, &status, answer, code);
	answer_header(answer, "Cache-Control", "no-store");
}

void reply_line(struct routes *routes, struct request *request, int code, const char *line)
{
	struct answer answer;

	reply_begin_now(routes, request, &answer, code);
	answer_text(&answer, "%s", line);
	reply_send(routes, request, &answer);
}

void reply_unavailable(
	struct routes *routes, struct request *request, int retry_after, const char *line)
{
	struct answer answer;

	reply_begin_now(routes, request, &answer, 503);
	if (retry_after)
		answer_header(&answer, "Retry-After", "%d", retry_after);
	answer_text(&answer, "%s", line);
	reply_send(routes, request, &answer);
}

static const char *reason_of(const struct camera_status *status)
{
	if (*status->reason)
		return status->reason;
	return status->state == CAMERA_STARTING ? "the camera is starting"
						: "the camera has given no picture in time";
}

void reply_no_picture(
	struct routes *routes, struct request *request, const struct camera_status *status)
{
	reply_unavailable(
		routes, request, status->state == CAMERA_RELEASED ? 0 : 5, reason_of(status));
}

void reply_body(struct routes *routes, struct request *request, const char *type, const void *body,
	size_t size)
{
	struct answer answer;

	reply_begin_now(routes, request, &answer, 200);
	answer.type = type;
	answer.body = body;
	answer.size = size;
	reply_send(routes, request, &answer);
}

void reply_head_alone(struct routes *routes, struct request *request, const char *type)
{
	struct answer answer;

	reply_begin_now(routes, request, &answer, 200);
	answer.type = type;
	answer.endless = true;
	reply_send(routes, request, &answer);
}
