/* SPDX-License-Identifier: MIT */
#include "fcgi/server.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/hub.h"
#include "capture/pulse.h"
#include "fcgi/answer.h"
#include "fcgi/config.h"
#include "fcgi/control.h"
#include "fcgi/lobby.h"
#include "fcgi/loop.h"
#include "fcgi/request.h"
#include "fcgi/routes.h"
#include "fcgi/snapshots.h"
#include "fcgi/viewers.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_NS (250 * NS_PER_MS)

struct server {
	pthread_t thread;
	struct camera *camera;
	struct hub *hub;
	struct loop *loop;
	struct lobby *lobby;
	struct answers *answers;
	struct viewers *viewers;
	struct snapshots *snapshots;
	struct control *control;
	struct routes *routes;
	struct pulse *pulse;
	struct watch hub_watch, control_watch, stop_watch;
	_Atomic int64_t patience_ns; /* written before stop_watch is signalled */
	int64_t stop_ns;             /* when the thread ends at the latest; INT64_MAX: it serves */
};

#define OWNER(watch, member) ((struct server *)((char *)(watch)-offsetof(struct server, member)))

static void refresh(struct server *server)
{
	struct camera_status status;

	camera_status(server->camera, &status);
	viewers_refresh(server->viewers, &status);
	snapshots_refresh(server->snapshots, &status);
}

static void hub_ready(struct watch *watch, uint32_t events)
{
	struct server *server = OWNER(watch, hub_watch);

	(void)events;
	hub_acknowledge(server->hub);
	if (server->stop_ns == INT64_MAX)
		refresh(server);
}

static void control_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	routes_answer_controls(OWNER(watch, control_watch)->routes);
}

static void stop_ready(struct watch *watch, uint32_t events)
{
	struct server *server = OWNER(watch, stop_watch);

	(void)events;
	loop_remove(server->loop, watch);
	server->stop_ns = clock_now_ns() + server->patience_ns;
	lobby_close_door(server->lobby);
	viewers_end_all(server->viewers);
	snapshots_end_all(server->snapshots);
}

static void on_request(void *arg, struct request *request)
{
	struct server *server = arg;

	if (server->stop_ns == INT64_MAX)
		routes_handle(server->routes, request);
	else
		request_close(request);
}

static void on_snapshot(void *arg, struct request *request, const struct frame *frame,
	const struct camera_status *status)
{
	routes_deliver_snapshot(((struct server *)arg)->routes, request, frame, status);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* INT64_MAX: nobody waits for anything, so the next tick comes with the next event. */
static int64_t tick(struct server *server)
{
	int64_t now = clock_now_ns();
	int64_t next = server->stop_ns;

	if (server->stop_ns == INT64_MAX)
		refresh(server); /* a starting camera becomes a placeholder without a wake-up */
	next = earlier(next, lobby_tick(server->lobby, now));
	next = earlier(next, answers_tick(server->answers, now));
	next = earlier(next, snapshots_tick(server->snapshots, now));
	next = earlier(next, viewers_tick(server->viewers, now));
	/* Who comes meanwhile may have a deadline before all of these. */
	return next == INT64_MAX ? next : earlier(next, now + TICK_NS);
}

static bool has_work(const struct server *server)
{
	if (server->stop_ns == INT64_MAX)
		return true;
	return clock_now_ns() < server->stop_ns &&
	       (viewers_count(server->viewers) || answers_pending(server->answers));
}

static void *server_thread(void *arg)
{
	struct server *server = arg;
	int64_t next = 0;

	pthread_setname_np(pthread_self(), "server");
	while (has_work(server)) {
		if (next == INT64_MAX || clock_now_ns() >= next)
			next = tick(server);
		loop_turn(server->loop, pulse_beat(server->pulse, next));
	}
	return NULL;
}

static void free_server(struct server *server)
{
	lobby_destroy(server->lobby);
	snapshots_destroy(server->snapshots);
	viewers_destroy(server->viewers);
	control_destroy(server->control);
	answers_destroy(server->answers);
	routes_destroy(server->routes);
	loop_destroy(server->loop);
	if (server->stop_watch.fd >= 0)
		close(server->stop_watch.fd);
	free(server);
}

static int create_parts(struct server *server, const struct server_parts *given)
{
	const struct config *config = given->config;
	const struct viewers_options viewers_options = {
		.max = config->max_viewers,
		.timeout_ns = config->viewer_timeout_ns,
		.max_inflight = config->max_inflight,
		.width = config->width,
		.height = config->height,
	};
	const struct snapshots_options snapshots_options = {
		.warmup_ns = config->warmup_ns, .deliver = on_snapshot, .arg = server};
	struct routes_parts parts = {
		.config = config, .camera = server->camera, .hub = server->hub};

	server->loop = loop_create();
	if (!server->loop)
		return -1;
	server->answers = answers_create(server->loop);
	server->viewers =
		viewers_create(&viewers_options, server->loop, server->camera, server->hub);
	server->snapshots =
		snapshots_create(&snapshots_options, server->loop, server->camera, server->hub);
	server->control = control_create(server->camera, given->settings, config->state_dir);
	parts.answers = server->answers;
	parts.viewers = server->viewers;
	parts.snapshots = server->snapshots;
	parts.control = server->control;
	server->routes = routes_create(&parts);
	server->lobby = lobby_create(server->loop, given->listen_fd, on_request, server);
	return server->answers && server->viewers && server->snapshots && server->control &&
			       server->routes && server->lobby
		       ? 0
		       : -1;
}

static int watch_wakeups(struct server *server)
{
	server->hub_watch = (struct watch){hub_ready, hub_fd(server->hub)};
	server->control_watch = (struct watch){control_ready, control_fd(server->control)};
	server->stop_watch = (struct watch){stop_ready, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (loop_add(server->loop, &server->hub_watch, EPOLLIN) < 0 ||
		loop_add(server->loop, &server->control_watch, EPOLLIN) < 0)
		return -1;
	return loop_add(server->loop, &server->stop_watch, EPOLLIN);
}

struct server *server_create(const struct server_parts *parts)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->camera = parts->camera;
	server->hub = parts->hub;
	server->pulse = parts->pulse;
	server->stop_ns = INT64_MAX;
	server->stop_watch.fd = -1;
	if (create_parts(server, parts) < 0 || watch_wakeups(server) < 0 ||
		pthread_create(&server->thread, NULL, server_thread, server) != 0) {
		free_server(server);
		return NULL;
	}
	return server;
}

void server_stop(struct server *server, int64_t patience_ns)
{
	server->patience_ns = patience_ns;
	(void)!write(server->stop_watch.fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_join(server->thread, NULL);
}

int server_join(struct server *server, int64_t timeout_ns)
{
	return control_stop(server->control, timeout_ns);
}

void server_destroy(struct server *server)
{
	if (server)
		free_server(server);
}
