/* SPDX-License-Identifier: MIT */
#include "fcgi/control.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/latch.h"
#include "fcgi/request.h"

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
	pthread_t thread;
	int event;
	pthread_mutex_t lock; /* guards what is below */
	pthread_cond_t work;
	bool stop;
	struct control_result ring[CONTROL_MAX];
	unsigned taken, done, submitted; /* counts; taken <= done <= submitted */
};

static bool perform(struct control *control, enum control_verb verb)
{
	latch_set(control->state_dir, verb == CONTROL_RELEASE);
	if (verb == CONTROL_RELEASE)
		return camera_release(control->camera, RELEASE_NS) == 0;
	camera_resume(control->camera);
	return true;
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
		job->done = perform(control, job->verb);
		pthread_mutex_lock(&control->lock);
		control->done++;
		pthread_mutex_unlock(&control->lock);
		(void)!write(control->event, &(uint64_t){1}, sizeof(uint64_t));
	}
	return NULL;
}

struct control *control_create(struct camera *camera, const char *state_dir)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->camera = camera;
	control->state_dir = state_dir;
	pthread_mutex_init(&control->lock, NULL);
	pthread_cond_init(&control->work, NULL);
	control->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->event < 0 ||
		pthread_create(&control->thread, NULL, control_thread, control) != 0) {
		if (control->event >= 0)
			close(control->event);
		free(control);
		return NULL;
	}
	return control;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	pthread_mutex_lock(&control->lock);
	control->stop = true;
	pthread_cond_signal(&control->work);
	pthread_mutex_unlock(&control->lock);
	pthread_join(control->thread, NULL);
	for (; control->taken != control->submitted; control->taken++)
		request_close(control->ring[control->taken % CONTROL_MAX].request);
	close(control->event);
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
