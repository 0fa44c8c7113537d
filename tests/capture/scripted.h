/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_SCRIPTED_H
#define TESTS_CAPTURE_SCRIPTED_H

/*
 * scripted - a source that does what the test says, when it says so.
 *
 * Device "cam" is scripts[0], "pattern" is scripts[1]. What is pushed comes out
 * of next() in order, through an eventfd as the source's descriptor. The
 * counters may be read by any thread.
 */
#include "capture/camera.h"
#include "capture/hub.h"

#include "tests/capture/support.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum step { STEP_PICTURE, STEP_TRUNCATED, STEP_NOT_JPEG, STEP_FLAGGED, STEP_UNKNOWN, STEP_FAIL };

#define STEPS_MAX 64

struct script {
	atomic_int open_fault, probe_fault, next_fault; /* CAMERA_LIVE: none */
	atomic_bool hold_open, hold_close;              /* the driver hangs while it is set */
	atomic_bool ready_without_picture;              /* poll() says yes, next() says no */
	atomic_bool forbidden;                          /* released: it must not be opened */
	atomic_uint opens, closes, probes, violations;
	atomic_bool opening, closing;
	double fps;

	pthread_mutex_t lock; /* guards what is below */
	int fd;               /* of the open source, or -1 */
	enum step steps[STEPS_MAX];
	unsigned first, count;
};

static struct script scripts[2];
static struct hub *scripted_hub; /* to look whether it is empty when it has to be */
static struct frame *scripted_jpeg;

static inline void scripts_reset(struct hub *hub)
{
	memset(scripts, 0, sizeof(scripts));
	for (int i = 0; i < 2; i++) {
		pthread_mutex_init(&scripts[i].lock, NULL);
		scripts[i].fd = -1;
		scripts[i].fps = 30;
	}
	scripted_hub = hub;
	if (!scripted_jpeg)
		scripted_jpeg = small_jpeg(16, 16);
}

static inline unsigned script_is_open(struct script *script)
{
	return atomic_load(&script->opens) - atomic_load(&script->closes);
}

/* false: the source is not open, or has too much to do already. */
static inline bool script_push(struct script *script, enum step step)
{
	bool pushed = false;

	pthread_mutex_lock(&script->lock);
	if (script->fd >= 0 && script->count < STEPS_MAX) {
		script->steps[(script->first + script->count++) % STEPS_MAX] = step;
		pushed = write(script->fd, &(uint64_t){1}, sizeof(uint64_t)) == sizeof(uint64_t);
	}
	pthread_mutex_unlock(&script->lock);
	return pushed;
}

static inline struct script *script_of(const char *device)
{
	return &scripts[strcmp(device, "pattern") == 0];
}

static inline int scripted_refuse(struct fault *fault, int state)
{
	fault_set(fault, (enum camera_state)state, "scripted: %s",
		camera_state_name((enum camera_state)state));
	fault_detail(fault, "for the log");
	return -1;
}

static inline int scripted_probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	struct script *script = script_of(options->device);
	int state = atomic_load(&script->probe_fault);

	atomic_fetch_add(&script->probes, 1);
	if (state != CAMERA_LIVE)
		return scripted_refuse(fault, state);
	snprintf(info->device, sizeof(info->device), "%s", options->device);
	snprintf(info->driver, sizeof(info->driver), "scripted");
	return 0;
}

/* Nobody may be shown an old picture while the camera is being opened or closed. */
static inline void scripted_check(struct script *script)
{
	struct frame *frame = scripted_hub ? hub_latest(scripted_hub) : NULL;

	if (atomic_load(&script->forbidden) || (frame && !script_is_open(&scripts[1])))
		atomic_fetch_add(&script->violations, 1);
	frame_unref(frame);
}

extern const struct source_ops scripted_ops, scripted_pattern_ops;

static inline struct source *scripted_open(
	const struct source_options *options, struct fault *fault)
{
	struct script *script = script_of(options->device);
	struct source *source;
	int state;

	atomic_store(&script->opening, true);
	scripted_check(script);
	while (atomic_load(&script->hold_open))
		usleep(200);
	atomic_store(&script->opening, false);
	state = atomic_load(&script->open_fault);
	if (state != CAMERA_LIVE) {
		scripted_refuse(fault, state);
		return NULL;
	}
	source = calloc(1, sizeof(*source));
	assert(source);
	source->ops = script == &scripts[0] ? &scripted_ops : &scripted_pattern_ops;
	snprintf(source->info.device, sizeof(source->info.device), "%s", options->device);
	snprintf(source->info.driver, sizeof(source->info.driver), "scripted");
	snprintf(source->info.format, sizeof(source->info.format), "MJPG");
	source->info.width = source->info.height = 16;
	source->info.fps = script->fps;
	source->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	assert(source->fd >= 0);
	pthread_mutex_lock(&script->lock);
	script->fd = source->fd;
	script->first = script->count = 0;
	pthread_mutex_unlock(&script->lock);
	atomic_fetch_add(&script->opens, 1);
	scripted_check(script);
	return source;
}

static inline bool scripted_pop(struct script *script, enum step *step)
{
	uint64_t one;
	bool popped = false;

	pthread_mutex_lock(&script->lock);
	if (script->count && read(script->fd, &one, sizeof(one)) == sizeof(one)) {
		*step = script->steps[script->first++ % STEPS_MAX];
		script->count--;
		popped = true;
	}
	pthread_mutex_unlock(&script->lock);
	return popped;
}

static inline int scripted_next(struct source *source, struct image *image, struct fault *fault)
{
	struct script *script = script_of(source->info.device);
	enum step step;

	if (atomic_load(&script->ready_without_picture) || !scripted_pop(script, &step))
		return 0;
	if (step == STEP_FAIL)
		return scripted_refuse(fault, atomic_load(&script->next_fault));
	*image = (struct image){
		.fourcc = step == STEP_UNKNOWN ? FOURCC('H', '2', '6', '4') : FOURCC_MJPG,
		.data = scripted_jpeg->data,
		.size = step == STEP_NOT_JPEG    ? 0
			: step == STEP_TRUNCATED ? scripted_jpeg->size - 2
						 : scripted_jpeg->size,
		.width = 16,
		.height = 16,
		.captured_ns = clock_now_ns(),
		.flagged = step == STEP_FLAGGED,
	};
	return 1;
}

static inline void scripted_close(struct source *source)
{
	struct script *script = script_of(source->info.device);
	struct frame *frame = scripted_hub ? hub_latest(scripted_hub) : NULL;

	if (frame)
		atomic_fetch_add(&script->violations, 1);
	frame_unref(frame);
	atomic_store(&script->closing, true);
	while (atomic_load(&script->hold_close))
		usleep(200);
	atomic_store(&script->closing, false);
	pthread_mutex_lock(&script->lock);
	script->fd = -1;
	pthread_mutex_unlock(&script->lock);
	close(source->fd);
	free(source);
	atomic_fetch_add(&script->closes, 1);
}

const struct source_ops scripted_ops = {
	.name = "scripted",
	.probe = scripted_probe,
	.open = scripted_open,
	.next = scripted_next,
	.close = scripted_close,
};
const struct source_ops scripted_pattern_ops = {
	.name = "pattern",
	.probe = scripted_probe,
	.open = scripted_open,
	.next = scripted_next,
	.close = scripted_close,
};

static inline const struct source_ops *scripted_find(const char *device)
{
	if (strcmp(device, "cam") == 0)
		return &scripted_ops;
	return strcmp(device, "pattern") == 0 ? &scripted_pattern_ops : NULL;
}

static inline struct camera *scripted_camera(const char *devices, const char *dev_dir,
	int64_t idle_release_ns, bool released, struct hub *hub)
{
	const struct camera_options options = {
		.devices = devices,
		.dev_dir = dev_dir,
		.width = 16,
		.height = 16,
		.fps = 30,
		.quality = 80,
		.idle_release_ns = idle_release_ns,
		.released = released,
		.find_source = scripted_find,
	};

	return camera_create(&options, hub);
}

#endif
