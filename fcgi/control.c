/* SPDX-License-Identifier: MIT */
#include "fcgi/control.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/latch.h"
#include "fcgi/panel.h"
#include "fcgi/request.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RELEASE_NS (5 * NS_PER_S)

/* A ring: results are what the thread has done, jobs what it has not. */
struct control {
	struct camera *camera;
	const char *state_dir;
	struct panel *panel; /* the thread's own */
	pthread_t thread;
	bool joined;
	int event;
	pthread_mutex_t lock;      /* guards what is below */
	pthread_cond_t work, over; /* there is a job, or stop; ended */
	bool stop, ended;
	struct control_result ring[CONTROL_MAX];
	unsigned taken, done, submitted; /* counts; taken <= done <= submitted */
};

static int release(struct control *control)
{
	latch_set(control->state_dir, true);
	return camera_release(control->camera, RELEASE_NS) == 0 ? 200 : 503;
}

static int start(struct control *control)
{
	latch_set(control->state_dir, false);
	camera_resume(control->camera);
	return 200;
}

static int perform(struct control *control, struct control_result *job)
{
	switch (job->verb) {
	case CONTROL_RELEASE:
		return release(control);
	case CONTROL_START:
		return start(control);
	case CONTROL_LIST:
		return panel_list(control->panel, &job->body);
	case CONTROL_SET:
		return panel_set(control->panel, request_body(job->request), &job->body);
	}
	return 503;
}

/* The job under way, or NULL at the end. Its place in the ring stays its own until it is done. */
static struct control_result *next_job(struct control *control)
{
	struct control_result *job = NULL;

	pthread_mutex_lock(&control->lock);
	while (!control->stop && control->done == control->submitted)
		pthread_cond_wait(&control->work, &control->lock);
	if (!control->stop)
		job = &control->ring[control->done % CONTROL_MAX];
	pthread_mutex_unlock(&control->lock);
	return job;
}

static void *control_thread(void *arg)
{
	struct control *control = arg;
	struct control_result *job;

	pthread_setname_np(pthread_self(), "control");
	while ((job = next_job(control))) {
		job->status = perform(control, job);
		pthread_mutex_lock(&control->lock);
		control->done++;
		pthread_mutex_unlock(&control->lock);
		(void)!write(control->event, &(uint64_t){1}, sizeof(uint64_t));
	}
	pthread_mutex_lock(&control->lock);
	control->ended = true;
	pthread_cond_signal(&control->over);
	pthread_mutex_unlock(&control->lock);
	return NULL;
}

static void init_lock(struct control *control)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&control->lock, NULL);
	pthread_cond_init(&control->work, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&control->over, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

struct control *control_create(
	struct camera *camera, struct settings *settings, const char *state_dir)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->camera = camera;
	control->state_dir = state_dir;
	init_lock(control);
	control->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE); /* one a result */
	control->panel = panel_create(camera, settings);
	if (control->event >= 0 && control->panel &&
		pthread_create(&control->thread, NULL, control_thread, control) == 0)
		return control;
	control->joined = true;
	control_destroy(control);
	return NULL;
}

static void order_stop(struct control *control)
{
	pthread_mutex_lock(&control->lock);
	control->stop = true;
	pthread_cond_signal(&control->work);
	pthread_mutex_unlock(&control->lock);
}

static void join(struct control *control)
{
	if (!control->joined)
		pthread_join(control->thread, NULL);
	control->joined = true;
}

int control_stop(struct control *control, int64_t timeout_ns)
{
	int64_t deadline_ns = clock_now_ns() + timeout_ns;
	const struct timespec deadline = {deadline_ns / NS_PER_S, deadline_ns % NS_PER_S};
	int rc = 0;

	order_stop(control);
	pthread_mutex_lock(&control->lock);
	while (!control->ended && rc == 0)
		rc = pthread_cond_timedwait(&control->over, &control->lock, &deadline);
	pthread_mutex_unlock(&control->lock);
	if (rc == 0)
		join(control);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	order_stop(control);
	join(control);
	for (; control->taken != control->submitted; control->taken++) {
		request_close(control->ring[control->taken % CONTROL_MAX].request);
		free(control->ring[control->taken % CONTROL_MAX].body);
	}
	if (control->event >= 0)
		close(control->event);
	panel_destroy(control->panel);
	pthread_cond_destroy(&control->over);
	pthread_cond_destroy(&control->work);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

int control_submit(struct control *control, struct request *request, enum control_verb verb)
{
	int rc = -1;

	pthread_mutex_lock(&control->lock);
	if (control->submitted - control->taken < CONTROL_MAX) {
		control->ring[control->submitted++ % CONTROL_MAX] =
			(struct control_result){.request = request, .verb = verb};
		pthread_cond_signal(&control->work);
		rc = 0;
	}
	pthread_mutex_unlock(&control->lock);
	return rc;
}

int control_fd(const struct control *control)
{
	return control->event;
}

bool control_take(struct control *control, struct control_result *result)
{
	uint64_t count;
	bool found = false;

	(void)!read(control->event, &count, sizeof(count));
	pthread_mutex_lock(&control->lock);
	if (control->taken != control->done) {
		*result = control->ring[control->taken++ % CONTROL_MAX];
		found = true;
	}
	pthread_mutex_unlock(&control->lock);
	return found;
}
