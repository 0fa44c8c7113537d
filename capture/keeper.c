/* SPDX-License-Identifier: MIT */
#include "capture/keeper.h"

#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/hub.h"
#include "capture/image.h"
#include "capture/lineup.h"
#include "capture/log.h"
#include "capture/nodes.h"
#include "capture/pulse.h"
#include "capture/settings.h"
#include "capture/v4l2_controls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_MIN_NS (500 * NS_PER_MS)
#define BACKOFF_MAX_NS (10 * NS_PER_S)
#define LOOK_NS (2 * NS_PER_S) /* how often the node of an unwatched camera is looked for */
#define STALL_MIN_NS (2 * NS_PER_S)
#define STALL_INTERVALS 5

static const char released_reason[] =
	"the camera is switched off; the Start button or POST /start switches it on";

static void log_state(const struct camera_status *status, const char *detail)
{
	const struct source_info *info = &status->info;

	if (status->state == CAMERA_LIVE)
		log_info("camera: live: %s (%s, %s) %s %ux%u at %.3g fps", info->device, info->card,
			info->driver, info->format, info->width, info->height, info->fps);
	else if (status->state >= CAMERA_NO_DEVICE)
		log_warn("camera: %s: %s%s%s", camera_state_name(status->state), status->reason,
			*detail ? " | " : "", detail);
	else
		log_info("camera: %s", camera_state_name(status->state));
}

static void tell(struct keeper *keeper)
{
	desk_write_status(keeper->desk, &keeper->status);
}

static void set_state(
	struct keeper *keeper, enum camera_state state, const char *reason, const char *detail)
{
	struct camera_status *status = &keeper->status;
	bool changed = state != status->state || strcmp(reason, status->reason) != 0;

	if (state != status->state)
		status->since_ns = clock_wall_ns();
	status->state = state;
	snprintf(status->reason, sizeof(status->reason), "%s", reason);
	if (changed && state >= CAMERA_NO_DEVICE)
		status->errors[state]++;
	if (changed)
		log_state(status, detail);
	tell(keeper);
	hub_wake(keeper->hub);
}

static void set_fault(struct keeper *keeper, const struct fault *fault)
{
	set_state(keeper, fault->state, fault->reason, fault->detail);
}

static int64_t stall_after_ns(double fps)
{
	if (fps > 0 && STALL_INTERVALS / fps > 2)
		return (int64_t)(STALL_INTERVALS / fps * (double)NS_PER_S);
	return STALL_MIN_NS;
}

static void close_source(struct keeper *keeper)
{
	keeper->status.showing = keeper->status.stand_in = false;
	if (!keeper->source)
		return;
	hub_clear(keeper->hub);
	keeper->source->ops->close(keeper->source);
	keeper->source = NULL;
	keeper->stream_ns = 0;
}

static void back_off(struct keeper *keeper, int64_t now)
{
	keeper->try_ns = now + keeper->backoff_ns;
	keeper->backoff_ns *= 2;
	if (keeper->backoff_ns > BACKOFF_MAX_NS)
		keeper->backoff_ns = BACKOFF_MAX_NS;
}

static void try_at_once(struct keeper *keeper)
{
	keeper->try_ns = 0;
	keeper->backoff_ns = BACKOFF_MIN_NS;
}

/* Waits for a picture, for new orders, for a change of the device nodes, or until the deadline. */
static bool wait_for_picture(struct keeper *keeper, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{.fd = keeper->desk->event, .events = POLLIN},
		{.fd = keeper->source ? keeper->source->fd : -1, .events = POLLIN | POLLPRI},
		{.fd = keeper->source && !keeper->status.stand_in ? -1 : keeper->nodes,
			.events = POLLIN},
	};

	if (poll(fds, 3, clock_timeout_ms(pulse_beat(keeper->pulse, deadline_ns))) <= 0)
		return false;
	if (fds[0].revents)
		desk_acknowledge(keeper->desk);
	if (fds[2].revents) {
		nodes_acknowledge(keeper->nodes);
		try_at_once(keeper);
	}
	return fds[1].revents != 0;
}

static void lose(struct keeper *keeper, const struct fault *fault)
{
	close_source(keeper);
	set_fault(keeper, fault);
	back_off(keeper, clock_now_ns());
}

static void set_controls(struct keeper *keeper, const struct source *source)
{
	struct control_wish wishes[SETTINGS_MAX];

	if (keeper->settings && v4l2_controls_has(source->info.device))
		v4l2_controls_reapply(
			source->info.device, wishes, settings_copy(keeper->settings, wishes));
}

static void adopt(
	struct keeper *keeper, struct source *source, size_t place, const struct fault *fault)
{
	bool stand_in = lineup_stands_in(keeper->lineup, place);

	/* Before a pattern that stood in goes: viewers are shown no placeholder between the two. */
	if (!stand_in && keeper->status.state != CAMERA_STALLED)
		set_state(keeper, CAMERA_STARTING, "", "");
	close_source(keeper);
	keeper->source = source;
	keeper->place = place;
	set_controls(keeper, source);
	keeper->picture_ns = clock_now_ns();
	keeper->rate = (struct rate){0};
	keeper->bad = 0;
	keeper->status.info = source->info;
	keeper->status.stall_ns = stall_after_ns(source->info.fps);
	keeper->status.stand_in = stand_in;
	keeper->status.opens += !stand_in;
	if (stand_in) {
		set_fault(keeper, fault);
		back_off(keeper, keeper->picture_ns);
	} else {
		tell(keeper);
	}
}

/* Tries the entries before limit. The state of a lost camera stays until there is a better one. */
static void try_to_open(struct keeper *keeper, size_t limit)
{
	struct fault fault;
	size_t place;
	struct source *source;

	if (keeper->status.state <= CAMERA_RELEASED)
		set_state(keeper, CAMERA_STARTING, "", "");
	source = lineup_open(keeper->lineup, limit, &place, &fault);
	if (source) {
		adopt(keeper, source, place, &fault);
		return;
	}
	if (keeper->source) /* a pattern stands in, and goes on doing so */
		back_off(keeper, clock_now_ns());
	else
		lose(keeper, &fault);
}

/* What the camera last gave (format, size, rate) stays known while it sleeps. */
static void note_found(struct keeper *keeper, const struct source_info *found)
{
	struct source_info *info = &keeper->status.info;

	if (strcmp(info->device, found->device) == 0 && strcmp(info->driver, found->driver) == 0)
		return;
	*info = *found;
	log_info("camera: found %s (%s, %s)", info->device, info->card, info->driver);
}

/* Nobody watches and nothing is open: tell whether the camera is there. */
static void rest(struct keeper *keeper)
{
	struct source_info info = {0};
	struct fault fault;
	int place = lineup_probe(keeper->lineup, &info, &fault);

	if (place >= 0)
		note_found(keeper, &info);
	keeper->status.stand_in = place >= 0 && lineup_stands_in(keeper->lineup, (size_t)place);
	if (place < 0 || keeper->status.stand_in)
		set_fault(keeper, &fault);
	else
		set_state(keeper, CAMERA_IDLE, "", "");
	wait_for_picture(keeper, clock_now_ns() + LOOK_NS);
	try_at_once(keeper);
}

static void note_picture(struct keeper *keeper, int64_t now)
{
	struct camera_status *status = &keeper->status;

	rate_add(&keeper->rate, now);
	status->showing = true;
	status->captured++;
	status->last_frame_ns = now;
	status->captured_fps = rate_per_s(&keeper->rate, now);
	status->encodes = keeper->maker.encoded > 0;
	status->encode_ms = keeper->maker.encode_ms_now;
	status->encode_total_ns = keeper->maker.encode_ns;
}

static void note_drop(struct keeper *keeper)
{
	keeper->bad++;
	keeper->status.drops = keeper->maker.drops;
	tell(keeper);
}

static void publish(struct keeper *keeper, struct frame *frame)
{
	int64_t now = clock_now_ns();
	bool first = keeper->stream_ns == 0;

	if (first)
		keeper->stream_ns = frame->captured_ns;
	frame->stream_ns = keeper->stream_ns;
	keeper->picture_ns = now;
	keeper->bad = 0;
	note_picture(keeper, now);
	if (first && !keeper->status.stand_in) {
		try_at_once(keeper);
		set_state(keeper, CAMERA_LIVE, "", "");
	} else {
		tell(keeper);
	}
	hub_publish(keeper->hub, frame);
}

static void take_picture(struct keeper *keeper)
{
	struct image image = {0};
	struct fault fault;
	struct frame *frame;
	int n = keeper->source->ops->next(keeper->source, &image, &fault);

	if (n < 0)
		lose(keeper, &fault);
	if (n <= 0)
		return;
	frame = picture_make(&keeper->maker, &image);
	if (frame) {
		publish(keeper, frame);
	} else if (errno == EBADMSG) {
		note_drop(keeper);
	} else {
		fault_set(&fault, CAMERA_ERROR, "a %.4s picture cannot be made into JPEG: %s",
			(const char *)&image.fourcc, strerror(errno));
		lose(keeper, &fault);
	}
}

static void check_for_stall(struct keeper *keeper)
{
	struct fault fault;
	int64_t silent_ns = clock_now_ns() - keeper->picture_ns;

	if (silent_ns < keeper->status.stall_ns)
		return;
	if (keeper->bad)
		fault_set(&fault, CAMERA_STALLED,
			"the camera sends no whole picture; a better cable or a smaller size may "
			"help");
	else
		fault_set(
			&fault, CAMERA_STALLED, "the camera sends no pictures; starting it again");
	fault_detail(&fault, "%.1f s, %llu damaged", (double)silent_ns / (double)NS_PER_S,
		(unsigned long long)keeper->bad);
	lose(keeper, &fault);
}

/* When an unwatched camera is closed. */
static int64_t idle_at(const struct keeper *keeper, const struct orders *orders)
{
	if (orders->watchers || keeper->idle_release_ns == INT64_MAX)
		return INT64_MAX;
	return orders->unwatched_ns + keeper->idle_release_ns;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void stream(struct keeper *keeper, const struct orders *orders)
{
	int64_t deadline_ns = keeper->picture_ns + keeper->status.stall_ns;

	deadline_ns = earlier(deadline_ns, idle_at(keeper, orders));
	if (keeper->status.stand_in)
		deadline_ns = earlier(deadline_ns, keeper->try_ns);
	if (wait_for_picture(keeper, deadline_ns))
		take_picture(keeper);
	if (keeper->source) /* also where poll() always says that there is a picture */
		check_for_stall(keeper);
}

void keeper_run(struct keeper *keeper)
{
	for (;;) {
		struct orders orders = desk_read_orders(keeper->desk);
		int64_t now = clock_now_ns();

		if (orders.stop)
			break;
		if (orders.released) {
			close_source(keeper);
			set_state(keeper, CAMERA_RELEASED, released_reason, "");
			wait_for_picture(keeper, INT64_MAX);
			try_at_once(keeper);
		} else if (keeper->source && now >= idle_at(keeper, &orders)) {
			close_source(keeper);
		} else if (keeper->source && keeper->status.stand_in && now >= keeper->try_ns) {
			try_to_open(keeper, keeper->place);
		} else if (keeper->source) {
			stream(keeper, &orders);
		} else if (orders.watchers == 0) {
			rest(keeper);
		} else if (now >= keeper->try_ns) {
			try_to_open(keeper, lineup_size(keeper->lineup));
		} else {
			wait_for_picture(keeper, keeper->try_ns);
		}
	}
	close_source(keeper);
	set_state(keeper, CAMERA_RELEASED, "the worker is stopping", "");
}

static int create_lineup(struct keeper *keeper, const struct camera_options *options)
{
	const struct source_options wish = {
		.device = options->devices,
		.dev_dir = options->dev_dir,
		.width = options->width,
		.height = options->height,
		.fps = options->fps,
		.fourcc = options->fourcc,
	};

	keeper->lineup =
		lineup_create(&wish, options->find_source ? options->find_source : source_for);
	return keeper->lineup ? 0 : -1;
}

int keeper_init(struct keeper *keeper, const struct camera_options *options, struct hub *hub,
	struct desk *desk)
{
	*keeper = (struct keeper){
		.desk = desk,
		.hub = hub,
		.settings = options->settings,
		.pulse = options->pulse,
		.idle_release_ns = options->idle_release_ns,
		.nodes = nodes_watch(options->dev_dir),
		.status.state = options->released ? CAMERA_RELEASED : CAMERA_IDLE,
		.status.since_ns = options->released_ns ? options->released_ns : clock_wall_ns(),
		.status.stall_ns = STALL_MIN_NS,
	};
	if (options->released)
		snprintf(keeper->status.reason, sizeof(keeper->status.reason), "%s",
			released_reason);
	tell(keeper);
	try_at_once(keeper);
	if (create_lineup(keeper, options) == 0 &&
		picture_init(&keeper->maker, options->quality) == 0)
		return 0;
	keeper_finish(keeper);
	return -1;
}

void keeper_finish(struct keeper *keeper)
{
	if (keeper->nodes >= 0)
		close(keeper->nodes);
	picture_finish(&keeper->maker);
	lineup_destroy(keeper->lineup);
}
