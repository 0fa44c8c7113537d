/* SPDX-License-Identifier: MIT */
#include "tests/fcgi/viewers_rig.h"

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
		TEST(a_placeholder_says_why_and_the_picture_follows),
		TEST(figures_are_told),
		TEST(without_viewers_it_need_not_be_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
