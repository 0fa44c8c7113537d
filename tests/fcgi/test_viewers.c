/* SPDX-License-Identifier: MIT */
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

static int set_up(void **state)
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
static int tear_down(void **state)
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

static void publish(struct rig *rig, size_t size)
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

static void enter_as(struct rig *rig, int i, unsigned id, const struct viewer_options *options)
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

static void enter(struct rig *rig, int i)
{
	enter_as(rig, i, 1, &(struct viewer_options){.style = PART_PLAIN});
}

static void turn(struct rig *rig)
{
	for (int i = 0; i < 10; i++)
		loop_turn(rig->loop, 0);
}

static void forget(struct rig *rig)
{
	rig->reply.raw.size = 0;
}

/* Reads what viewer i has been sent since forget(). */
static const char *watch(struct rig *rig, int i)
{
	turn(rig);
	read_reply(rig->peers[i], &rig->reply);
	return reply_text(&rig->reply);
}

static unsigned count(const char *text, const char *words)
{
	unsigned n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

static bool ends_with(const struct reply *reply, const char *words)
{
	size_t n = strlen(words);

	return reply->text.size >= n &&
	       memcmp(reply->text.data + reply->text.size - n, words, n) == 0;
}

static const struct viewers_totals *totals(struct rig *rig)
{
	return viewers_totals(rig->viewers);
}

static void the_stream_begins_with_the_newest_picture(void **state)
{
	struct rig *rig = *state;
	const char *text;

	publish(rig, SMALL);
	publish(rig, SMALL);
	enter(rig, 0);
	text = watch(rig, 0);
	assert_memory_equal(text, "Status: 200 OK\r\n", 16);
	assert_non_null(strstr(text, "\r\n\r\n--frame\r\nContent-Type: image/jpeg\r\n"));
	assert_non_null(strstr(text, "X-Frame-Seq: 2\r\n"));
	assert_int_equal(count(text, "X-Frame-Seq"), 1);
	assert_true(ends_with(&rig->reply, "\r\n--frame\r\n"));
	assert_false(rig->reply.closed);
	assert_int_equal(viewers_count(rig->viewers), 1);
	assert_int_equal(totals(rig)->frames, 1);
}

static void a_viewer_of_a_starting_camera_gets_the_head_at_once(void **state)
{
	struct rig *rig = *state;

	rig->status.state = CAMERA_STARTING;
	rig->status.since_ns = clock_wall_ns();
	enter(rig, 0);
	viewers_refresh(rig->viewers, &rig->status);
	assert_int_equal(count(watch(rig, 0), "--frame"), 0);
	assert_true(rig->reply.in_full && !rig->reply.closed);
	rig->status.state = CAMERA_LIVE;
	publish(rig, SMALL);
	assert_int_equal(count(watch(rig, 0), "X-Frame-Seq: 1\r\n"), 1);
}

/* The gate: nothing is queued behind what has not been taken; the newest wins. */
static void the_latest_wins_and_nothing_queues(void **state)
{
	struct rig *rig = *state;
	int queued = 0;

	publish(rig, SMALL);
	enter(rig, 0);
	turn(rig);
	for (int i = 0; i < 9; i++) {
		publish(rig, SMALL);
		turn(rig);
	}
	assert_int_equal(ioctl(rig->peers[0], FIONREAD, &queued), 0);
	assert_int_equal(totals(rig)->frames, 1);
	watch(rig, 0); /* takes the first; now the socket is empty */
	forget(rig);
	watch(rig, 0);
	assert_int_equal(count(reply_text(&rig->reply), "X-Frame-Seq: 10\r\n"), 1);
	assert_int_equal(count(reply_text(&rig->reply), "X-Frame-Seq"), 1);
	assert_int_equal(totals(rig)->frames, 2);
	assert_int_equal(totals(rig)->skipped, 8); /* 2 to 9 */
}

static void a_slow_viewer_slows_nobody(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter(rig, 0);
	enter(rig, 1);
	for (int i = 0; i < 20; i++) {
		forget(rig);
		watch(rig, 1);
		publish(rig, SMALL);
	}
	forget(rig);
	assert_int_equal(count(watch(rig, 1), "X-Frame-Seq: 21\r\n"), 1);
	assert_true(totals(rig)->frames >= 21);
}

static void a_large_picture_goes_out_in_turns(void **state)
{
	struct rig *rig = *state;
	static struct bytes text; /* the whole is more than a reply holds */
	size_t size = 0;

	publish(rig, LARGE);
	enter(rig, 0);
	assert_int_equal(totals(rig)->frames, 0);
	for (int i = 0; totals(rig)->frames == 0 && i < 100000; i++) {
		text.size = 0;
		size += read_some(rig->peers[0], &text, 50000);
		turn(rig);
	}
	assert_int_equal(totals(rig)->frames, 1);
	for (text.size = 0; read_some(rig->peers[0], &text, 50000); text.size = 0)
		size += text.size;
	assert_true(size > LARGE && totals(rig)->bytes > LARGE);
	assert_true(totals(rig)->bytes <= size);
}

static void a_picture_is_repeated_after_a_second(void **state)
{
	struct rig *rig = *state;
	int64_t now;

	publish(rig, SMALL);
	enter(rig, 0);
	watch(rig, 0);
	forget(rig);
	now = clock_now_ns();
	viewers_tick(rig->viewers, now + 900 * NS_PER_MS);
	assert_int_equal(strlen(watch(rig, 0)), 0);
	viewers_tick(rig->viewers, now + 1001 * NS_PER_MS);
	assert_int_equal(count(watch(rig, 0), "X-Frame-Seq: 1\r\n"), 1);
	assert_int_equal(totals(rig)->frames, 1); /* a repeat counts in bytes only */
	assert_true(totals(rig)->bytes > 2 * SMALL);
	assert_int_equal(totals(rig)->skipped, 0);
}

/* Time is told by the ticks: pictures at 30 a second for ten seconds. */
static unsigned pictures_with_cap(struct rig *rig, double fps)
{
	int64_t begun_ns = clock_now_ns();
	uint64_t before = totals(rig)->frames;

	enter_as(rig, 0, 1, &(struct viewer_options){.fps = fps});
	for (int i = 0; i < 300; i++) {
		publish(rig, 10);
		viewers_tick(rig->viewers, begun_ns + i * NS_PER_S / 30);
		turn(rig);
		forget(rig);
		watch(rig, 0);
	}
	close(rig->peers[0]);
	rig->peers[0] = -1;
	turn(rig);
	return (unsigned)(totals(rig)->frames - before);
}

static void a_cap_is_reached_on_average(void **state)
{
	struct rig *rig = *state;

	assert_in_range(pictures_with_cap(rig, 20), 195, 206);
	assert_in_range(pictures_with_cap(rig, 15), 146, 156);
	assert_in_range(pictures_with_cap(rig, 7), 66, 76);
	assert_in_range(pictures_with_cap(rig, 0.5), 5, 7);
	assert_int_equal(viewers_count(rig->viewers), 0);
}

static void a_cap_below_one_beats_the_repeat(void **state)
{
	struct rig *rig = *state;
	int64_t now;

	publish(rig, SMALL);
	enter_as(rig, 0, 1, &(struct viewer_options){.fps = 0.25});
	watch(rig, 0);
	forget(rig);
	now = clock_now_ns();
	viewers_tick(rig->viewers, now + 3900 * NS_PER_MS);
	assert_int_equal(strlen(watch(rig, 0)), 0);
	viewers_tick(rig->viewers, now + 4100 * NS_PER_MS);
	assert_int_equal(count(watch(rig, 0), "X-Frame-Seq: 1\r\n"), 1);
}

static void after_so_many_frames_the_stream_ends(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter_as(rig, 0, 1, &(struct viewer_options){.frames = 3});
	for (int i = 0; i < 5; i++) {
		watch(rig, 0);
		viewers_tick(
			rig->viewers, clock_now_ns() + 2 * NS_PER_S); /* repeats do not count */
		watch(rig, 0);
		publish(rig, SMALL);
	}
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_true(ends_with(&rig->reply, "\r\n--frame--\r\n"));
	assert_int_equal(count(reply_text(&rig->reply), "X-Frame-Seq: 3\r\n"), 1);
	assert_int_equal(totals(rig)->frames, 3);
	assert_int_equal(viewers_count(rig->viewers), 0);
}

static void one_frame_is_one_picture_and_the_end(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter_as(rig, 0, 5, &(struct viewer_options){.frames = 1});
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_int_equal(rig->reply.id, 5);
	assert_int_equal(count(reply_text(&rig->reply), "--frame"), 2);
	assert_int_equal(totals(rig)->frames, 1);
}

/* Its tail has gone out already: the newest picture once more. */
static void a_deliberate_end_between_pictures(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter(rig, 0);
	watch(rig, 0);
	viewers_end_all(rig->viewers);
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_int_equal(count(reply_text(&rig->reply), "X-Frame-Seq: 1\r\n"), 2);
	assert_true(ends_with(&rig->reply, "\r\n--frame--\r\n"));
	assert_int_equal(totals(rig)->frames, 1);
	assert_int_equal(totals(rig)->ended[END_SHUTDOWN], 1);
}

static void a_deliberate_end_in_mid_picture(void **state)
{
	struct rig *rig = *state;

	publish(rig, LARGE);
	enter(rig, 0);
	viewers_end_all(rig->viewers);
	viewers_end_all(rig->viewers);
	assert_int_equal(viewers_count(rig->viewers), 1);
	for (int i = 0; viewers_count(rig->viewers) && i < 100000; i++)
		watch(rig, 0);
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_int_equal(count(reply_text(&rig->reply), "X-Frame-Seq"), 1);
	assert_true(ends_with(&rig->reply, "\r\n--frame--\r\n"));
}

static void a_deliberate_end_before_any_picture(void **state)
{
	struct rig *rig = *state;

	enter(rig, 0);
	viewers_end_all(rig->viewers);
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_int_equal(count(reply_text(&rig->reply), "--frame"), 0);
	assert_int_equal(totals(rig)->ended[END_SHUTDOWN], 1);
}

static void a_release_ends_all(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter(rig, 0);
	enter_as(rig, 1, 1, &(struct viewer_options){.style = PART_IN_ADVANCE});
	watch(rig, 0);
	hub_clear(rig->hub);
	rig->status.state = CAMERA_RELEASED;
	viewers_refresh(rig->viewers, &rig->status);
	watch(rig, 0);
	assert_true(rig->reply.ended && ends_with(&rig->reply, "\r\n--frame--\r\n"));
	forget(rig);
	watch(rig, 1);
	watch(rig, 1);
	assert_true(rig->reply.ended && ends_with(&rig->reply, "\r\n--frame--\r\n"));
	assert_int_equal(viewers_count(rig->viewers), 0);
}

static void a_placeholder_says_why_and_the_picture_follows(void **state)
{
	struct rig *rig = *state;
	const char *text;

	rig->status = (struct camera_status){.state = CAMERA_BUSY, .reason = "in use"};
	viewers_refresh(rig->viewers, &rig->status);
	enter(rig, 0);
	text = watch(rig, 0);
	assert_non_null(strstr(text, "X-Camera-State: busy\r\nX-Camera-Reason: in use\r\n\r\n"));
	assert_null(strstr(text, "X-Frame-Seq"));
	forget(rig);
	viewers_tick(rig->viewers, clock_now_ns() + 1100 * NS_PER_MS);
	assert_int_equal(count(watch(rig, 0), "X-Camera-State"), 1);
	assert_int_equal(totals(rig)->placeholders, 2);
	assert_int_equal(totals(rig)->frames, 0);
	rig->status = (struct camera_status){.state = CAMERA_LIVE, .showing = true};
	publish(rig, SMALL);
	forget(rig);
	assert_int_equal(count(watch(rig, 0), "X-Frame-Seq: 1\r\n"), 1);
	assert_int_equal(totals(rig)->skipped, 0);
}

static void recorders_end_when_the_picture_is_lost(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter_as(rig, 0, 1, &(struct viewer_options){.no_placeholder = true});
	enter(rig, 1);
	watch(rig, 0);
	hub_clear(rig->hub);
	rig->status = (struct camera_status){.state = CAMERA_NO_DEVICE, .reason = "gone"};
	viewers_refresh(rig->viewers, &rig->status);
	watch(rig, 0);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_null(strstr(reply_text(&rig->reply), "X-Camera-State"));
	assert_true(ends_with(&rig->reply, "\r\n--frame--\r\n"));
	assert_int_equal(viewers_count(rig->viewers), 1);
}

static void a_viewer_that_does_not_finish_a_part_is_ended(void **state)
{
	struct rig *rig = *state;
	int64_t now;

	publish(rig, LARGE);
	enter(rig, 0);
	now = clock_now_ns();
	viewers_tick(rig->viewers, now + 29 * NS_PER_S);
	assert_int_equal(viewers_count(rig->viewers), 1);
	viewers_tick(rig->viewers, now + 31 * NS_PER_S);
	assert_int_equal(viewers_count(rig->viewers), 0);
	assert_int_equal(totals(rig)->ended[END_TIMEOUT], 1);
	publish(rig, SMALL); /* all in the socket, but the peer has not taken it */
	enter(rig, 1);
	now = clock_now_ns();
	viewers_tick(rig->viewers, now + 29 * NS_PER_S);
	assert_int_equal(viewers_count(rig->viewers), 1);
	viewers_tick(rig->viewers, now + 31 * NS_PER_S);
	assert_int_equal(totals(rig)->ended[END_TIMEOUT], 2);
}

/* 25 megabytes are allowed; each holds one picture of its own that is no more the newest. */
static void too_much_in_flight_ends_the_longest(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < VIEWERS; i++) {
		publish(rig, LARGE);
		enter(rig, i);
	}
	assert_int_equal(viewers_count(rig->viewers), 3); /* of 0, 1, 2 the first was too much */
	publish(rig, LARGE);
	assert_int_equal(viewers_count(rig->viewers), 2);
	assert_int_equal(totals(rig)->ended[END_LIMIT], 2);
	for (int i = 0; i < VIEWERS; i++) {
		ssize_t n;

		while ((n = recv(rig->peers[i], rig->reply.raw.data, 100000, MSG_DONTWAIT)) > 0)
			;
		assert_int_equal(n == 0, i < 2);
	}
}

static void a_peer_that_leaves_is_noticed_without_a_picture(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter(rig, 0);
	watch(rig, 0);
	close(rig->peers[0]);
	rig->peers[0] = -1;
	turn(rig);
	assert_int_equal(viewers_count(rig->viewers), 0);
	assert_int_equal(totals(rig)->ended[END_CLIENT], 1);
}

static void the_end_of_the_request_is_no_goodbye(void **state)
{
	struct rig *rig = *state;

	publish(rig, SMALL);
	enter(rig, 0);
	assert_int_equal(send(rig->peers[0], "\1\5\0\1\0\0\0\0", 8, 0), 8);
	turn(rig);
	assert_int_equal(viewers_count(rig->viewers), 1);
}

static void a_peer_that_had_gone_before_costs_nothing(void **state)
{
	struct rig *rig = *state;
	struct answer head;
	int ours, theirs;

	publish(rig, SMALL);
	answer_init(&head, 200);
	make_pair(&ours, &theirs);
	close(theirs);
	assert_int_equal(camera_watch(rig->camera), 0);
	viewers_adopt(rig->viewers, ours, 1, &head, &(struct viewer_options){0});
	turn(rig);
	assert_int_equal(viewers_count(rig->viewers), 0);
}

static void note_figures(void *arg, const struct viewer_figures *figures)
{
	struct viewer_figures *sum = arg;

	sum->serial += figures->serial;
	sum->frames += figures->frames;
	sum->lag_s = figures->lag_s;
	sum->seconds = figures->seconds;
}

static void figures_are_told(void **state)
{
	struct rig *rig = *state;
	struct viewer_figures sum = {0};

	assert_false(viewers_full(rig->viewers));
	publish(rig, SMALL);
	enter(rig, 0);
	enter(rig, 1);
	assert_true(viewers_full(rig->viewers));
	viewers_each(rig->viewers, note_figures, &sum);
	assert_int_equal(sum.frames, 2);
	assert_int_equal(sum.serial, 3);
	assert_true(sum.lag_s >= 0 && sum.lag_s < 20 && sum.seconds >= 0);
	assert_true(viewers_max_lag(rig->viewers) >= sum.lag_s);
	assert_true(viewers_tick(rig->viewers, 5) > 5);
}

static void without_viewers_it_need_not_be_called(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(viewers_tick(rig->viewers, clock_now_ns()), INT64_MAX);
	publish(rig, SMALL);
	assert_float_equal(viewers_max_lag(rig->viewers), 0, 0);
	viewers_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_stream_begins_with_the_newest_picture),
		TEST(a_viewer_of_a_starting_camera_gets_the_head_at_once),
		TEST(the_latest_wins_and_nothing_queues),
		TEST(a_slow_viewer_slows_nobody),
		TEST(a_large_picture_goes_out_in_turns),
		TEST(a_picture_is_repeated_after_a_second),
		TEST(a_cap_is_reached_on_average),
		TEST(a_cap_below_one_beats_the_repeat),
		TEST(after_so_many_frames_the_stream_ends),
		TEST(one_frame_is_one_picture_and_the_end),
		TEST(a_deliberate_end_between_pictures),
		TEST(a_deliberate_end_in_mid_picture),
		TEST(a_deliberate_end_before_any_picture),
		TEST(a_release_ends_all),
		TEST(a_placeholder_says_why_and_the_picture_follows),
		TEST(recorders_end_when_the_picture_is_lost),
		TEST(a_viewer_that_does_not_finish_a_part_is_ended),
		TEST(too_much_in_flight_ends_the_longest),
		TEST(a_peer_that_leaves_is_noticed_without_a_picture),
		TEST(the_end_of_the_request_is_no_goodbye),
		TEST(a_peer_that_had_gone_before_costs_nothing),
		TEST(figures_are_told),
		TEST(without_viewers_it_need_not_be_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
