/* SPDX-License-Identifier: MIT */
#include "fcgi/part.h"

#include "tests/fcgi/support.h"

#include <inttypes.h>

#define TIMESTAMP "1763802000.123456"

static struct frame *picture(size_t size)
{
	struct frame *frame = frame_create(size);

	frame->seq = 4711;
	frame->wall_ns = INT64_C(1763802000123456789);
	frame->size = size;
	for (size_t i = 0; i < size; i++)
		frame->data[i] = (uint8_t)(i * 7 >> 2);
	return frame;
}

/* The part's text, its records taken apart. */
static const struct reply *unpack(const struct part *part)
{
	static struct reply reply;

	memset(&reply, 0, sizeof(reply));
	put(&reply.raw, part->data, part->size);
	parse_reply(&reply);
	assert_true(reply.in_full);
	return &reply;
}

static void expect_part(const struct frame *frame, enum part_style style, unsigned id,
	const struct part_label *label, const char *headers)
{
	size_t held = 0, head = strlen(headers);
	struct part *part = part_create(frame, style, id, label, &held);
	const struct reply *reply;

	assert_non_null(part);
	assert_int_equal(part->refs, 1);
	assert_int_equal(held, part->size);
	reply = unpack(part);
	assert_int_equal(reply->id, id);
	assert_false(reply->ended);
	assert_int_equal(reply->text.size, head + frame->size);
	assert_memory_equal(reply->text.data, headers, head);
	assert_memory_equal(reply->text.data + head, frame->data, frame->size);
	assert_int_equal(part->size, record_size(head + frame->size));
	part_unref(part);
	assert_int_equal(held, 0);
}

static void a_plain_part_is_that_of_the_contract(void **state)
{
	struct frame *frame = picture(97190);

	(void)state;
	expect_part(frame, PART_PLAIN, 1, NULL,
		"Content-Type: image/jpeg\r\n"
		"Content-Length: 97190\r\n"
		"X-Timestamp: " TIMESTAMP "\r\n"
		"X-Frame-Seq: 4711\r\n"
		"\r\n");
	frame_unref(frame);
}

static void in_advance_it_is_the_picture_alone(void **state)
{
	struct frame *frame = picture(1000);
	const struct part_label label = {"busy", "in use"};

	(void)state;
	expect_part(frame, PART_IN_ADVANCE, 1, NULL, "");
	expect_part(frame, PART_IN_ADVANCE, 1, &label, "");
	frame_unref(frame);
}

static void a_placeholder_says_why(void **state)
{
	struct frame *frame = picture(50);
	const struct part_label label = {"no-device", "no camera was found"};

	(void)state;
	expect_part(frame, PART_PLAIN, 1, &label,
		"Content-Type: image/jpeg\r\n"
		"Content-Length: 50\r\n"
		"X-Timestamp: " TIMESTAMP "\r\n"
		"X-Camera-State: no-device\r\n"
		"X-Camera-Reason: no camera was found\r\n"
		"\r\n");
	frame_unref(frame);
}

static void the_time_has_six_digits_and_the_number_any(void **state)
{
	struct frame *frame = picture(1);
	char headers[256];

	(void)state;
	frame->wall_ns = INT64_C(1763802000000001999);
	frame->seq = UINT64_MAX;
	snprintf(headers, sizeof(headers),
		"Content-Type: image/jpeg\r\nContent-Length: 1\r\nX-Timestamp: "
		"1763802000.000001\r\nX-Frame-Seq: %" PRIu64 "\r\n\r\n",
		UINT64_MAX);
	expect_part(frame, PART_PLAIN, 1, NULL, headers);
	frame_unref(frame);
}

/* FFmpeg takes no longer header lines. */
static void no_header_line_is_too_long_or_forged(void **state)
{
	struct frame *frame = picture(10);
	char reason[200];
	const struct part_label label = {"error", reason};
	size_t held = 0;
	struct part *part;
	const char *line;
	int lines = 0;

	(void)state;
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	memcpy(reason + 5, "\r\nX: y\tä", 9);
	part = part_create(frame, PART_PLAIN, 1, &label, &held);
	line = reply_text(unpack(part));
	while (strncmp(line, "\r\n", 2) != 0) {
		const char *end = strstr(line, "\r\n");

		assert_true(end + 2 - line < PART_LINE_MAX);
		for (const char *c = line; c < end; c++)
			assert_in_range(*c, ' ', '~');
		line = end + 2;
		lines++;
	}
	assert_int_equal(lines, 5);
	part_unref(part);
	frame_unref(frame);
}

static void any_size_is_cut_into_full_records(void **state)
{
	static const size_t around[] = {1, RECORD_MAX - 200, RECORD_MAX, 2 * RECORD_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		for (size_t size = around[i]; size < around[i] + 210; size += i ? 1 : 13) {
			struct frame *frame = picture(size);

			for (int style = 0; style < PART_STYLES; style++) {
				size_t held = 0;
				struct part *part = part_create(
					frame, (enum part_style)style, 513, NULL, &held);
				const struct reply *reply = unpack(part);
				size_t head = reply->text.size - size;

				assert_int_equal(reply->id, 513);
				assert_int_equal(reply->records,
					(head + size + RECORD_MAX - 1) / RECORD_MAX);
				assert_memory_equal(reply->text.data + head, frame->data, size);
				part_unref(part);
			}
			frame_unref(frame);
		}
	}
}

static void references_share_and_the_last_one_frees(void **state)
{
	struct frame *frame = picture(100);
	size_t held = 0;
	struct part *one = part_create(frame, PART_PLAIN, 1, NULL, &held);
	struct part *two = part_create(frame, PART_IN_ADVANCE, 1, NULL, &held);

	(void)state;
	assert_int_equal(held, one->size + two->size);
	assert_ptr_equal(part_ref(one), one);
	part_unref(two);
	part_unref(one);
	assert_int_equal(held, one->size);
	part_unref(one);
	assert_int_equal(held, 0);
	part_unref(NULL);
	frame_unref(frame);
}

static void expect_edge(
	enum part_edge edge, enum part_style style, unsigned id, const char *expected)
{
	static struct reply reply;
	uint8_t bytes[PART_EDGE_MAX];
	size_t size = part_edge(bytes, edge, style, id);

	assert_true(size <= PART_EDGE_MAX);
	memset(&reply, 0, sizeof(reply));
	put(&reply.raw, bytes, size);
	parse_reply(&reply);
	assert_true(reply.in_full);
	assert_int_equal(reply.id, id);
	assert_string_equal(reply_text(&reply), expected);
	assert_int_equal(reply.ended, edge == EDGE_CLOSING);
}

static void edges_are_those_of_the_contract(void **state)
{
	static const unsigned ids[] = {1, 2, 255, 256, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		unsigned id = ids[i];

		expect_edge(EDGE_OPENING, PART_PLAIN, id, "--frame\r\n");
		expect_edge(EDGE_NEXT, PART_PLAIN, id, "\r\n--frame\r\n");
		expect_edge(EDGE_CLOSING, PART_PLAIN, id, "\r\n--frame--\r\n");
		expect_edge(EDGE_OPENING, PART_IN_ADVANCE, id,
			"--frame\r\nContent-Type: image/jpeg\r\n\r\n");
		expect_edge(EDGE_NEXT, PART_IN_ADVANCE, id,
			"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n");
		expect_edge(EDGE_CLOSING, PART_IN_ADVANCE, id, "\r\n--frame--\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_part_is_that_of_the_contract),
		cmocka_unit_test(in_advance_it_is_the_picture_alone),
		cmocka_unit_test(a_placeholder_says_why),
		cmocka_unit_test(the_time_has_six_digits_and_the_number_any),
		cmocka_unit_test(no_header_line_is_too_long_or_forged),
		cmocka_unit_test(any_size_is_cut_into_full_records),
		cmocka_unit_test(references_share_and_the_last_one_frees),
		cmocka_unit_test(edges_are_those_of_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
