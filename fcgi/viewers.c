/* SPDX-License-Identifier: MIT */
#include "fcgi/viewers.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/log.h"
#include "capture/rate.h"
#include "fcgi/answer.h"
#include "fcgi/list.h"
#include "fcgi/loop.h"
#include "fcgi/parcel.h"
#include "fcgi/record.h"
#include "fcgi/screen.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_NS (250 * NS_PER_MS)
#define REPEAT_NS NS_PER_S

/* What epoll tells of a viewer: that it has gone, always; that its socket has room, if we need it.
 */
#define QUIET ((uint32_t)(EPOLLIN | EPOLLRDHUP))
#define SENDING (QUIET | (uint32_t)EPOLLOUT)
/* Level-triggered this would spin: there is room long before the socket is empty. */
#define LATE (SENDING | (uint32_t)EPOLLET)

struct viewers {
	struct viewers_options options;
	struct loop *loop;
	struct camera *camera;
	struct hub *hub;
	struct screen screen;
	struct link ring;
	unsigned count;
	uint64_t serial;
	struct viewers_totals totals;
};

struct viewer {
	struct link link;
	struct watch watch;
	struct viewers *viewers;
	uint64_t serial;
	unsigned id; /* FastCGI request */
	enum part_style style;
	uint32_t events; /* that epoll watches for */
	bool opened;     /* the opening edge was sent */
	bool no_placeholder;
	bool missing; /* the newest picture was due and could not be sent yet */
	bool ending;
	enum viewer_end why;

	struct parcel parcel;
	bool parcel_is_new; /* not a repeat */
	bool parcel_is_picture;
	int64_t captured_ns; /* of what is in the parcel */
	int64_t started_ns;  /* when the newest parcel was begun */
	uint64_t shown;      /* generation of the newest parcel; 0: none */

	int64_t interval_ns;  /* of the cap; 0: none */
	int64_t due_ns;       /* not before then */
	uint64_t frames_left; /* UINT64_MAX: no end */

	int64_t since_ns;
	uint64_t frames, skipped;
	int64_t lag_ns, max_lag_ns;
	struct rate rate;
	char address[48];
};

static void offer(struct viewer *viewer, int64_t now);

struct viewers *viewers_create(const struct viewers_options *options, struct loop *loop,
	struct camera *camera, struct hub *hub)
{
	struct viewers *viewers = calloc(1, sizeof(*viewers));

	if (!viewers)
		return NULL;
	viewers->options = *options;
	viewers->loop = loop;
	viewers->camera = camera;
	viewers->hub = hub;
	list_init(&viewers->ring);
	screen_init(&viewers->screen, options->width, options->height);
	return viewers;
}

static void log_end(const struct viewer *viewer)
{
	static const char *const why[VIEWER_ENDS] = {
		"it left", "time-out", "--max-inflight", "deliberate end"};

	log_info(
		"viewer %llu (%s): %s after %.1f s, %llu frames, %llu skipped, greatest lag %.2f s",
		(unsigned long long)viewer->serial, viewer->address, why[viewer->why],
		(double)(clock_now_ns() - viewer->since_ns) / (double)NS_PER_S,
		(unsigned long long)viewer->frames, (unsigned long long)viewer->skipped,
		(double)viewer->max_lag_ns / (double)NS_PER_S);
}

static void remove_viewer(struct viewer *viewer, enum viewer_end why)
{
	struct viewers *viewers = viewer->viewers;

	viewer->why = viewer->ending ? viewer->why : why;
	log_end(viewer);
	viewers->totals.ended[viewer->why]++;
	viewers->count--;
	loop_remove(viewers->loop, &viewer->watch);
	list_remove(&viewer->link);
	close(viewer->watch.fd);
	parcel_drop(&viewer->parcel);
	free(viewer);
	camera_unwatch(viewers->camera);
}

void viewers_destroy(struct viewers *viewers)
{
	if (!viewers)
		return;
	while (!list_empty(&viewers->ring))
		remove_viewer((struct viewer *)viewers->ring.next, END_SHUTDOWN);
	screen_finish(&viewers->screen);
	free(viewers);
}

static void watch_for(struct viewer *viewer, uint32_t events)
{
	if (viewer->events != events)
		loop_modify(viewer->viewers->loop, &viewer->watch, events);
	viewer->events = events;
}

/*
 * The gate. The kernel holds one reference to the socket's memory while it
 * wakes us, so 1 is empty, too (measured: waiting for 0 loses wake-ups).
 */
static bool drained(const struct viewer *viewer)
{
	int queued = 0;

	return ioctl(viewer->watch.fd, SIOCOUTQ, &queued) == 0 && queued <= 1;
}

static void count_picture(struct viewer *viewer, int64_t now)
{
	viewer->frames++;
	if (viewer->frames_left != UINT64_MAX)
		viewer->frames_left--;
	viewer->viewers->totals.frames++;
	viewer->lag_ns = now - viewer->captured_ns;
	if (viewer->lag_ns > viewer->max_lag_ns)
		viewer->max_lag_ns = viewer->lag_ns;
	rate_add(&viewer->rate, now);
}

static void send_more(struct viewer *viewer);

/* The newest picture once more, or the first one, with the closing edge. */
static void start_closing(struct viewer *viewer)
{
	struct screen *screen = &viewer->viewers->screen;
	struct part *part = NULL;

	if (viewer->opened || screen->lit)
		part = screen_part(screen, viewer->style, viewer->id);
	viewer->parcel_is_new = part && viewer->shown != screen->generation;
	viewer->parcel_is_picture = screen->is_picture;
	viewer->captured_ns = part ? screen->frame->captured_ns : 0;
	parcel_load(
		&viewer->parcel, part, part && !viewer->opened, true, viewer->style, viewer->id);
	send_more(viewer);
}

static void end_deliberately(struct viewer *viewer, enum viewer_end why)
{
	if (viewer->ending)
		return;
	viewer->ending = true;
	viewer->why = why;
	if (!parcel_loaded(&viewer->parcel))
		start_closing(viewer);
	else
		parcel_close(&viewer->parcel, viewer->style, viewer->id);
}

static void parcel_is_through(struct viewer *viewer, bool was_closing)
{
	int64_t now = clock_now_ns();

	if (viewer->parcel_is_new && viewer->parcel_is_picture)
		count_picture(viewer, now);
	else if (!viewer->parcel_is_picture)
		viewer->viewers->totals.placeholders++;
	if (was_closing) {
		remove_viewer(viewer, END_CLIENT);
		return;
	}
	watch_for(viewer, QUIET);
	if (viewer->ending)
		start_closing(viewer);
	else
		offer(viewer, now);
}

static void send_more(struct viewer *viewer)
{
	bool closing = viewer->parcel.closing;

	switch (parcel_send(&viewer->parcel, viewer->watch.fd, &viewer->viewers->totals.bytes)) {
	case PARCEL_THROUGH:
		parcel_is_through(viewer, closing);
		break;
	case PARCEL_STUCK:
		watch_for(viewer, SENDING);
		break;
	case PARCEL_GONE:
		remove_viewer(viewer, END_CLIENT);
		break;
	}
}

/* A cap is reached on average: a picture that came too early leaves its due time as it was. */
static void set_next_due(struct viewer *viewer, int64_t now)
{
	if (viewer->interval_ns == 0)
		return;
	viewer->due_ns += viewer->interval_ns;
	if (viewer->due_ns < now - viewer->interval_ns)
		viewer->due_ns = now - viewer->interval_ns;
}

static void start(struct viewer *viewer, int64_t now)
{
	struct screen *screen = &viewer->viewers->screen;
	struct part *part = screen_part(screen, viewer->style, viewer->id);
	bool is_new = viewer->shown != screen->generation;
	bool last = is_new && screen->is_picture && viewer->frames_left == 1;

	if (!part)
		return;
	parcel_load(&viewer->parcel, part, !viewer->opened, last, viewer->style, viewer->id);
	viewer->ending |= last;
	viewer->opened = true;
	viewer->parcel_is_new = is_new;
	viewer->parcel_is_picture = screen->is_picture;
	viewer->captured_ns = screen->frame->captured_ns;
	viewer->started_ns = now;
	viewer->shown = screen->generation;
	viewer->missing = false;
	if (is_new)
		set_next_due(viewer, now);
	send_more(viewer);
}

static bool due(const struct viewer *viewer, int64_t now)
{
	int64_t pause = viewer->interval_ns > REPEAT_NS ? viewer->interval_ns : REPEAT_NS;

	if (viewer->shown != viewer->viewers->screen.generation)
		return now >= viewer->due_ns;
	return now - viewer->started_ns >= pause;
}

/* Sends the newest picture if the viewer is due and its socket is empty. */
static void offer(struct viewer *viewer, int64_t now)
{
	if (!viewer->viewers->screen.lit || parcel_loaded(&viewer->parcel) || !due(viewer, now))
		return;
	if (!drained(viewer)) {
		watch_for(viewer, LATE);
		if (!drained(viewer)) /* once more: it may have emptied before epoll watched */
			return;
	}
	watch_for(viewer, QUIET);
	start(viewer, now);
}

/* true: the peer has closed. Servers send nothing behind their request but its empty end. */
static bool peer_has_gone(int fd)
{
	char bytes[512];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		;
	return n == 0 || errno != EAGAIN;
}

static void viewer_ready(struct watch *watch, uint32_t events)
{
	struct viewer *viewer = (struct viewer *)((char *)watch - offsetof(struct viewer, watch));

	if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP) ||
		((events & EPOLLIN) && peer_has_gone(watch->fd)))
		remove_viewer(viewer, END_CLIENT);
	else if (parcel_loaded(&viewer->parcel))
		send_more(viewer);
	else
		offer(viewer, clock_now_ns());
}

bool viewers_full(const struct viewers *viewers)
{
	return viewers->count >= viewers->options.max;
}

unsigned viewers_count(const struct viewers *viewers)
{
	return viewers->count;
}

/* The socket is new and empty: it takes the head whole, or the peer has gone. */
static bool send_head(int fd, unsigned id, const struct answer *answer)
{
	char head[ANSWER_HEAD_MAX];
	uint8_t bytes[ANSWER_HEAD_MAX + RECORD_HEADER];
	uint8_t *end = record_stdout(bytes, id, head, answer_head(head, answer));
	ssize_t size = end - bytes;

	return send(fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) == size;
}

static struct viewer *create_viewer(
	struct viewers *viewers, int fd, unsigned id, const struct viewer_options *options)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));
	int64_t now = clock_now_ns();

	if (!viewer)
		return NULL;
	viewer->watch = (struct watch){.ready = viewer_ready, .fd = fd};
	viewer->viewers = viewers;
	viewer->serial = ++viewers->serial;
	viewer->id = id;
	viewer->style = options->style;
	viewer->events = QUIET;
	viewer->no_placeholder = options->no_placeholder;
	viewer->interval_ns = options->fps > 0 ? (int64_t)((double)NS_PER_S / options->fps) : 0;
	viewer->frames_left = options->frames ? options->frames : UINT64_MAX;
	viewer->since_ns = viewer->due_ns = viewer->started_ns = now;
	snprintf(viewer->address, sizeof(viewer->address), "%s",
		options->address ? options->address : "?");
	return viewer;
}

void viewers_adopt(struct viewers *viewers, int fd, unsigned id, const struct answer *head,
	const struct viewer_options *options)
{
	struct viewer *viewer = create_viewer(viewers, fd, id, options);
	/* The kernel caps it at net.core.wmem_max; what fits goes out in one call. */
	int buffer = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (!viewer || !send_head(fd, id, head) ||
		loop_add(viewers->loop, &viewer->watch, QUIET) < 0) {
		free(viewer);
		close(fd);
		camera_unwatch(viewers->camera);
		return;
	}
	list_append(&viewers->ring, &viewer->link);
	viewers->count++;
	/* Nothing but the head can be in the socket: the first picture need not wait for the gate.
	 */
	if (viewers->screen.lit)
		start(viewer, viewer->since_ns);
}

/* A picture that was due and is overtaken by the next one has been skipped. */
static void note_skipped(struct viewer *viewer, int64_t now)
{
	if (now < viewer->due_ns)
		return;
	if (viewer->missing) {
		viewer->skipped++;
		viewer->viewers->totals.skipped++;
	}
	viewer->missing = true;
}

static void give_out(struct viewers *viewers)
{
	int64_t now = clock_now_ns();
	struct link *link = viewers->ring.next;

	while (link != &viewers->ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (viewer->ending)
			continue;
		if (viewers->screen.is_picture)
			note_skipped(viewer, now);
		offer(viewer, now);
	}
}

static void end_each(struct viewers *viewers, bool only_without_placeholder, enum viewer_end why)
{
	struct link *link = viewers->ring.next;

	while (link != &viewers->ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (!only_without_placeholder || viewer->no_placeholder)
			end_deliberately(viewer, why);
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

	for (struct link *link = viewers->ring.next; link != &viewers->ring; link = link->next) {
		struct viewer *viewer = (struct viewer *)link;

		if (parcel_loaded(&viewer->parcel) &&
			(!found || viewer->started_ns < found->started_ns))
			found = viewer;
	}
	return found;
}

static void bound_memory(struct viewers *viewers)
{
	while (screen_held_by_viewers(&viewers->screen) > viewers->options.max_inflight) {
		struct viewer *viewer = slowest(viewers);

		if (!viewer)
			return;
		remove_viewer(viewer, END_LIMIT);
	}
}

void viewers_refresh(struct viewers *viewers, const struct camera_status *status)
{
	bool had_picture = viewers->screen.lit && viewers->screen.is_picture;

	if (status->state == CAMERA_RELEASED) {
		viewers_end_all(viewers);
		viewers->screen.lit = false;
		return;
	}
	if (screen_update(&viewers->screen, viewers->hub, status)) {
		if (!viewers->screen.is_picture)
			end_each(viewers, true, END_CLIENT);
		give_out(viewers);
		bound_memory(viewers);
	} else if (had_picture && !viewers->screen.lit) {
		end_each(viewers, true, END_CLIENT);
	}
}

static bool overdue(const struct viewer *viewer, int64_t now)
{
	return now - viewer->started_ns > viewer->viewers->options.timeout_ns && viewer->opened &&
	       (parcel_loaded(&viewer->parcel) || !drained(viewer));
}

int64_t viewers_tick(struct viewers *viewers, int64_t now_ns)
{
	struct link *link = viewers->ring.next;

	while (link != &viewers->ring) {
		struct viewer *viewer = (struct viewer *)link;

		link = link->next;
		if (overdue(viewer, now_ns))
			remove_viewer(viewer, END_TIMEOUT);
		else if (!viewer->ending)
			offer(viewer, now_ns);
	}
	return viewers->count ? now_ns + TICK_NS : INT64_MAX;
}

const struct viewers_totals *viewers_totals(const struct viewers *viewers)
{
	return &viewers->totals;
}

/* In mid-frame the delay is already as long as that frame has taken. */
static double lag_s(const struct viewer *viewer, int64_t now)
{
	int64_t lag = viewer->lag_ns;

	if (parcel_loaded(&viewer->parcel) && viewer->parcel_is_new &&
		now - viewer->captured_ns > lag)
		lag = now - viewer->captured_ns;
	return (double)lag / (double)NS_PER_S;
}

double viewers_max_lag(const struct viewers *viewers)
{
	int64_t now = clock_now_ns();
	double max = 0;

	for (struct link *link = viewers->ring.next; link != &viewers->ring; link = link->next) {
		double lag = lag_s((struct viewer *)link, now);

		max = lag > max ? lag : max;
	}
	return max;
}

void viewers_each(struct viewers *viewers,
	void (*each)(void *arg, const struct viewer_figures *figures), void *arg)
{
	int64_t now = clock_now_ns();

	for (struct link *link = viewers->ring.next; link != &viewers->ring; link = link->next) {
		struct viewer *viewer = (struct viewer *)link;
		struct viewer_figures figures = {
			.serial = viewer->serial,
			.fps = rate_per_s(&viewer->rate, now),
			.lag_s = lag_s(viewer, now),
			.seconds = (double)(now - viewer->since_ns) / (double)NS_PER_S,
			.frames = viewer->frames,
			.skipped = viewer->skipped,
		};

		each(arg, &figures);
	}
}
