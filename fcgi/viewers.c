/* SPDX-License-Identifier: MIT */
#include "fcgi/viewers.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/hub.h"
#include "capture/log.h"
#include "fcgi/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_NS (250 * NS_PER_MS)

struct viewers {
	struct viewers_options options;
	struct hub *hub;
	struct audience audience;
	uint64_t serial;
};

struct viewers *viewers_create(const struct viewers_options *options, struct loop *loop,
	struct camera *camera, struct hub *hub)
{
	struct viewers *viewers = calloc(1, sizeof(*viewers));

	if (!viewers)
		return NULL;
	viewers->options = *options;
	viewers->audience.loop = loop;
	viewers->audience.camera = camera;
	viewers->hub = hub;
	viewers->audience.tcp_queue = tcp_queue_open();
	if (!viewers->audience.tcp_queue)
		log_debug("viewers: the kernel does not tell how far they are behind: %s",
			strerror(errno));
	list_init(&viewers->audience.ring);
	screen_init(&viewers->audience.screen, options->width, options->height);
	return viewers;
}

void viewers_destroy(struct viewers *viewers)
{
	if (!viewers)
		return;
	while (!list_empty(&viewers->audience.ring))
		viewer_remove((struct viewer *)viewers->audience.ring.next, END_SHUTDOWN);
	tcp_queue_close(viewers->audience.tcp_queue);
	screen_finish(&viewers->audience.screen);
	free(viewers);
}

bool viewers_full(const struct viewers *viewers)
{
	return viewers->audience.count >= viewers->options.max;
}

unsigned viewers_count(const struct viewers *viewers)
{
	return viewers->audience.count;
}

void viewers_adopt(struct viewers *viewers, int fd, unsigned id, const struct answer *head,
	const struct viewer_options *options)
{
	struct viewer *viewer = viewer_create(&viewers->audience, fd, id, options);

	if (!viewer) {
		close(fd);
		camera_unwatch(viewers->audience.camera);
		return;
	}
	viewer->serial = ++viewers->serial;
	viewer_enter(viewer, head);
}

static void give_out(struct viewers *viewers)
{
	int64_t now = clock_now_ns();
	struct link *link = viewers->audience.ring.next;

	while (link != &viewers->audience.ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (viewer->ending)
			continue;
		if (viewers->audience.screen.is_picture)
			viewer_note_picture(viewer, now);
		viewer_offer(viewer, now);
	}
}

static void end_each(struct viewers *viewers, bool only_without_placeholder, enum viewer_end why)
{
	struct link *link = viewers->audience.ring.next;

	while (link != &viewers->audience.ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (!only_without_placeholder || viewer->no_placeholder)
			viewer_end(viewer, why);
	}
}

void viewers_end_all(struct viewers *viewers)
{
	end_each(viewers, false, END_SHUTDOWN);
}

/* Of those in mid-frame the one that is longest in it; NULL: there is none. */
static struct viewer *slowest(struct viewers *viewers)
{
	struct viewer *found = NULL;

	for (struct link *link = viewers->audience.ring.next; link != &viewers->audience.ring;
		link = link->next) {
		struct viewer *viewer = (struct viewer *)link;

		if (parcel_loaded(&viewer->parcel) &&
			(!found || viewer->started_ns < found->started_ns))
			found = viewer;
	}
	return found;
}

static void bound_memory(struct viewers *viewers)
{
	while (screen_held_by_viewers(&viewers->audience.screen) > viewers->options.max_inflight) {
		struct viewer *viewer = slowest(viewers);

		if (!viewer)
			return;
		viewer_remove(viewer, END_LIMIT);
	}
}

void viewers_refresh(struct viewers *viewers, const struct camera_status *status)
{
	struct screen *screen = &viewers->audience.screen;
	struct frame *newest;

	if (status->state == CAMERA_RELEASED) {
		viewers_end_all(viewers);
		screen->lit = false;
		return;
	}
	newest = hub_latest(viewers->hub);
	if (screen->lit && screen->is_picture &&
		!newest) /* while the last picture is still there */
		end_each(viewers, true, END_CLIENT);
	if (!screen_update(screen, newest, status))
		return;
	if (!screen->is_picture)
		end_each(viewers, true, END_CLIENT);
	give_out(viewers);
	bound_memory(viewers);
}

int64_t viewers_tick(struct viewers *viewers, int64_t now_ns)
{
	struct link *link = viewers->audience.ring.next;

	while (link != &viewers->audience.ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (viewer_overdue(viewer, now_ns, viewers->options.timeout_ns))
			viewer_remove(viewer, END_TIMEOUT);
		else if (!viewer->ending)
			viewer_offer(viewer, now_ns);
	}
	return viewers->audience.count ? now_ns + TICK_NS : INT64_MAX;
}

const struct viewers_totals *viewers_totals(const struct viewers *viewers)
{
	return &viewers->audience.totals;
}

double viewers_max_lag(const struct viewers *viewers)
{
	int64_t now = clock_now_ns();
	double max = 0;

	for (struct link *link = viewers->audience.ring.next; link != &viewers->audience.ring;
		link = link->next) {
		double lag = viewer_lag_s((struct viewer *)link, now);

		max = lag > max ? lag : max;
	}
	return max;
}

void viewers_each(struct viewers *viewers,
	void (*each)(void *arg, const struct viewer_figures *figures), void *arg)
{
	int64_t now = clock_now_ns();

	for (struct link *link = viewers->audience.ring.next; link != &viewers->audience.ring;
		link = link->next) {
		struct viewer *viewer = (struct viewer *)link;
		struct viewer_figures figures = {
			.serial = viewer->serial,
			.fps = rate_per_s(&viewer->rate, now),
			.lag_s = viewer_lag_s(viewer, now),
			.seconds = (double)(now - viewer->since_ns) / (double)NS_PER_S,
			.frames = viewer->frames,
			.skipped = viewer->skipped,
		};

		each(arg, &figures);
	}
}
