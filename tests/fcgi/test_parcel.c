/* SPDX-License-Identifier: MIT */
#include "fcgi/parcel.h"

#include "tests/fcgi/support.h"

#define PICTURE 70000 /* two records */

/* A part in advance is the picture alone: its headers are in the edge before it. */
#define STYLE PART_IN_ADVANCE
#define TYPE "Content-Type: image/jpeg\r\n\r\n"

static const char next_tail[] = "\r\n--frame\r\n" TYPE;
static const char closing_tail[] = "\r\n--frame--\r\n";

struct rig {
	struct frame *frame;
	size_t held;
	int ours, theirs;
	uint64_t bytes;
	struct parcel parcel;
	struct reply reply;
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int smallest = 1;

	rig->frame = frame_create(PICTURE);
	rig->frame->size = PICTURE;
	memset(rig->frame->data, 'p', PICTURE);
	make_pair(&rig->ours, &rig->theirs);
	setsockopt(rig->ours, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest));
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig->held, 0);
	frame_unref(rig->frame);
	close(rig->ours);
	close(rig->theirs);
	free(rig);
	return 0;
}

static void load(struct rig *rig, bool opening, bool closing)
{
	struct part *part = part_create(rig->frame, STYLE, 1, NULL, &rig->held);

	rig->bytes = 0;
	rig->reply.raw.size = 0;
	parcel_load(&rig->parcel, part, opening, closing, STYLE, 1);
	assert_true(parcel_loaded(&rig->parcel));
}

static enum parcel_result send_on(struct rig *rig)
{
	return parcel_send(&rig->parcel, rig->ours, &rig->bytes);
}

/* Sends and reads in turns, so many bytes at a time. */
static void send_through(struct rig *rig, size_t sip)
{
	enum parcel_result result;

	while ((result = send_on(rig)) == PARCEL_STUCK)
		read_some(rig->theirs, &rig->reply.raw, sip);
	assert_int_equal(result, PARCEL_THROUGH);
	assert_false(parcel_loaded(&rig->parcel));
	assert_int_equal(rig->held, 0);
	read_some(rig->theirs, &rig->reply.raw, SIZE_MAX);
	assert_int_equal(rig->bytes, rig->reply.raw.size);
	parse_reply(&rig->reply);
	assert_true(rig->reply.in_full);
}

static void expect_stream(struct rig *rig, bool opening, const char *tail)
{
	const char *lead = opening ? "--frame\r\n" TYPE : "";
	const struct bytes *text = &rig->reply.text;

	assert_int_equal(text->size, strlen(lead) + PICTURE + strlen(tail));
	assert_memory_equal(text->data, lead, strlen(lead));
	assert_memory_equal(text->data + strlen(lead), rig->frame->data, PICTURE);
	assert_string_equal(text->data + strlen(lead) + PICTURE, tail);
	assert_int_equal(rig->reply.ended, strcmp(tail, closing_tail) == 0);
}

static void short_sends_go_on_where_they_stopped(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 4; i++) {
		load(rig, i & 1, i & 2);
		assert_int_equal(send_on(rig), PARCEL_STUCK);
		send_through(rig, 1000);
		expect_stream(rig, i & 1, i & 2 ? closing_tail : next_tail);
	}
}

/* As if the socket had taken any number of bytes: each boundary of the pieces, and around it. */
static void from_every_offset_the_rest_follows(void **state)
{
	struct rig *rig = *state;

	load(rig, true, true);
	send_through(rig, SIZE_MAX);
	static struct bytes whole;
	whole = rig->reply.raw;
	for (size_t at = 0; at < whole.size; at += at < 200 || at + 200 > whole.size ? 1 : 997) {
		load(rig, true, true);
		rig->parcel.sent = at;
		put(&rig->reply.raw, whole.data, at);
		rig->bytes = at;
		send_through(rig, SIZE_MAX);
		assert_memory_equal(rig->reply.raw.data, whole.data, whole.size);
	}
}

/* Asked to close at each offset: before the tail it becomes the closing one, within it no more. */
static void it_closes_unless_its_tail_has_begun(void **state)
{
	struct rig *rig = *state;

	load(rig, true, false);
	send_through(rig, SIZE_MAX);
	static struct bytes whole;
	whole = rig->reply.raw;
	for (size_t at = whole.size - 70; at < whole.size; at++) {
		bool before_tail = at <= whole.size - (RECORD_HEADER + strlen(next_tail));

		load(rig, true, false);
		rig->parcel.sent = at;
		rig->bytes = at;
		put(&rig->reply.raw, whole.data, at);
		assert_int_equal(parcel_close(&rig->parcel, STYLE, 1), before_tail);
		assert_int_equal(rig->parcel.closing, before_tail);
		send_through(rig, SIZE_MAX);
		expect_stream(rig, true, before_tail ? closing_tail : next_tail);
	}
}

static void closing_twice_is_closing(void **state)
{
	struct rig *rig = *state;

	load(rig, false, true);
	assert_true(parcel_close(&rig->parcel, STYLE, 1));
	send_through(rig, SIZE_MAX);
	expect_stream(rig, false, closing_tail);
}

static void without_a_picture_it_is_the_end_alone(void **state)
{
	struct rig *rig = *state;

	rig->reply.raw.size = 0;
	parcel_load(&rig->parcel, NULL, false, true, STYLE, 9);
	assert_true(parcel_loaded(&rig->parcel));
	assert_true(rig->parcel.closing);
	assert_true(parcel_close(&rig->parcel, STYLE, 9));
	send_through(rig, SIZE_MAX);
	assert_int_equal(rig->reply.raw.size, RECORD_END);
	assert_int_equal(rig->reply.id, 9);
	assert_true(rig->reply.ended);
}

static void a_peer_that_has_gone_is_told(void **state)
{
	struct rig *rig = *state;

	load(rig, true, false);
	assert_int_equal(send_on(rig), PARCEL_STUCK);
	shutdown(rig->theirs, SHUT_RDWR);
	assert_int_equal(send_on(rig), PARCEL_GONE);
	assert_true(rig->held > 0);
	parcel_drop(&rig->parcel);
	assert_false(parcel_loaded(&rig->parcel));
	assert_int_equal(rig->held, 0);
	parcel_drop(&rig->parcel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(short_sends_go_on_where_they_stopped),
		TEST(from_every_offset_the_rest_follows),
		TEST(it_closes_unless_its_tail_has_begun),
		TEST(closing_twice_is_closing),
		TEST(without_a_picture_it_is_the_end_alone),
		TEST(a_peer_that_has_gone_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
