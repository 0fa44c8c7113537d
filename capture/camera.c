/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"

#include "capture/clock.h"
#include "capture/desk.h"
#include "capture/hub.h"
#include "capture/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct camera {
	struct hub *hub;
	struct desk desk;
	struct keeper keeper; /* the thread's own */
	pthread_t thread;
	bool joined;
};

static void *camera_thread(void *arg)
{
	struct camera *camera = arg;

	pthread_setname_np(pthread_self(), "camera");
	keeper_run(&camera->keeper);
	desk_end(&camera->desk);
	return NULL;
}

struct camera *camera_create(const struct camera_options *options, struct hub *hub)
{
	struct camera *camera = calloc(1, sizeof(*camera));

	if (!camera)
		return NULL;
	camera->hub = hub;
	if (desk_init(&camera->desk, options->released) < 0)
		goto no_desk;
	if (keeper_init(&camera->keeper, options, hub, &camera->desk) < 0)
		goto no_keeper;
	errno = pthread_create(&camera->thread, NULL, camera_thread, camera);
	if (errno == 0)
		return camera;

	keeper_finish(&camera->keeper);
no_keeper:
	desk_finish(&camera->desk);
no_desk:
	free(camera);
	return NULL;
}

void camera_stop(struct camera *camera)
{
	desk_stop(&camera->desk);
}

int camera_join(struct camera *camera, int64_t timeout_ns)
{
	if (desk_await_end(&camera->desk, timeout_ns) < 0)
		return -1;
	pthread_join(camera->thread, NULL);
	camera->joined = true;
	return 0;
}

void camera_destroy(struct camera *camera)
{
	if (!camera)
		return;
	if (!camera->joined) {
		camera_stop(camera);
		pthread_join(camera->thread, NULL);
	}
	keeper_finish(&camera->keeper);
	desk_finish(&camera->desk);
	free(camera);
}

int camera_watch(struct camera *camera)
{
	return desk_watch(&camera->desk);
}

void camera_unwatch(struct camera *camera)
{
	desk_unwatch(&camera->desk);
}

int camera_release(struct camera *camera, int64_t timeout_ns)
{
	return desk_release(&camera->desk, timeout_ns);
}

void camera_resume(struct camera *camera)
{
	desk_resume(&camera->desk);
	hub_wake(camera->hub);
}

void camera_status(struct camera *camera, struct camera_status *status)
{
	desk_read_status(&camera->desk, status);
}

bool camera_fresh(const struct camera_status *status, int64_t now_ns)
{
	return status->state == CAMERA_LIVE && now_ns - status->last_frame_ns < status->stall_ns;
}
