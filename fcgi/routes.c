/* SPDX-License-Identifier: MIT */
#include "fcgi/routes.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/frame.h"
#include "fcgi/answer.h"
#include "fcgi/config.h"
#include "fcgi/control.h"
#include "fcgi/metrics.h"
#include "fcgi/origin.h"
#include "fcgi/query.h"
#include "fcgi/request.h"
#include "fcgi/snapshots.h"
#include "fcgi/state.h"
#include "fcgi/tcp_queue.h"
#include "fcgi/viewers.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct routes {
	struct routes_parts parts;
	struct metrics_requests requests;
};

/* As a set of bits. */
enum methods { READ = 1, POST = 2 };

struct route {
	const char *name;
	const char *aliases[2];
	unsigned methods;
	void (*handle)(struct routes *routes, struct request *request);
};

static void handle_stream(struct routes *routes, struct request *request);
static void handle_snapshot(struct routes *routes, struct request *request);
static void handle_state(struct routes *routes, struct request *request);
static void handle_shutdown(struct routes *routes, struct request *request);
static void handle_start(struct routes *routes, struct request *request);
static void handle_controls(struct routes *routes, struct request *request);
static void handle_metrics(struct routes *routes, struct request *request);
static void handle_healthz(struct routes *routes, struct request *request);
static void handle_readyz(struct routes *routes, struct request *request);

static const struct route table[] = {
	{"video_feed", {"stream"}, READ, handle_stream},
	{"snapshot", {"snapshot.jpg"}, READ, handle_snapshot},
	{"state", {NULL}, READ, handle_state},
	{"shutdown", {NULL}, POST, handle_shutdown},
	{"start", {NULL}, POST, handle_start},
	{"controls", {NULL}, READ | POST, handle_controls},
	{"metrics", {NULL}, READ, handle_metrics},
	{"healthz", {NULL}, READ, handle_healthz},
	{"readyz", {NULL}, READ, handle_readyz},
};
#define ROUTES (sizeof(table) / sizeof(table[0]))

static bool goes_by(const struct route *route, const char *component)
{
	return strcmp(component, route->name) == 0 ||
	       (route->aliases[0] && strcmp(component, route->aliases[0]) == 0);
}

/* The page's own URL serves mjpg-streamer's ?action=stream and ?action=snapshot. */
static const struct route *find_route(const struct request *request)
{
	const char *component = request_component(request);
	char action[16];

	if (!*component || strcmp(component, "index.html") == 0) {
		if (!query_get(request_param(request, "QUERY_STRING"), "action", action,
			    sizeof(action)))
			return NULL;
		component = action;
		if (strcmp(action, "stream") != 0 && strcmp(action, "snapshot") != 0)
			return NULL;
	}
	for (size_t i = 0; i < ROUTES; i++) {
		if (goes_by(&table[i], component))
			return &table[i];
	}
	return NULL;
}

static bool has_method(const struct request *request, const char *method)
{
	const char *given = request_param(request, "REQUEST_METHOD");

	return given && strcmp(given, method) == 0;
}

/* An answer with what every answer of the worker carries. */
static void begin(struct routes *routes, const struct request *request,
	const struct camera_status *status, struct answer *answer, int code)
{
	const char *origin = request_param(request, "HTTP_ORIGIN");

	answer_init(answer, code);
	answer->head = has_method(request, "HEAD");
	answer_header(answer, "X-Camera-State", "%s", camera_state_name(status->state));
	if (origin_listed(routes->parts.config->allow_origin, origin)) {
		answer_header(answer, "Access-Control-Allow-Origin", "%s", origin);
		answer_header(answer, "Vary", "Origin");
	}
}

static void count(struct routes *routes, const struct request *request, int code)
{
	const struct route *route = find_route(request);

	metrics_count(&routes->requests, route ? (size_t)(route - table) : ROUTES, code);
}

static void send_answer(struct routes *routes, struct request *request, struct answer *answer)
{
	unsigned id = request_id(request);
	bool unread = request_too_long(request);

	count(routes, request, answer->status);
	answers_send(routes->parts.answers, request_detach(request), id, answer, unread);
}

static void begin_now(
	struct routes *routes, const struct request *request, struct answer *answer, int code)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	begin(routes, request, &status, answer, code);
	answer_header(answer, "Cache-Control", "no-store");
}

static void send_line(struct routes *routes, struct request *request, int code, const char *line)
{
	struct answer answer;

	begin_now(routes, request, &answer, code);
	answer_text(&answer, "%s", line);
	send_answer(routes, request, &answer);
}

/* retry_after 0: only somebody's decision can change it. */
static void send_unavailable(
	struct routes *routes, struct request *request, int retry_after, const char *line)
{
	struct answer answer;

	begin_now(routes, request, &answer, 503);
	if (retry_after)
		answer_header(&answer, "Retry-After", "%d", retry_after);
	answer_text(&answer, "%s", line);
	send_answer(routes, request, &answer);
}

static const char *reason_of(const struct camera_status *status)
{
	if (*status->reason)
		return status->reason;
	return status->state == CAMERA_STARTING ? "the camera is starting"
						: "the camera has given no picture in time";
}

static void send_no_picture(
	struct routes *routes, struct request *request, const struct camera_status *status)
{
	send_unavailable(
		routes, request, status->state == CAMERA_RELEASED ? 0 : 5, reason_of(status));
}

static void send_body(struct routes *routes, struct request *request, const char *type,
	const void *body, size_t size)
{
	struct answer answer;

	begin_now(routes, request, &answer, 200);
	answer.type = type;
	answer.body = body;
	answer.size = size;
	send_answer(routes, request, &answer);
}

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
	send_line(routes, request, 400, line);
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
	begin(routes, request, status, answer, 200);
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
	count(routes, request, 200);
	viewers_adopt(routes->parts.viewers, request_detach(request), id, &answer, options);
}

static void handle_stream(struct routes *routes, struct request *request)
{
	struct viewer_options options;
	struct camera_status status;

	if (read_viewer_options(routes, request, &options) < 0)
		return;
	camera_status(routes->parts.camera, &status);
	if (viewers_full(routes->parts.viewers)) {
		send_unavailable(routes, request, 5,
			"as many viewers as --max-viewers allows are watching; try again later");
	} else if (has_method(request, "HEAD") && status.state != CAMERA_RELEASED) {
		struct answer answer;

		begin_stream(routes, request, &status, &answer);
		send_answer(routes, request, &answer);
	} else if (options.no_placeholder && (status.stand_in || status.state > CAMERA_RELEASED)) {
		send_no_picture(routes, request, &status);
	} else if (status.state == CAMERA_RELEASED || camera_watch(routes->parts.camera) < 0) {
		send_no_picture(routes, request, &status);
	} else {
		start_stream(routes, request, &status, &options);
	}
}

static void handle_snapshot(struct routes *routes, struct request *request)
{
	struct camera_status status;
	double max_age_ms = 0;

	if (query_number(routes, request, "max_delay", any_number, 0, 1e9, &max_age_ms) < 0 ||
		query_number(routes, request, "max_age", any_number, 0, 1e9, &max_age_ms) < 0)
		return;
	camera_status(routes->parts.camera, &status);
	if (has_method(request, "HEAD") && status.state != CAMERA_RELEASED) {
		struct answer answer;

		begin_now(routes, request, &answer, 200);
		answer.type = "image/jpeg";
		answer.endless = true; /* no length: nothing is captured for a HEAD */
		send_answer(routes, request, &answer);
	} else if (status.state == CAMERA_RELEASED || camera_watch(routes->parts.camera) < 0) {
		send_no_picture(routes, request, &status);
	} else if (snapshots_wait(routes->parts.snapshots, request,
			   request_arrived_ns(request) - (int64_t)(max_age_ms * 1e6)) < 0) {
		camera_unwatch(routes->parts.camera);
		send_unavailable(routes, request, 1, "too many snapshots wait already; try again");
	} else {
		snapshots_refresh(routes->parts.snapshots, &status);
	}
}

void routes_deliver_snapshot(struct routes *routes, struct request *request,
	const struct frame *frame, const struct camera_status *status)
{
	struct answer answer;
	int64_t us = frame ? frame->wall_ns / 1000 : 0;

	if (!frame) {
		send_no_picture(routes, request, status);
		return;
	}
	begin(routes, request, status, &answer, 200);
	answer_header(&answer, "Cache-Control", "no-store, no-cache, must-revalidate, max-age=0");
	answer_header(&answer, "Pragma", "no-cache");
	answer_header(&answer, "Expires", "0");
	answer_header(&answer, "X-Timestamp", "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
	answer_header(&answer, "X-Frame-Seq", "%" PRIu64, frame->seq);
	answer.type = "image/jpeg";
	answer.body = frame->data;
	answer.size = frame->size;
	send_answer(routes, request, &answer);
}

static void handle_state(struct routes *routes, struct request *request)
{
	struct camera_status status;
	char *json;

	camera_status(routes->parts.camera, &status);
	json = state_json(routes->parts.config, &status, routes->parts.viewers);
	if (json)
		send_body(routes, request, "application/json", json, strlen(json));
	else
		send_unavailable(routes, request, 1, "out of memory");
	free(json);
}

static void handle_metrics(struct routes *routes, struct request *request)
{
	struct camera_status status;
	size_t size;
	char *text;

	camera_status(routes->parts.camera, &status);
	text = metrics_text(&status, routes->parts.viewers, &routes->requests, &size);
	if (text)
		send_body(routes, request, "text/plain; version=0.0.4; charset=utf-8", text, size);
	else
		send_unavailable(routes, request, 1, "out of memory");
	free(text);
}

static void handle_healthz(struct routes *routes, struct request *request)
{
	send_line(routes, request, 200, "ok");
}

static void handle_readyz(struct routes *routes, struct request *request)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	if (camera_fresh(&status, clock_now_ns()) || status.state == CAMERA_IDLE ||
		status.state == CAMERA_RELEASED)
		send_line(routes, request, 200, "ok");
	else
		send_no_picture(routes, request, &status);
}

static void submit(struct routes *routes, struct request *request, enum control_verb verb)
{
	if (control_submit(routes->parts.control, request, verb) < 0)
		send_unavailable(
			routes, request, 1, "too many requests wait for the camera; try again");
}

static void handle_shutdown(struct routes *routes, struct request *request)
{
	submit(routes, request, CONTROL_RELEASE);
}

static void handle_start(struct routes *routes, struct request *request)
{
	submit(routes, request, CONTROL_START);
}

static void handle_controls(struct routes *routes, struct request *request)
{
	struct answer answer;

	if (has_method(request, "POST")) {
		submit(routes, request, CONTROL_SET);
	} else if (has_method(request, "HEAD")) {
		begin_now(routes, request, &answer, 200);
		answer.type = "application/json";
		answer.endless = true; /* no length: the device is not asked for a HEAD */
		send_answer(routes, request, &answer);
	} else {
		submit(routes, request, CONTROL_LIST);
	}
}

static void send_exactly(struct routes *routes, struct request *request, const char *text)
{
	send_body(routes, request, "text/plain; charset=utf-8", text, strlen(text));
}

static void answer_release(struct routes *routes, const struct control_result *result)
{
	if (result->status == 200)
		send_exactly(routes, result->request, "Capture released");
	else
		send_unavailable(routes, result->request, 5,
			"latched off; the driver has not closed the device yet");
}

static void answer_panel(struct routes *routes, const struct control_result *result)
{
	struct camera_status status;

	camera_status(routes->parts.camera, &status);
	if (!result->body)
		send_unavailable(routes, result->request, 1, "out of memory");
	else if (result->status == 200)
		send_body(routes, result->request, "application/json", result->body,
			strlen(result->body));
	else if (result->status == 503)
		send_unavailable(routes, result->request, status.state == CAMERA_RELEASED ? 0 : 5,
			result->body);
	else
		send_line(routes, result->request, result->status, result->body);
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

static const char *methods_text(const struct route *route)
{
	if (route->methods == (READ | POST))
		return "GET, HEAD, POST";
	return route->methods == POST ? "POST" : "GET, HEAD";
}

static void refuse_method(struct routes *routes, struct request *request, const struct route *route)
{
	struct answer answer;
	const char *allowed = methods_text(route);

	begin_now(routes, request, &answer, 405);
	answer_header(&answer, "Allow", "%s", allowed);
	answer_text(&answer, "/%s takes %s", route->name, allowed);
	send_answer(routes, request, &answer);
}

/* A browser asks before it lets a page of a listed origin send a POST with a header of its own. */
static bool answer_preflight(
	struct routes *routes, struct request *request, const struct route *route)
{
	const char *allowed = routes->parts.config->allow_origin;
	struct answer answer;

	if (!has_method(request, "OPTIONS") ||
		!origin_listed(allowed, request_param(request, "HTTP_ORIGIN")))
		return false;
	begin_now(routes, request, &answer, 204);
	answer_header(&answer, "Access-Control-Allow-Methods", "%s", methods_text(route));
	answer_header(&answer, "Access-Control-Allow-Headers", "Content-Type");
	send_answer(routes, request, &answer);
	return true;
}

static bool is_form(const struct request *request)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = request_param(request, "CONTENT_TYPE");

	return !type || !*type ||
	       (strncasecmp(type, form, strlen(form)) == 0 && strchr(";\t ", type[strlen(form)]));
}

static bool may_post(struct routes *routes, struct request *request)
{
	const struct origin_facts facts = {
		.origin = request_param(request, "HTTP_ORIGIN"),
		.sec_fetch_site = request_param(request, "HTTP_SEC_FETCH_SITE"),
		.host = request_param(request, "HTTP_HOST"),
		.allowed = routes->parts.config->allow_origin,
	};
	char why[384];

	if (request_too_long(request))
		send_line(routes, request, 413, "the body is too long: at most 8192 bytes");
	else if (!is_form(request))
		send_line(routes, request, 415,
			"the body must be application/x-www-form-urlencoded, or empty without a "
			"type");
	else if (!origin_may_post(&facts, why, sizeof(why)))
		send_line(routes, request, 403, why);
	else
		return true;
	return false;
}

void routes_handle(struct routes *routes, struct request *request)
{
	const struct route *route = find_route(request);
	bool posts = has_method(request, "POST");
	bool reads = has_method(request, "GET") || has_method(request, "HEAD");

	if (!route) {
		send_line(routes, request, 404, "no such page");
		return;
	}
	if (answer_preflight(routes, request, route))
		return;
	if (!(route->methods & POST && posts) && !(route->methods & READ && reads)) {
		refuse_method(routes, request, route);
		return;
	}
	if (posts && !may_post(routes, request))
		return;
	route->handle(routes, request);
}

struct routes *routes_create(const struct routes_parts *parts)
{
	struct routes *routes = calloc(1, sizeof(*routes));

	if (!routes)
		return NULL;
	routes->parts = *parts;
	routes->requests.routes = ROUTES + 1;
	for (size_t i = 0; i < ROUTES; i++)
		routes->requests.names[i] = table[i].name;
	routes->requests.names[ROUTES] = "other";
	return routes;
}

void routes_destroy(struct routes *routes)
{
	free(routes);
}
