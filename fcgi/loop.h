/* SPDX-License-Identifier: MIT */
#ifndef FCGI_LOOP_H
#define FCGI_LOOP_H

#include <stdint.h>

/*
 * loop - epoll: calls whoever is ready.
 *
 * Belongs to one thread. A watch is embedded in what is watched; it may be
 * removed and freed at any time, even from another watch's call: events that
 * were fetched for it and not yet delivered are forgotten.
 */
struct loop;

struct watch {
	void (*ready)(struct watch *watch, uint32_t events); /* EPOLL* bits */
	int fd;
};

/* NULL and errno. */
struct loop *loop_create(void);
void loop_destroy(struct loop *loop);

/* 0, or -1 and errno. events as for epoll_ctl(2); EPOLLERR and EPOLLHUP always come. */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events);
void loop_modify(struct loop *loop, struct watch *watch, uint32_t events);

/* Does not close the descriptor. */
void loop_remove(struct loop *loop, struct watch *watch);

/* Waits until deadline_ns (CLOCK_MONOTONIC; INT64_MAX: for ever) and delivers what has come. */
void loop_turn(struct loop *loop, int64_t deadline_ns);

#endif
