/* SPDX-License-Identifier: MIT */
#include "fcgi/viewer.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/log.h"
#include "fcgi/answer.h"
#include "fcgi/record.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPEAT_NS NS_PER_S

/* What epoll tells of a viewer: that it has gone, always; that its socket has room, if we need it.
 */
#define QUIET ((uint32_t)(EPOLLIN | EPOLLRDHUP))
#define SENDING (QUIET | (uint32_t)EPOLLOUT)
/* Level-triggered this would spin: there is room long before the socket is empty. */
#define LATE (SENDING | (uint32_t)EPOLLET)

static void watch_for(struct viewer *viewer, uint32_t events)
{
	if (viewer->events != events)
		loop_modify(viewer->audience->loop, &viewer->watch, events);
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

static int64_t lag_ns(const struct viewer *viewer, int64_t now)
{
	int64_t so_far = now - viewer->captured_ns;

	/* What is not through yet is already as old as it is. */
	if (viewer->shown && so_far > viewer->lag_ns &&
		(parcel_loaded(&viewer->parcel) || !drained(viewer)))
		return so_far;
	return viewer->lag_ns;
}

double viewer_lag_s(const struct viewer *viewer, int64_t now)
{
	return (double)lag_ns(viewer, now) / (double)NS_PER_S;
}

static void log_end(const struct viewer *viewer)
{
	static const char *const why[VIEWER_ENDS] = {
		"it left", "time-out", "--max-inflight", "deliberate end"};

	int64_t now = clock_now_ns();
	int64_t lag = lag_ns(viewer, now);

	log_info(
		"viewer %llu (%s): %s after %.1f s, %llu frames, %llu skipped, greatest lag %.2f s",
		(unsigned long long)viewer->serial, viewer->address, why[viewer->why],
		(double)(now - viewer->since_ns) / (double)NS_PER_S,
		(unsigned long long)viewer->frames, (unsigned long long)viewer->skipped,
		(double)(lag > viewer->max_lag_ns ? lag : viewer->max_lag_ns) / (double)NS_PER_S);
}

void viewer_remove(struct viewer *viewer, enum viewer_end why)
{
	struct audience *audience = viewer->audience;

	viewer->why = viewer->ending ? viewer->why : why;
	log_end(viewer);
	audience->totals.ended[viewer->why]++;
	audience->count--;
	loop_remove(audience->loop, &viewer->watch);
	list_remove(&viewer->link);
	close(viewer->watch.fd);
	parcel_drop(&viewer->parcel);
	free(viewer);
	camera_unwatch(audience->camera);
}

/* Whether the kernel, too, is done with most of what was sent before. */
static bool caught_up(struct viewer *viewer, int64_t now)
{
	struct tcp_queue *queue = viewer->audience->tcp_queue;
	struct tcp_figures figures;

	if (!queue || !pacing_wants_figures(&viewer->pacing, now))
		return true;
	if (!tcp_queue_ask(queue, &viewer->pacing.peer, &figures)) {
		pacing_give_up(&viewer->pacing);
		return true;
	}
	return pacing_allows(&viewer->pacing, &figures, now);
}

static void count_picture(struct viewer *viewer, int64_t now)
{
	viewer->frames++;
	if (viewer->frames_left != UINT64_MAX)
		viewer->frames_left--;
	viewer->audience->totals.frames++;
	viewer->lag_ns = now - viewer->captured_ns;
	if (viewer->lag_ns > viewer->max_lag_ns)
		viewer->max_lag_ns = viewer->lag_ns;
	rate_add(&viewer->rate, now);
}

static void send_more(struct viewer *viewer);

/* The newest picture once more, or the first one, with the closing edge. */
static void start_closing(struct viewer *viewer)
{
	struct screen *screen = &viewer->audience->screen;
	struct part *part = NULL;

	if ((viewer->opened || screen->lit) && (screen->is_picture || !viewer->no_placeholder))
		part = screen_part(screen, viewer->style, viewer->id);
	viewer->parcel_is_new = part && viewer->shown != screen->generation;
	viewer->parcel_is_picture = screen->is_picture;
	viewer->captured_ns = part ? screen->frame->captured_ns : 0;
	viewer->started_ns = clock_now_ns();
	parcel_load(
		&viewer->parcel, part, part && !viewer->opened, true, viewer->style, viewer->id);
	send_more(viewer);
}

void viewer_end(struct viewer *viewer, enum viewer_end why)
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
		viewer->audience->totals.placeholders++;
	if (was_closing) {
		viewer_remove(viewer, END_CLIENT);
		return;
	}
	watch_for(viewer, QUIET);
	if (viewer->ending)
		start_closing(viewer);
	else
		viewer_offer(viewer, now);
}

static void send_more(struct viewer *viewer)
{
	bool closing = viewer->parcel.closing;

	switch (parcel_send(&viewer->parcel, viewer->watch.fd, &viewer->audience->totals.bytes)) {
	case PARCEL_THROUGH:
		parcel_is_through(viewer, closing);
		break;
	case PARCEL_STUCK:
		watch_for(viewer, SENDING);
		break;
	case PARCEL_GONE:
		viewer_remove(viewer, END_CLIENT);
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
	struct screen *screen = &viewer->audience->screen;
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

	if (viewer->shown != viewer->audience->screen.generation)
		return now >= viewer->due_ns;
	return now - viewer->started_ns >= pause;
}

void viewer_offer(struct viewer *viewer, int64_t now)
{
	if (!viewer->audience->screen.lit || parcel_loaded(&viewer->parcel) || !due(viewer, now))
		return;
	if (!drained(viewer)) {
		watch_for(viewer, LATE);
		if (!drained(viewer)) /* once more: it may have emptied before epoll watched */
			return;
	}
	watch_for(viewer, QUIET);
	if (caught_up(viewer, now))
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
		viewer_remove(viewer, END_CLIENT);
	else if (parcel_loaded(&viewer->parcel))
		send_more(viewer);
	else
		viewer_offer(viewer, clock_now_ns());
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

struct viewer *viewer_create(
	struct audience *audience, int fd, unsigned id, const struct viewer_options *options)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));
	int64_t now = clock_now_ns();

	if (!viewer)
		return NULL;
	viewer->watch = (struct watch){.ready = viewer_ready, .fd = fd};
	viewer->audience = audience;
	viewer->id = id;
	viewer->style = options->style;
	viewer->events = QUIET;
	viewer->no_placeholder = options->no_placeholder;
	viewer->interval_ns = options->fps > 0 ? (int64_t)((double)NS_PER_S / options->fps) : 0;
	viewer->frames_left = options->frames ? options->frames : UINT64_MAX;
	viewer->since_ns = viewer->due_ns = viewer->started_ns = now;
	if (options->peer)
		viewer->pacing.peer = *options->peer;
	snprintf(viewer->address, sizeof(viewer->address), "%s",
		options->address ? options->address : "?");
	return viewer;
}

void viewer_enter(struct viewer *viewer, const struct answer *head)
{
	struct audience *audience = viewer->audience;
	int fd = viewer->watch.fd;
	/* The kernel caps it at net.core.wmem_max; what fits goes out in one call. */
	int buffer = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	list_append(&audience->ring, &viewer->link);
	audience->count++;
	if (loop_add(audience->loop, &viewer->watch, QUIET) < 0 ||
		!send_head(fd, viewer->id, head)) {
		viewer_remove(viewer, END_CLIENT);
		return;
	}
	/* Nothing but the head can be in the socket: the first picture need not wait for the gate.
	 */
	if (audience->screen.lit)
		start(viewer, viewer->since_ns);
}

void viewer_note_picture(struct viewer *viewer, int64_t now)
{
	if (now < viewer->due_ns)
		return;
	if (viewer->missing) {
		viewer->skipped++;
		viewer->audience->totals.skipped++;
	}
	viewer->missing = true;
}

bool viewer_overdue(const struct viewer *viewer, int64_t now, int64_t timeout_ns)
{
	return now - viewer->started_ns > timeout_ns && viewer->opened &&
	       (parcel_loaded(&viewer->parcel) || !drained(viewer));
}
