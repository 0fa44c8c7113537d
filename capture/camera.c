/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"

#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/hub.h"
#include "capture/image.h"
#include "capture/lineup.h"
#include "capture/log.h"
#include "capture/rate.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define BACKOFF_MIN_NS (500 * NS_PER_MS)
#define BACKOFF_MAX_NS (10 * NS_PER_S)
#define LOOK_NS (2 * NS_PER_S) /* how often the node of an unwatched camera is looked for */
#define STALL_MIN_NS (2 * NS_PER_S)
#define STALL_INTERVALS 5

static const char released_reason[] =
	"the camera is switched off; the Start button or POST /start switches it on";

/* What the others want of the thread. */
struct orders {
	unsigned watchers;
	int64_t unwatched_ns; /* since when watchers is 0 */
	bool released;
	bool stop;
};

struct camera {
	int64_t idle_release_ns;
	struct hub *hub;
	pthread_t thread;
	bool joined; /* of whoever ends the camera */
	int event;   /* wakes the thread: orders have changed */

	pthread_mutex_t lock;   /* guards orders and status */
	pthread_cond_t changed; /* status.state */
	struct orders orders;
	struct camera_status status;

	/* Below: the thread's own. */
	struct lineup *lineup;
	int nodes;             /* inotify: device nodes come, go and change mode; or -1 */
	struct source *source; /* open while not NULL */
	size_t place;          /* of source in the lineup */
	bool stand_in;
	struct picture_maker maker;
	struct rate rate;
	int64_t picture_ns; /* the newest good picture, or the moment of opening */
	int64_t stream_ns;  /* the first good picture; 0: none yet */
	uint64_t bad;       /* pictures dropped since the newest good one */
	int64_t try_ns;     /* not before then is a lost camera tried again */
	int64_t backoff_ns;
};

static void wake(struct camera *camera)
{
	(void)!write(camera->event, &(uint64_t){1}, sizeof(uint64_t));
}

static void log_state(const struct camera_status *status, const char *detail)
{
	const struct source_info *info = &status->info;

	if (status->state == CAMERA_LIVE)
		log_info("camera: live: %s (%s, %s) %s %ux%u at %.3g fps", info->device, info->card,
			info->driver, info->format, info->width, info->height, info->fps);
	else if (status->errors[status->state])
		log_warn("camera: %s: %s%s%s", camera_state_name(status->state), status->reason,
			*detail ? " | " : "", detail);
	else
		log_info("camera: %s", camera_state_name(status->state));
}

static void set_state(
	struct camera *camera, enum camera_state state, const char *reason, const char *detail)
{
	struct camera_status *status = &camera->status;
	struct camera_status copy;
	bool changed;

	pthread_mutex_lock(&camera->lock);
	changed = state != status->state || strcmp(reason, status->reason) != 0;
	if (state != status->state)
		status->since_ns = clock_wall_ns();
	status->state = state;
	status->showing = camera->source && camera->stream_ns;
	status->stand_in = camera->stand_in;
	snprintf(status->reason, sizeof(status->reason), "%s", reason);
	if (changed && state >= CAMERA_NO_DEVICE)
		status->errors[state]++;
	copy = *status;
	pthread_cond_broadcast(&camera->changed);
	pthread_mutex_unlock(&camera->lock);
	if (changed)
		log_state(&copy, detail);
	hub_wake(camera->hub);
}

static void set_fault(struct camera *camera, const struct fault *fault)
{
	set_state(camera, fault->state, fault->reason, fault->detail);
}

static enum camera_state state_now(struct camera *camera)
{
	enum camera_state state;

	pthread_mutex_lock(&camera->lock);
	state = camera->status.state;
	pthread_mutex_unlock(&camera->lock);
	return state;
}

static void set_info(struct camera *camera, const struct source_info *info, bool opened)
{
	int64_t stall_ns = STALL_MIN_NS;

	if (info->fps > 0 && STALL_INTERVALS / info->fps > 2)
		stall_ns = (int64_t)(STALL_INTERVALS / info->fps * (double)NS_PER_S);
	pthread_mutex_lock(&camera->lock);
	camera->status.info = *info;
	camera->status.stall_ns = stall_ns;
	camera->status.opens += opened;
	pthread_mutex_unlock(&camera->lock);
}

static struct orders read_orders(struct camera *camera)
{
	struct orders orders;

	pthread_mutex_lock(&camera->lock);
	orders = camera->orders;
	pthread_mutex_unlock(&camera->lock);
	return orders;
}

static void close_source(struct camera *camera)
{
	if (!camera->source)
		return;
	hub_clear(camera->hub);
	camera->source->ops->close(camera->source);
	camera->source = NULL;
	camera->stand_in = false;
	camera->stream_ns = 0;
}

static void back_off(struct camera *camera, int64_t now)
{
	camera->try_ns = now + camera->backoff_ns;
	camera->backoff_ns *= 2;
	if (camera->backoff_ns > BACKOFF_MAX_NS)
		camera->backoff_ns = BACKOFF_MAX_NS;
}

static void try_at_once(struct camera *camera)
{
	camera->try_ns = 0;
	camera->backoff_ns = BACKOFF_MIN_NS;
}

static int timeout_ms(int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_now_ns();

	if (deadline_ns == INT64_MAX)
		return -1;
	return left <= 0 ? 0 : (int)((left + NS_PER_MS - 1) / NS_PER_MS);
}

static void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* Waits for a picture, for new orders, for a change of the device nodes, or until the deadline. */
static bool wait_for_picture(struct camera *camera, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{.fd = camera->event, .events = POLLIN},
		{.fd = camera->source ? camera->source->fd : -1, .events = POLLIN},
		{.fd = camera->source && !camera->stand_in ? -1 : camera->nodes, .events = POLLIN},
	};

	if (poll(fds, 3, timeout_ms(deadline_ns)) <= 0)
		return false;
	if (fds[0].revents)
		drain(camera->event);
	if (fds[2].revents) {
		drain(camera->nodes);
		try_at_once(camera);
	}
	return fds[1].revents != 0;
}

static void lose(struct camera *camera, const struct fault *fault)
{
	close_source(camera);
	set_fault(camera, fault);
	back_off(camera, clock_now_ns());
}

static void adopt(
	struct camera *camera, struct source *source, size_t place, const struct fault *fault)
{
	close_source(camera);
	camera->source = source;
	camera->place = place;
	camera->stand_in = lineup_stands_in(camera->lineup, place);
	camera->picture_ns = clock_now_ns();
	camera->rate = (struct rate){0};
	camera->bad = 0;
	set_info(camera, &source->info, true);
	if (camera->stand_in) {
		set_fault(camera, fault);
		back_off(camera, camera->picture_ns);
	} else if (state_now(camera) != CAMERA_STALLED) {
		set_state(camera, CAMERA_STARTING, "", "");
	}
}

/* Tries the entries before limit. The state of a lost camera stays until there is a better one. */
static void try_to_open(struct camera *camera, size_t limit)
{
	struct fault fault;
	size_t place;
	struct source *source;

	if (state_now(camera) < CAMERA_STARTING)
		set_state(camera, CAMERA_STARTING, "", "");
	source = lineup_open(camera->lineup, limit, &place, &fault);
	if (source) {
		adopt(camera, source, place, &fault);
		return;
	}
	if (!camera->stand_in)
		lose(camera, &fault);
	else
		back_off(camera, clock_now_ns());
}

/* Nobody watches and nothing is open: tell whether the camera is there. */
static void rest(struct camera *camera)
{
	struct source_info info = {0};
	struct fault fault;
	int place = lineup_probe(camera->lineup, &info, &fault);

	if (place >= 0 && *info.device)
		set_info(camera, &info, false);
	if (place < 0 || lineup_stands_in(camera->lineup, (size_t)place))
		set_fault(camera, &fault);
	else
		set_state(camera, CAMERA_IDLE, "", "");
	wait_for_picture(camera, clock_now_ns() + LOOK_NS);
	try_at_once(camera);
}

static void note_picture(struct camera *camera, int64_t now)
{
	struct camera_status *status = &camera->status;

	rate_add(&camera->rate, now);
	pthread_mutex_lock(&camera->lock);
	status->captured++;
	status->last_frame_ns = now;
	status->captured_fps = rate_per_s(&camera->rate, now);
	status->encodes = camera->maker.encoded > 0;
	status->encode_ms = camera->maker.encode_ms_now;
	status->encode_total_ns = camera->maker.encode_ns;
	pthread_mutex_unlock(&camera->lock);
}

static void note_drop(struct camera *camera)
{
	camera->bad++;
	pthread_mutex_lock(&camera->lock);
	camera->status.drops = camera->maker.drops;
	pthread_mutex_unlock(&camera->lock);
}

static void publish(struct camera *camera, struct frame *frame)
{
	int64_t now = clock_now_ns();
	bool first = camera->stream_ns == 0;

	if (first)
		camera->stream_ns = now;
	frame->stream_ns = camera->stream_ns;
	camera->picture_ns = now;
	camera->bad = 0;
	note_picture(camera, now);
	if (first && !camera->stand_in) {
		try_at_once(camera);
		set_state(camera, CAMERA_LIVE, "", "");
	} else if (first) {
		pthread_mutex_lock(&camera->lock);
		camera->status.showing = true;
		pthread_mutex_unlock(&camera->lock);
	}
	hub_publish(camera->hub, frame);
}

static void take_picture(struct camera *camera)
{
	struct image image = {0};
	struct fault fault;
	struct frame *frame;
	int n = camera->source->ops->next(camera->source, &image, &fault);

	if (n < 0)
		lose(camera, &fault);
	if (n <= 0)
		return;
	frame = picture_make(&camera->maker, &image);
	if (frame) {
		publish(camera, frame);
	} else if (errno == EBADMSG) {
		note_drop(camera);
	} else {
		fault_set(&fault, CAMERA_ERROR, "a %.4s picture cannot be made into JPEG: %s",
			(const char *)&image.fourcc, strerror(errno));
		lose(camera, &fault);
	}
}

static void check_for_stall(struct camera *camera)
{
	struct fault fault;
	int64_t silent_ns = clock_now_ns() - camera->picture_ns;

	if (silent_ns < camera->status.stall_ns) /* only this thread writes it */
		return;
	if (camera->bad)
		fault_set(&fault, CAMERA_STALLED,
			"the camera sends no whole picture; a better cable or a smaller size may "
			"help");
	else
		fault_set(
			&fault, CAMERA_STALLED, "the camera sends no pictures; starting it again");
	fault_detail(&fault, "%.1f s, %llu damaged", (double)silent_ns / (double)NS_PER_S,
		(unsigned long long)camera->bad);
	lose(camera, &fault);
}

/* When an unwatched camera is closed. */
static int64_t idle_at(const struct camera *camera, const struct orders *orders)
{
	if (orders->watchers || camera->idle_release_ns == INT64_MAX)
		return INT64_MAX;
	return orders->unwatched_ns + camera->idle_release_ns;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void stream(struct camera *camera, const struct orders *orders)
{
	int64_t deadline_ns = camera->picture_ns + camera->status.stall_ns;

	deadline_ns = earlier(deadline_ns, idle_at(camera, orders));
	if (camera->stand_in)
		deadline_ns = earlier(deadline_ns, camera->try_ns);
	if (wait_for_picture(camera, deadline_ns))
		take_picture(camera);
	else
		check_for_stall(camera);
}

static void *camera_thread(void *arg)
{
	struct camera *camera = arg;

	pthread_setname_np(pthread_self(), "camera");
	for (;;) {
		struct orders orders = read_orders(camera);
		int64_t now = clock_now_ns();

		if (orders.stop)
			break;
		if (orders.released) {
			close_source(camera);
			set_state(camera, CAMERA_RELEASED, released_reason, "");
			wait_for_picture(camera, INT64_MAX);
			try_at_once(camera);
		} else if (camera->source && now >= idle_at(camera, &orders)) {
			close_source(camera);
		} else if (camera->stand_in && now >= camera->try_ns) {
			try_to_open(camera, camera->place);
		} else if (camera->source) {
			stream(camera, &orders);
		} else if (orders.watchers == 0) {
			rest(camera);
		} else if (now >= camera->try_ns) {
			try_to_open(camera, lineup_size(camera->lineup));
		} else {
			wait_for_picture(camera, camera->try_ns);
		}
	}
	close_source(camera);
	set_state(camera, CAMERA_RELEASED, "the worker is stopping", "");
	return NULL;
}

/* Without it (no inotify left, no such directory) a new node is found by the slow poll. */
static int watch_nodes(const char *dev_dir)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, dev_dir, IN_CREATE | IN_ATTRIB | IN_MOVED_TO) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int create_lineup(struct camera *camera, const struct camera_options *options)
{
	const struct source_options wish = {
		.device = options->devices,
		.dev_dir = options->dev_dir,
		.width = options->width,
		.height = options->height,
		.fps = options->fps,
		.fourcc = options->fourcc,
	};

	camera->lineup =
		lineup_create(&wish, options->find_source ? options->find_source : source_for);
	return camera->lineup ? 0 : -1;
}

static void init_sync(struct camera *camera)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&camera->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&camera->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void free_camera(struct camera *camera)
{
	if (camera->nodes >= 0)
		close(camera->nodes);
	if (camera->event >= 0)
		close(camera->event);
	picture_finish(&camera->maker);
	lineup_destroy(camera->lineup);
	pthread_cond_destroy(&camera->changed);
	pthread_mutex_destroy(&camera->lock);
	free(camera);
}

struct camera *camera_create(const struct camera_options *options, struct hub *hub)
{
	struct camera *camera = calloc(1, sizeof(*camera));

	if (!camera)
		return NULL;
	init_sync(camera);
	camera->hub = hub;
	camera->idle_release_ns = options->idle_release_ns;
	camera->nodes = watch_nodes(options->dev_dir);
	camera->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	camera->orders.released = options->released;
	camera->orders.unwatched_ns = clock_now_ns();
	camera->status.state = options->released ? CAMERA_RELEASED : CAMERA_IDLE;
	camera->status.since_ns = clock_wall_ns();
	camera->status.stall_ns = STALL_MIN_NS;
	try_at_once(camera);
	if (camera->event < 0 || create_lineup(camera, options) < 0 ||
		picture_init(&camera->maker, options->quality) < 0 ||
		pthread_create(&camera->thread, NULL, camera_thread, camera) != 0) {
		free_camera(camera);
		return NULL;
	}
	return camera;
}

void camera_stop(struct camera *camera)
{
	pthread_mutex_lock(&camera->lock);
	camera->orders.stop = true;
	pthread_mutex_unlock(&camera->lock);
	wake(camera);
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

int camera_join(struct camera *camera, int64_t timeout_ns)
{
	struct timespec deadline = timespec_of(clock_now_ns() + timeout_ns);

	errno = pthread_clockjoin_np(camera->thread, NULL, CLOCK_MONOTONIC, &deadline);
	camera->joined = errno == 0;
	return camera->joined ? 0 : -1;
}

void camera_destroy(struct camera *camera)
{
	if (!camera)
		return;
	if (!camera->joined) {
		camera_stop(camera);
		pthread_join(camera->thread, NULL);
	}
	free_camera(camera);
}

int camera_watch(struct camera *camera)
{
	bool released;

	pthread_mutex_lock(&camera->lock);
	released = camera->orders.released;
	if (!released)
		camera->orders.watchers++;
	pthread_mutex_unlock(&camera->lock);
	if (!released)
		wake(camera);
	return released ? -1 : 0;
}

void camera_unwatch(struct camera *camera)
{
	pthread_mutex_lock(&camera->lock);
	if (--camera->orders.watchers == 0)
		camera->orders.unwatched_ns = clock_now_ns();
	pthread_mutex_unlock(&camera->lock);
	wake(camera);
}

int camera_release(struct camera *camera, int64_t timeout_ns)
{
	struct timespec deadline = timespec_of(clock_now_ns() + timeout_ns);
	int rc = 0;

	pthread_mutex_lock(&camera->lock);
	camera->orders.released = true;
	wake(camera);
	while (camera->status.state != CAMERA_RELEASED && rc == 0)
		rc = pthread_cond_timedwait(&camera->changed, &camera->lock, &deadline);
	pthread_mutex_unlock(&camera->lock);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

void camera_resume(struct camera *camera)
{
	pthread_mutex_lock(&camera->lock);
	camera->orders.released = false;
	if (camera->status.state == CAMERA_RELEASED) {
		/* So that a camera_release() from now on waits for the thread again. */
		camera->status.state = CAMERA_IDLE;
		camera->status.reason[0] = '\0';
		camera->status.since_ns = clock_wall_ns();
	}
	pthread_mutex_unlock(&camera->lock);
	wake(camera);
	hub_wake(camera->hub);
}

void camera_status(struct camera *camera, struct camera_status *status)
{
	pthread_mutex_lock(&camera->lock);
	*status = camera->status;
	pthread_mutex_unlock(&camera->lock);
}

bool camera_fresh(const struct camera_status *status, int64_t now_ns)
{
	return status->state == CAMERA_LIVE && now_ns - status->last_frame_ns < status->stall_ns;
}
