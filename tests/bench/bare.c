/* SPDX-License-Identifier: MIT */
/*
 * bare SOCKET FRAMES FPS - the fastest honest sender in the worker's place.
 *
 * Any request gets the stream: one thread, each picture cut into FastCGI records
 * once, one send per viewer of the shared bytes. Nothing else: no gate, no routes,
 * no limits, no figures. What the worker costs more than this is the price of
 * everything it does besides sending.
 */
#include "tests/bench/canned.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RECORD_MAX 65528
#define RECORD_HEADER 8
#define SEND_BUFFER (1 << 20)
#define EVENTS 256

/* The bytes of one part as FastCGI records; freed by the last viewer that sends it. */
struct shared {
	unsigned refs;
	size_t size;
	size_t record; /* offset of the record being filled */
	unsigned char bytes[];
};

struct viewer {
	int fd;
	bool streaming, waiting; /* waiting: for room, in the middle of a picture */
	size_t index, offset;
	struct shared *sending; /* NULL between pictures */
};

struct bare {
	int epoll_fd, listen_fd, timer_fd;
	struct canned canned;
	struct viewer **viewers;
	size_t count, room;
	uint64_t seq;
};

static void shared_unref(struct shared *s)
{
	if (s && --s->refs == 0)
		free(s);
}

static void put(struct shared *s, const void *bytes, size_t size)
{
	while (size > 0) {
		if (s->size == 0 || s->size - s->record == RECORD_HEADER + RECORD_MAX) {
			s->record = s->size;
			s->size += RECORD_HEADER;
		}
		unsigned char *header = s->bytes + s->record;
		size_t filled = s->size - s->record - RECORD_HEADER;
		size_t n = size < RECORD_MAX - filled ? size : RECORD_MAX - filled;
		memcpy(s->bytes + s->size, bytes, n);
		s->size += n;
		filled += n;
		memcpy(header,
			(unsigned char[]){1, 6, 0, 1, (unsigned char)(filled >> 8),
				(unsigned char)filled, 0, 0},
			RECORD_HEADER);
		bytes = (const char *)bytes + n;
		size -= n;
	}
}

static struct shared *shared_new(size_t payload)
{
	size_t records = payload / RECORD_MAX + 1;
	struct shared *s = malloc(sizeof(*s) + payload + records * RECORD_HEADER);
	if (!s)
		err(1, "malloc");
	*s = (struct shared){.refs = 1};
	return s;
}

static struct shared *next_part(struct bare *b)
{
	const struct picture *picture = canned_picture(&b->canned, ++b->seq);
	char head[CANNED_HEAD_MAX];
	size_t length = canned_head(head, b->seq, picture);
	struct shared *s = shared_new(length + picture->size + strlen(canned_tail));
	put(s, head, length);
	put(s, picture->bytes, picture->size);
	put(s, canned_tail, strlen(canned_tail));
	return s;
}

static void wait_for(struct bare *b, struct viewer *v, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = v};
	epoll_ctl(b->epoll_fd, EPOLL_CTL_MOD, v->fd, &event);
}

static void viewer_drop(struct bare *b, struct viewer *v)
{
	b->viewers[v->index] = b->viewers[--b->count];
	b->viewers[v->index]->index = v->index;
	shared_unref(v->sending);
	close(v->fd);
	free(v);
}

/* A viewer that has left is not freed here: its own event does that, and may be in this batch. */
static void viewer_send(struct bare *b, struct viewer *v)
{
	struct shared *s = v->sending;
	ssize_t n =
		send(v->fd, s->bytes + v->offset, s->size - v->offset, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		return;
	bool waiting = v->waiting;
	v->offset += n > 0 ? (size_t)n : 0;
	v->waiting = v->offset < s->size;
	if (v->waiting != waiting)
		wait_for(b, v, EPOLLIN | EPOLLRDHUP | (v->waiting ? EPOLLOUT : 0));
	if (!v->waiting) {
		shared_unref(s);
		v->sending = NULL;
	}
}

static void tick(struct bare *b)
{
	uint64_t expirations;
	if (read(b->timer_fd, &expirations, sizeof(expirations)) < 0 || b->count == 0)
		return;
	struct shared *s = next_part(b);
	for (size_t i = b->count; i-- > 0;) {
		struct viewer *v = b->viewers[i];
		if (!v->streaming || v->sending)
			continue;
		v->sending = s;
		v->offset = 0;
		s->refs++;
		viewer_send(b, v);
	}
	shared_unref(s);
}

static void accept_viewer(struct bare *b)
{
	int fd = accept4(b->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->viewers = realloc(b->viewers, b->room * sizeof(struct viewer *));
	}
	struct viewer *v = calloc(1, sizeof(*v));
	if (!v || !b->viewers)
		err(1, "malloc");
	*v = (struct viewer){.fd = fd, .index = b->count};
	b->viewers[b->count++] = v;
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = v};
	epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* nginx writes a whole GET request at once, and nothing after it. */
static void read_viewer(struct bare *b, struct viewer *v)
{
	char request[8192];
	if (recv(v->fd, request, sizeof(request), MSG_DONTWAIT) <= 0) {
		viewer_drop(b, v);
		return;
	}
	if (v->streaming)
		return;
	struct shared *s = shared_new(strlen(canned_answer));
	put(s, canned_answer, strlen(canned_answer));
	if (send(v->fd, s->bytes, s->size, MSG_NOSIGNAL) == (ssize_t)s->size)
		v->streaming = true;
	shared_unref(s);
}

static void handle(struct bare *b, const struct epoll_event *event)
{
	if (event->data.ptr == &b->timer_fd) {
		tick(b);
	} else if (event->data.ptr == &b->listen_fd) {
		accept_viewer(b);
	} else {
		struct viewer *v = event->data.ptr;
		if (event->events & EPOLLOUT && v->sending)
			viewer_send(b, v);
		if (event->events & ~(uint32_t)EPOLLOUT)
			read_viewer(b, v);
	}
}

static void bare_start(struct bare *b, char **argv)
{
	if (canned_load(&b->canned, argv[2]) < 0)
		err(1, "%s", argv[2]);
	long interval = (long)(1e9 / atof(argv[3]));
	struct timespec period = {interval / 1000000000, interval % 1000000000};
	b->listen_fd = canned_listen(argv[1]);
	b->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (b->listen_fd < 0 || b->timer_fd < 0 || b->epoll_fd < 0)
		err(1, "%s", argv[1]);
	timerfd_settime(b->timer_fd, 0, &(struct itimerspec){period, period}, NULL);
	struct epoll_event timer = {.events = EPOLLIN, .data.ptr = &b->timer_fd};
	struct epoll_event listening = {.events = EPOLLIN, .data.ptr = &b->listen_fd};
	epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->timer_fd, &timer);
	epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, b->listen_fd, &listening);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: bare SOCKET FRAMES FPS");
	struct bare b = {0};
	bare_start(&b, argv);
	for (;;) {
		struct epoll_event events[EVENTS];
		int n = epoll_wait(b.epoll_fd, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			handle(&b, &events[i]);
	}
}
