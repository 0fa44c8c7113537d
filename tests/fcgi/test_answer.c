/* SPDX-License-Identifier: MIT */
#include "fcgi/answer.h"

#include "fcgi/loop.h"
#include "tests/fcgi/support.h"

#include <limits.h>
#include <time.h>

#define BODY 600000

struct rig {
	struct loop *loop;
	struct answers *answers;
	int ours, theirs;
	struct answer answer;
	struct reply reply;
	char body[BODY];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->loop = loop_create();
	rig->answers = answers_create(rig->loop);
	make_pair(&rig->ours, &rig->theirs);
	memset(rig->body, 'b', BODY);
	answer_init(&rig->answer, 200);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	answers_destroy(rig->answers);
	loop_destroy(rig->loop);
	close(rig->theirs);
	free(rig);
	return 0;
}

static void large(struct rig *rig)
{
	rig->answer.type = "image/jpeg";
	rig->answer.body = rig->body;
	rig->answer.size = BODY;
}

static void send_it(struct rig *rig, bool unread)
{
	answers_send(rig->answers, rig->ours, 3, &rig->answer, unread);
}

static const char *head_of(const struct answer *answer)
{
	static char head[ANSWER_HEAD_MAX + 1];
	size_t size = answer_head(head, answer);

	assert_true(size < ANSWER_HEAD_MAX);
	head[size] = '\0';
	return head;
}

static void a_head_is_that_of_cgi(void **state)
{
	struct rig *rig = *state;

	answer_header(&rig->answer, "X-Camera-State", "%s", "live");
	answer_text(&rig->answer, "hello %d", 5);
	assert_string_equal(head_of(&rig->answer), "Status: 200 OK\r\n"
						   "X-Camera-State: live\r\n"
						   "X-Content-Type-Options: nosniff\r\n"
						   "Content-Type: text/plain; charset=utf-8\r\n"
						   "Content-Length: 8\r\n\r\n");
	assert_memory_equal(rig->answer.body, "hello 5\n", 8);
	rig->answer.endless = true;
	assert_null(strstr(head_of(&rig->answer), "Content-Length"));
	answer_init(&rig->answer, 204);
	assert_string_equal(head_of(&rig->answer),
		"Status: 204 No Content\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}

static void header_values_cannot_break_out(void **state)
{
	struct rig *rig = *state;

	answer_header(&rig->answer, "X", "%s", "a\r\nSet-Cookie: b\n\tc");
	assert_non_null(strstr(head_of(&rig->answer), "X: a  Set-Cookie: b  c\r\n"));
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
	struct rig *rig = *state;
	char value[400];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 10; i++)
		answer_header(&rig->answer, "Long", "%s", value);
	answer_header(&rig->answer, "Short", "1");
	assert_non_null(strstr(head_of(&rig->answer), "v\r\nShort: 1\r\n"));
	answer_text(&rig->answer, "%s%s", value, value);
	assert_true(rig->answer.size < sizeof(rig->answer.text));
	assert_int_equal(rig->answer.text[rig->answer.size - 1], '\n');
}

static void a_short_answer_goes_out_at_once(void **state)
{
	struct rig *rig = *state;

	answer_text(&rig->answer, "ok");
	send_it(rig, false);
	assert_int_equal(answers_pending(rig->answers), 0);
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_int_equal(rig->reply.id, 3);
	assert_non_null(strstr(reply_text(&rig->reply), "\r\n\r\nok\n"));
}

static void a_head_request_gets_the_length_alone(void **state)
{
	struct rig *rig = *state;
	const char *text;

	large(rig);
	rig->answer.head = true;
	send_it(rig, false);
	read_reply(rig->theirs, &rig->reply);
	text = reply_text(&rig->reply);
	assert_true(rig->reply.ended && rig->reply.closed);
	assert_non_null(strstr(text, "Content-Length: 600000\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

static void a_slow_reader_gets_it_all(void **state)
{
	struct rig *rig = *state;

	large(rig);
	send_it(rig, false);
	assert_int_equal(answers_pending(rig->answers), 1);
	rig->body[0] = 'x'; /* it was copied */
	for (int i = 0; answers_pending(rig->answers) && i < 100000; i++) {
		read_some(rig->theirs, &rig->reply.raw, 5000);
		loop_turn(rig->loop, 0);
	}
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.ended && rig->reply.closed && rig->reply.in_full);
	assert_non_null(strstr(reply_text(&rig->reply), "\r\n\r\nbbb"));
	assert_true(rig->reply.text.size > BODY);
}

static void who_does_not_read_is_cut_after_ten_seconds(void **state)
{
	struct rig *rig = *state;
	int64_t now = clock_now_ns(), next;

	large(rig);
	send_it(rig, false);
	next = answers_tick(rig->answers, now);
	assert_in_range(next, now + 10 * NS_PER_S, clock_now_ns() + 10 * NS_PER_S);
	assert_int_equal(answers_tick(rig->answers, next - 1), next);
	assert_int_equal(answers_pending(rig->answers), 1);
	assert_int_equal(answers_tick(rig->answers, next), INT64_MAX);
	assert_int_equal(answers_pending(rig->answers), 0);
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.closed && !rig->reply.ended);
}

static void a_peer_that_goes_away_costs_nothing(void **state)
{
	struct rig *rig = *state;

	large(rig);
	send_it(rig, false);
	close(rig->theirs);
	for (int i = 0; answers_pending(rig->answers) && i < 10; i++)
		loop_turn(rig->loop, 0);
	assert_int_equal(answers_pending(rig->answers), 0);
	rig->theirs = -1;
}

static void destroying_cuts_what_is_on_its_way(void **state)
{
	struct rig *rig = *state;

	large(rig);
	send_it(rig, false);
	answers_destroy(rig->answers);
	rig->answers = NULL;
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.closed);
}

/* The server is still sending a body: it must see the answer, not a broken connection. */
static void unread_input_is_thrown_away(void **state)
{
	struct rig *rig = *state;
	static char more[10000];

	assert_int_equal(send(rig->theirs, more, sizeof(more), 0), sizeof(more));
	answer_text(&rig->answer, "too long");
	send_it(rig, true);
	assert_int_equal(answers_pending(rig->answers), 1);
	for (int i = 0; i < 50; i++) {
		assert_true(send(rig->theirs, more, sizeof(more), MSG_NOSIGNAL) > 0);
		loop_turn(rig->loop, 0);
	}
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.ended && rig->reply.closed); /* our side is shut at once */
	shutdown(rig->theirs, SHUT_WR);
	loop_turn(rig->loop, 0);
	assert_int_equal(answers_pending(rig->answers), 0);
}

static void lingering_has_bounds(void **state)
{
	struct rig *rig = *state;
	static char more[100000];
	int64_t now = clock_now_ns();

	answer_text(&rig->answer, "too long");
	send_it(rig, true);
	assert_in_range(answers_tick(rig->answers, now), now, now + 3 * NS_PER_S);
	assert_int_equal(answers_tick(rig->answers, now + 3 * NS_PER_S), INT64_MAX);
	assert_int_equal(answers_pending(rig->answers), 0);
	close(rig->theirs);
	make_pair(&rig->ours, &rig->theirs);
	send_it(rig, true);
	for (int i = 0; answers_pending(rig->answers) && i < 1000; i++) {
		if (send(rig->theirs, more, sizeof(more), MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EAGAIN);
		loop_turn(rig->loop, 0);
	}
	assert_int_equal(answers_pending(rig->answers), 0);
}

static int64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * NS_PER_S + used.tv_nsec;
}

/* It has said all it has to say, and reads nothing: that must not keep us busy. */
static void a_half_closed_connection_does_not_spin(void **state)
{
	struct rig *rig = *state;
	int64_t deadline_ns = clock_now_ns() + 300 * NS_PER_MS, used_ns = cpu_ns();
	int turns = 0;

	large(rig);
	shutdown(rig->theirs, SHUT_WR);
	send_it(rig, false);
	for (; clock_now_ns() < deadline_ns; turns++)
		loop_turn(rig->loop, deadline_ns);
	assert_true(turns < 20);
	assert_true(cpu_ns() - used_ns < 200 * NS_PER_MS);
	while (answers_pending(rig->answers)) {
		read_some(rig->theirs, &rig->reply.raw, 5000);
		loop_turn(rig->loop, 0);
	}
	read_reply(rig->theirs, &rig->reply);
	assert_true(rig->reply.ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_head_is_that_of_cgi),
		TEST(header_values_cannot_break_out),
		TEST(what_does_not_fit_is_left_out_whole),
		TEST(a_short_answer_goes_out_at_once),
		TEST(a_head_request_gets_the_length_alone),
		TEST(a_slow_reader_gets_it_all),
		TEST(who_does_not_read_is_cut_after_ten_seconds),
		TEST(a_peer_that_goes_away_costs_nothing),
		TEST(destroying_cuts_what_is_on_its_way),
		TEST(unread_input_is_thrown_away),
		TEST(lingering_has_bounds),
		TEST(a_half_closed_connection_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
