/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"
#include "capture/frame.h"
#include "fcgi/answer.h"
#include "fcgi/handlers.h"
#include "fcgi/query.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"
#include "fcgi/snapshots.h"
#include "fcgi/state.h"
#include "fcgi/tcp_queue.h"
#include "fcgi/viewers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char any_number[] = "0123456789.", whole_number[] = "0123456789";

/* One number of the given characters from the query: 0 and *number, 0 and nothing if it is not
 * given, -1: answered with 400. */
static int query_number(struct routes *routes, struct request *request, const char *name,
	const char *characters, double low, double high, double *number)
{
	char value[64], line[192], *end;

	if (!query_get(request_param(request, "QUERY_STRING"), name, value, sizeof(value)))
		return 0;
	*number = strtod(value, &end);
	if (strspn(value, characters) == strlen(value) && !*end && *number >= low &&
		*number <= high)
		return 0;
	snprintf(line, sizeof(line), "%s: \"%s\" is not valid: give a %snumber from %.10g to %.10g",
		name, value, characters == whole_number ? "whole " : "", low, high);
	reply_line(routes, request, 400, line);
	return -1;
}

static bool is_chromium_image(const struct request *request)
{
	const char *agent = request_param(request, "HTTP_USER_AGENT");
	const char *accept = request_param(request, "HTTP_ACCEPT");

	return agent && strstr(agent, "Chrome/") && accept && strncmp(accept, "image/", 6) == 0;
}

static int read_viewer_options(
	struct routes *routes, struct request *request, struct viewer_options *options)
{
	double frames = 0, placeholder = 1, in_advance = is_chromium_image(request);

	*options = (struct viewer_options){.address = request_param(request, "REMOTE_ADDR")};
	if (query_number(routes, request, "fps", any_number, 0.1, 240, &options->fps) < 0 ||
		query_number(routes, request, "frames", whole_number, 1, 1e15, &frames) < 0 ||
		query_number(routes, request, "placeholder", whole_number, 0, 1, &placeholder) <
			0 ||
		query_number(routes, request, "advance_headers", whole_number, 0, 1, &in_advance) <
			0)
		return -1;
	options->frames = (uint64_t)frames;
	options->no_placeholder = placeholder < 1;
	options->style = in_advance >= 1 ? PART_IN_ADVANCE : PART_PLAIN;
	return 0;
}

static void begin_stream(struct routes *routes, const struct request *request,
	const struct camera_status *status, struct answer *answer)
{
	reply_begin(routes, request, status, answer, 200);
	answer->type = "multipart/x-mixed-replace; boundary=frame";
	answer->endless = true;
	answer_header(answer, "Cache-Control", "no-store, no-cache, must-revalidate, max-age=0");
	answer_header(answer, "Pragma", "no-cache");
	answer_header(answer, "Expires", "0");
	answer_header(answer, "X-Accel-Buffering", "no");
}

static void start_stream(struct routes *routes, struct request *request,
	const struct camera_status *status, struct viewer_options *options)
{
	struct answer answer;
	struct tcp_peer peer;
	unsigned id = request_id(request);
	char address[48];

	if (tcp_peer_parse(&peer, request_param(request, "SERVER_ADDR"),
		    request_param(request, "SERVER_PORT"), options->address,
		    request_param(request, "REMOTE_PORT")))
		options->peer = &peer;
	snprintf(address, sizeof(address), "%s", options->address ? options->address : "?");
	options->address = address;
	begin_stream(routes, request, status, &answer);
	routes_count(routes, request, 200);
	viewers_adopt(routes->parts.viewers, request_detach(request), id, &answer, options);
}

void handle_stream(struct routes *routes, struct request *request)
{
	struct viewer_options options;
	struct camera_status status;

	if (read_viewer_options(routes, request, &options) < 0)
		return;
	camera_status(routes->parts.camera, &status);
	if (viewers_full(routes->parts.viewers)) {
		reply_unavailable(routes, request, 5,
			"as many viewers as --max-viewers allows are watching; try again later");
	} else if (options.no_placeholder && (status.stand_in || status.state > CAMERA_RELEASED)) {
		reply_no_picture(routes, request, &status);
	} else if (request_has_method(request, "HEAD") && status.state != CAMERA_RELEASED) {
		struct answer answer;

		begin_stream(routes, request, &status, &answer);
		reply_send(routes, request, &answer);
	} else if (status.state == CAMERA_RELEASED || camera_watch(routes->parts.camera) < 0) {
		reply_no_picture(routes, request, &status);
	} else {
		start_stream(routes, request, &status, &options);
	}
}

void handle_snapshot(struct routes *routes, struct request *request)
{
	struct camera_status status;
	double max_age_ms = 0;

	if (query_number(routes, request, "max_delay", any_number, 0, 1e9, &max_age_ms) < 0 ||
		query_number(routes, request, "max_age", any_number, 0, 1e9, &max_age_ms) < 0)
		return;
	camera_status(routes->parts.camera, &status);
	if (request_has_method(request, "HEAD") && status.state != CAMERA_RELEASED) {
		reply_head_alone(routes, request, "image/jpeg");
	} else if (status.state == CAMERA_RELEASED || camera_watch(routes->parts.camera) < 0) {
		reply_no_picture(routes, request, &status);
	} else if (snapshots_wait(routes->parts.snapshots, request,
			   request_arrived_ns(request) - (int64_t)(max_age_ms * 1e6)) < 0) {
		camera_unwatch(routes->parts.camera);
		reply_unavailable(routes, request, 1, "too many snapshots wait already; try again");
	} else {
		snapshots_refresh(routes->parts.snapshots, &status);
	}
}

void routes_deliver_snapshot(struct routes *routes, struct request *request,
	const struct frame *frame, const struct camera_status *status)
{
	struct camera_status now;
	struct answer answer;
	int64_t us = frame ? frame->wall_ns / 1000 : 0;

	if (!frame) {
		reply_no_picture(routes, request, status);
		return;
	}
	/* The status may be older than the picture, and not live yet. */
	camera_status(routes->parts.camera, &now);
	reply_begin(routes, request, &now, &answer, 200);
	answer_header(&answer, "Cache-Control", "no-store, no-cache, must-revalidate, max-age=0");
	answer_header(&answer, "Pragma", "no-cache");
	answer_header(&answer, "Expires", "0");
	answer_header(&answer, "X-Timestamp", "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
	answer_header(&answer, "X-Frame-Seq", "%" PRIu64, frame->seq);
	answer.type = "image/jpeg";
	answer.body = frame->data;
	answer.size = frame->size;
	reply_send(routes, request, &answer);
}

void handle_state(struct routes *routes, struct request *request)
{
	struct camera_status status;
	char *json;

	camera_status(routes->parts.camera, &status);
	json = state_json(routes->parts.config, &status, routes->parts.viewers);
	if (json)
		reply_body(routes, request, "application/json", json, strlen(json));
	else
		reply_unavailable(routes, request, 1, "out of memory");
	free(json);
}
