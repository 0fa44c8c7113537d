/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FCGI_VIEWERS_RIG_H
#define TESTS_FCGI_VIEWERS_RIG_H

/* Viewers over socket pairs, for each test. */
#include "fcgi/viewers.h"

#include "capture/log.h"
#include "fcgi/answer.h"
#include "fcgi/loop.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <sys/ioctl.h>

#define SMALL 3000
#define LARGE 10000000 /* more than any socket buffer takes at once */
#define VIEWERS 4

struct rig {
	struct loop *loop;
	struct hub *hub, *cameras_hub;
	struct camera *camera; /* it only counts who watches */
	struct viewers *viewers;
	char dev_dir[64];
	uint64_t seq;
	struct camera_status status;
	int peers[VIEWERS];
	struct reply reply;
};

static inline int set_up(void **state)
{
	const struct viewers_options options = {.max = 2,
		.timeout_ns = 30 * NS_PER_S,
		.max_inflight = 25000000,
		.width = 64,
		.height = 48};
	struct rig *rig = calloc(1, sizeof(*rig));

	log_init(LOG_LEVEL_ERROR);
	snprintf(rig->dev_dir, sizeof(rig->dev_dir), "%s", make_dir());
	rig->loop = loop_create();
	rig->hub = hub_create();
	rig->cameras_hub = hub_create();
	scripts_reset(rig->cameras_hub);
	rig->camera = scripted_camera("cam", rig->dev_dir, 0, false, rig->cameras_hub);
	rig->viewers = viewers_create(&options, rig->loop, rig->camera, rig->hub);
	rig->status = (struct camera_status){.state = CAMERA_LIVE, .showing = true};
	memset(rig->peers, -1, sizeof(rig->peers));
	*state = rig;
	return 0;
}

/* Whatever happened: every watcher that was counted has been uncounted. */
static inline int tear_down(void **state)
{
	struct rig *rig = *state;

	viewers_destroy(rig->viewers);
	WAIT_FOR(script_is_open(&scripts[0]) == 0);
	camera_destroy(rig->camera);
	hub_destroy(rig->cameras_hub);
	hub_destroy(rig->hub);
	loop_destroy(rig->loop);
	for (int i = 0; i < VIEWERS; i++) {
		if (rig->peers[i] >= 0)
			close(rig->peers[i]);
	}
	rmdir(rig->dev_dir);
	free(rig);
	return 0;
}

static inline void publish(struct rig *rig, size_t size)
{
	struct frame *frame = frame_create(size);

	frame->seq = ++rig->seq;
	frame->captured_ns = clock_now_ns();
	frame->wall_ns = clock_wall_ns();
	frame->width = frame->height = 16;
	frame->size = size;
	memset(frame->data, 'a' + (int)(rig->seq % 26), size);
	hub_publish(rig->hub, frame);
	viewers_refresh(rig->viewers, &rig->status);
}

static inline void enter_as(
	struct rig *rig, int i, unsigned id, const struct viewer_options *options)
{
	struct answer head;
	int ours;

	answer_init(&head, 200);
	head.type = "multipart/x-mixed-replace; boundary=frame";
	head.endless = true;
	make_pair(&ours, &rig->peers[i]);
	assert_int_equal(camera_watch(rig->camera), 0);
	viewers_adopt(rig->viewers, ours, id, &head, options);
}

static inline void enter(struct rig *rig, int i)
{
	enter_as(rig, i, 1, &(struct viewer_options){.style = PART_PLAIN});
}

static inline void turn(struct rig *rig)
{
	for (int i = 0; i < 10; i++)
		loop_turn(rig->loop, 0);
}

static inline void forget(struct rig *rig)
{
	rig->reply.raw.size = 0;
}

/* Reads what viewer i has been sent since forget(). */
static inline const char *watch(struct rig *rig, int i)
{
	turn(rig);
	read_reply(rig->peers[i], &rig->reply);
	return reply_text(&rig->reply);
}

static inline unsigned count(const char *text, const char *words)
{
	unsigned n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

static inline bool ends_with(const struct reply *reply, const char *words)
{
	size_t n = strlen(words);

	return reply->text.size >= n &&
	       memcmp(reply->text.data + reply->text.size - n, words, n) == 0;
}

static inline const struct viewers_totals *totals(struct rig *rig)
{
	return viewers_totals(rig->viewers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
