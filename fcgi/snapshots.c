/* SPDX-License-Identifier: MIT */
#include "fcgi/snapshots.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/hub.h"
#include "fcgi/list.h"
#include "fcgi/loop.h"
#include "fcgi/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PATIENCE_NS (5 * NS_PER_S)

struct snapshots {
	struct snapshots_options options;
	struct loop *loop;
	struct camera *camera;
	struct hub *hub;
	struct link ring; /* who came first stands first */
	unsigned count;
};

struct waiter {
	struct link link;
	struct watch watch;
	struct snapshots *snapshots;
	struct request *request;
	int64_t after_ns;
	int64_t deadline_ns;
};

struct snapshots *snapshots_create(const struct snapshots_options *options, struct loop *loop,
	struct camera *camera, struct hub *hub)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));

	if (!snapshots)
		return NULL;
	snapshots->options = *options;
	snapshots->loop = loop;
	snapshots->camera = camera;
	snapshots->hub = hub;
	list_init(&snapshots->ring);
	return snapshots;
}

static struct request *dismiss(struct waiter *waiter)
{
	struct snapshots *snapshots = waiter->snapshots;
	struct request *request = waiter->request;

	loop_remove(snapshots->loop, &waiter->watch);
	list_remove(&waiter->link);
	snapshots->count--;
	free(waiter);
	camera_unwatch(snapshots->camera);
	return request;
}

void snapshots_destroy(struct snapshots *snapshots)
{
	if (!snapshots)
		return;
	while (!list_empty(&snapshots->ring))
		request_close(dismiss((struct waiter *)snapshots->ring.next));
	free(snapshots);
}

static void waiter_ready(struct watch *watch, uint32_t events)
{
	struct waiter *waiter = (struct waiter *)((char *)watch - offsetof(struct waiter, watch));
	char bytes[512];
	ssize_t n = 1;

	while (n > 0)
		n = recv(watch->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n == 0 || errno != EAGAIN || (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)))
		request_close(dismiss(waiter));
}

static bool new_enough(const struct waiter *waiter, const struct frame *frame)
{
	return frame && frame->captured_ns >= waiter->after_ns;
}

static bool settled(const struct snapshots *snapshots, const struct frame *frame)
{
	return frame->captured_ns - frame->stream_ns >= snapshots->options.warmup_ns;
}

static void deliver(
	struct waiter *waiter, const struct frame *frame, const struct camera_status *status)
{
	struct snapshots *snapshots = waiter->snapshots;

	snapshots->options.deliver(snapshots->options.arg, dismiss(waiter), frame, status);
}

static bool has_no_picture(const struct camera_status *status)
{
	return status->stand_in || status->state >= CAMERA_RELEASED;
}

static void serve(struct waiter *waiter, struct frame *frame, const struct camera_status *status)
{
	if (has_no_picture(status))
		deliver(waiter, NULL, status);
	else if (new_enough(waiter, frame) && settled(waiter->snapshots, frame))
		deliver(waiter, frame, status);
}

int snapshots_wait(struct snapshots *snapshots, struct request *request, int64_t after_ns)
{
	struct waiter *waiter;

	if (snapshots->count == SNAPSHOTS_MAX)
		return -1;
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return -1;
	waiter->snapshots = snapshots;
	waiter->request = request;
	waiter->after_ns = after_ns;
	waiter->deadline_ns = request_arrived_ns(request) + PATIENCE_NS;
	waiter->watch = (struct watch){.ready = waiter_ready, .fd = request_fd(request)};
	if (loop_add(snapshots->loop, &waiter->watch, EPOLLIN | EPOLLRDHUP) < 0) {
		free(waiter);
		return -1;
	}
	list_append(&snapshots->ring, &waiter->link);
	snapshots->count++;
	return 0;
}

void snapshots_refresh(struct snapshots *snapshots, const struct camera_status *status)
{
	struct frame *frame;
	struct link *link = snapshots->ring.next;

	if (list_empty(&snapshots->ring))
		return;
	frame = hub_latest(snapshots->hub);
	while (link != &snapshots->ring) {
		struct waiter *waiter = (struct waiter *)link;

		link = link->next;
		serve(waiter, frame, status);
	}
	frame_unref(frame);
}

static void deliver_what_there_is(struct waiter *waiter)
{
	struct snapshots *snapshots = waiter->snapshots;
	struct camera_status status;
	struct frame *frame;

	camera_status(snapshots->camera, &status);
	frame = status.stand_in ? NULL : hub_latest(snapshots->hub);
	deliver(waiter, new_enough(waiter, frame) ? frame : NULL, &status);
	frame_unref(frame);
}

void snapshots_end_all(struct snapshots *snapshots)
{
	while (!list_empty(&snapshots->ring))
		deliver_what_there_is((struct waiter *)snapshots->ring.next);
}

int64_t snapshots_tick(struct snapshots *snapshots, int64_t now_ns)
{
	while (!list_empty(&snapshots->ring)) {
		struct waiter *first = (struct waiter *)snapshots->ring.next;

		if (first->deadline_ns > now_ns)
			return first->deadline_ns;
		deliver_what_there_is(first);
	}
	return INT64_MAX;
}
