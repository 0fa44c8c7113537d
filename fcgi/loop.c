/* SPDX-License-Identifier: MIT */
#include "fcgi/loop.h"

#include "capture/clock.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 64

struct loop {
	int epoll;
	int fetched; /* events[0 … fetched) are being delivered */
	struct epoll_event events[BATCH];
};

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop);
}

static int control(struct loop *loop, int op, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, op, watch->fd, &event);
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, watch, events);
}

void loop_modify(struct loop *loop, struct watch *watch, uint32_t events)
{
	control(loop, EPOLL_CTL_MOD, watch, events);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	control(loop, EPOLL_CTL_DEL, watch, 0);
	for (int i = 0; i < loop->fetched; i++) {
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
	}
}

void loop_turn(struct loop *loop, int64_t deadline_ns)
{
	loop->fetched = epoll_wait(loop->epoll, loop->events, BATCH, clock_timeout_ms(deadline_ns));
	for (int i = 0; i < loop->fetched; i++) {
		struct watch *watch = loop->events[i].data.ptr;

		if (watch)
			watch->ready(watch, loop->events[i].events);
	}
	loop->fetched = 0;
}
