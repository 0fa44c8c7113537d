/* SPDX-License-Identifier: MIT */
#include "fcgi/routes.h"

#include "fcgi/answer.h"
#include "fcgi/config.h"
#include "fcgi/handlers.h"
#include "fcgi/origin.h"
#include "fcgi/query.h"
#include "fcgi/reply.h"
#include "fcgi/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As a set of bits. */
enum methods { READ = 1, POST = 2 };

struct route {
	const char *name;
	const char *aliases[2];
	unsigned methods;
	void (*handle)(struct routes *routes, struct request *request);
};

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

void routes_count(struct routes *routes, const struct request *request, int code)
{
	const struct route *route = find_route(request);

	metrics_count(&routes->requests, route ? (size_t)(route - table) : ROUTES, code);
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

	reply_begin_now(routes, request, &answer, 405);
	answer_header(&answer, "Allow", "%s", allowed);
	answer_text(&answer, "/%s takes %s", route->name, allowed);
	reply_send(routes, request, &answer);
}

/* A browser asks before it lets a page of a listed origin send a POST with a header of its own. */
static bool answer_preflight(
	struct routes *routes, struct request *request, const struct route *route)
{
	const char *allowed = routes->parts.config->allow_origin;
	struct answer answer;

	if (!request_has_method(request, "OPTIONS") ||
		!origin_listed(allowed, request_param(request, "HTTP_ORIGIN")))
		return false;
	reply_begin_now(routes, request, &answer, 204);
	answer_header(&answer, "Access-Control-Allow-Methods", "%s", methods_text(route));
	answer_header(&answer, "Access-Control-Allow-Headers", "Content-Type");
	reply_send(routes, request, &answer);
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
		reply_line(routes, request, 413, "the body is too long: at most 8192 bytes");
	else if (!is_form(request))
		reply_line(routes, request, 415,
			"the body must be application/x-www-form-urlencoded, or empty without a "
			"type");
	else if (!origin_may_post(&facts, why, sizeof(why)))
		reply_line(routes, request, 403, why);
	else
		return true;
	return false;
}

void routes_handle(struct routes *routes, struct request *request)
{
	const struct route *route = find_route(request);
	bool posts = request_has_method(request, "POST");
	bool reads = request_has_method(request, "GET") || request_has_method(request, "HEAD");

	if (!route) {
		reply_line(routes, request, 404, "no such page");
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
