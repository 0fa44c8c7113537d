/* SPDX-License-Identifier: MIT */
/* How streams end: on purpose, in time, for want of memory, with the peer. */
#include "tests/fcgi/viewers_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(after_so_many_frames_the_stream_ends),
		TEST(one_frame_is_one_picture_and_the_end),
		TEST(a_deliberate_end_between_pictures),
		TEST(a_deliberate_end_in_mid_picture),
		TEST(a_deliberate_end_before_any_picture),
		TEST(a_release_ends_all),
		TEST(recorders_end_when_the_picture_is_lost),
		TEST(a_viewer_that_does_not_finish_a_part_is_ended),
		TEST(too_much_in_flight_ends_the_longest),
		TEST(a_peer_that_leaves_is_noticed_without_a_picture),
		TEST(the_end_of_the_request_is_no_goodbye),
		TEST(a_peer_that_had_gone_before_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
