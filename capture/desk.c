/* SPDX-License-Identifier: MIT */
#include "capture/desk.h"

#include "capture/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int desk_init(struct desk *desk, bool released)
{
	pthread_condattr_t monotonic;

	*desk = (struct desk){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (desk->event < 0)
		return -1;
	desk->orders.released = released;
	desk->orders.unwatched_ns = clock_now_ns();
	pthread_mutex_init(&desk->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&desk->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

void desk_finish(struct desk *desk)
{
	close(desk->event);
	pthread_cond_destroy(&desk->changed);
	pthread_mutex_destroy(&desk->lock);
}

static void wake(struct desk *desk)
{
	(void)!write(desk->event, &(uint64_t){1}, sizeof(uint64_t));
}

int desk_watch(struct desk *desk)
{
	bool released;

	pthread_mutex_lock(&desk->lock);
	released = desk->orders.released;
	if (!released)
		desk->orders.watchers++;
	pthread_mutex_unlock(&desk->lock);
	if (!released)
		wake(desk);
	return released ? -1 : 0;
}

void desk_unwatch(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	if (--desk->orders.watchers == 0)
		desk->orders.unwatched_ns = clock_now_ns();
	pthread_mutex_unlock(&desk->lock);
	wake(desk);
}

/* Under the lock, until the camera is released or has ended. */
static int await_change(struct desk *desk, bool (*reached)(const struct desk *), int64_t timeout_ns)
{
	int64_t deadline_ns = clock_now_ns() + timeout_ns;
	struct timespec deadline = {deadline_ns / NS_PER_S, deadline_ns % NS_PER_S};
	int rc = 0;

	while (!reached(desk) && rc == 0)
		rc = pthread_cond_timedwait(&desk->changed, &desk->lock, &deadline);
	return rc;
}

static bool is_released(const struct desk *desk)
{
	return desk->status.state == CAMERA_RELEASED;
}

static bool has_ended(const struct desk *desk)
{
	return desk->ended;
}

int desk_release(struct desk *desk, int64_t timeout_ns)
{
	pthread_mutex_lock(&desk->lock);
	desk->orders.released = true;
	wake(desk);
	errno = await_change(desk, is_released, timeout_ns);
	pthread_mutex_unlock(&desk->lock);
	return errno == 0 ? 0 : -1;
}

int desk_await_end(struct desk *desk, int64_t timeout_ns)
{
	pthread_mutex_lock(&desk->lock);
	errno = await_change(desk, has_ended, timeout_ns);
	pthread_mutex_unlock(&desk->lock);
	return errno == 0 ? 0 : -1;
}

void desk_resume(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->orders.released = false;
	if (desk->status.state == CAMERA_RELEASED) {
		/* At once, so that a desk_release() from now on waits for the thread again. */
		desk->status.state = CAMERA_IDLE;
		desk->status.reason[0] = '\0';
		desk->status.since_ns = clock_wall_ns();
	}
	pthread_mutex_unlock(&desk->lock);
	wake(desk);
}

void desk_stop(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->orders.stop = true;
	pthread_mutex_unlock(&desk->lock);
	wake(desk);
}

void desk_read_status(struct desk *desk, struct camera_status *status)
{
	pthread_mutex_lock(&desk->lock);
	*status = desk->status;
	pthread_mutex_unlock(&desk->lock);
}

void desk_acknowledge(struct desk *desk)
{
	uint64_t count;

	(void)!read(desk->event, &count, sizeof(count));
}

struct orders desk_read_orders(struct desk *desk)
{
	struct orders orders;

	pthread_mutex_lock(&desk->lock);
	orders = desk->orders;
	pthread_mutex_unlock(&desk->lock);
	return orders;
}

void desk_write_status(struct desk *desk, const struct camera_status *status)
{
	pthread_mutex_lock(&desk->lock);
	/* A release that was undone before the thread got round to it is not told any more. */
	if (status->state != CAMERA_RELEASED || desk->orders.released || desk->orders.stop) {
		desk->status = *status;
		pthread_cond_broadcast(&desk->changed);
	}
	pthread_mutex_unlock(&desk->lock);
}

void desk_end(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->ended = true;
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->lock);
}
