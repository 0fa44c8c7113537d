/* SPDX-License-Identifier: MIT */
#include "capture/hub.h"

#include "capture/frame.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct hub {
	pthread_mutex_t lock; /* guards latest */
	struct frame *latest;
	int event;
};

struct hub *hub_create(void)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return NULL;
	hub->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hub->event < 0) {
		free(hub);
		return NULL;
	}
	pthread_mutex_init(&hub->lock, NULL);
	return hub;
}

void hub_destroy(struct hub *hub)
{
	if (!hub)
		return;
	frame_unref(hub->latest);
	close(hub->event);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

static struct frame *swap_latest(struct hub *hub, struct frame *frame)
{
	struct frame *before;

	pthread_mutex_lock(&hub->lock);
	before = hub->latest;
	hub->latest = frame;
	pthread_mutex_unlock(&hub->lock);
	return before;
}

void hub_publish(struct hub *hub, struct frame *frame)
{
	struct frame *before = swap_latest(hub, frame);

	hub_wake(hub);
	frame_unref(before);
}

void hub_clear(struct hub *hub)
{
	hub_publish(hub, NULL);
}

void hub_wake(struct hub *hub)
{
	/* EAGAIN means that 2^64 - 2 wake-ups are pending: the listener is awake all the same. */
	(void)!write(hub->event, &(uint64_t){1}, sizeof(uint64_t));
}

struct frame *hub_latest(struct hub *hub)
{
	struct frame *frame;

	pthread_mutex_lock(&hub->lock);
	frame = hub->latest ? frame_ref(hub->latest) : NULL;
	pthread_mutex_unlock(&hub->lock);
	return frame;
}

int hub_fd(const struct hub *hub)
{
	return hub->event;
}

void hub_acknowledge(struct hub *hub)
{
	uint64_t count;

	(void)!read(hub->event, &count, sizeof(count));
}
