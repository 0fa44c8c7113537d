/* SPDX-License-Identifier: MIT */
#include "fcgi/request.h"

#include "fcgi/precheck.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>

static struct bytes sent;

/* The request that comes of what is in sent; NULL: libfcgi refused it. */
static struct request *open_sent(bool too_long, int *theirs)
{
	int ours;

	make_pair(&ours, theirs);
	assert_int_equal(send(*theirs, sent.data, sent.size, 0), sent.size);
	return request_open(ours, too_long);
}

static int set_up(void **state)
{
	(void)state;
	sent.size = 0;
	return 0;
}

static void parameters_and_body_are_read(void **state)
{
	static const char *const variables[] = {"REQUEST_METHOD", "POST", "SCRIPT_NAME",
		"/cam/controls", "HTTP_HOST", "pi:5000", "EMPTY", "", NULL};
	int64_t before = clock_now_ns();
	struct request *request;
	int theirs;

	(void)state;
	put_request(&sent, 259, variables, "brightness=5", 12);
	assert_int_equal(precheck(sent.data, sent.size), PRECHECK_COMPLETE);
	request = open_sent(false, &theirs);
	assert_non_null(request);
	assert_int_equal(request_id(request), 259);
	assert_string_equal(request_param(request, "HTTP_HOST"), "pi:5000");
	assert_string_equal(request_param(request, "EMPTY"), "");
	assert_null(request_param(request, "HTTP_ORIGIN"));
	assert_null(request_param(request, "HTTP_HOS"));
	assert_string_equal(request_component(request), "controls");
	assert_string_equal(request_body(request), "brightness=5");
	assert_false(request_too_long(request));
	assert_in_range(request_arrived_ns(request), before, clock_now_ns());
	request_close(request);
	assert_int_equal(read(theirs, &before, 1), 0); /* closed, and nothing was written */
	close(theirs);
	request_close(NULL);
}

static void the_largest_body_is_whole(void **state)
{
	static const char *const none[] = {NULL};
	static char body[PRECHECK_BODY_MAX];
	struct request *request;
	int theirs;

	(void)state;
	memset(body, 'b', sizeof(body));
	put_request(&sent, 1, none, body, sizeof(body));
	request = open_sent(false, &theirs);
	assert_non_null(request);
	assert_int_equal(strlen(request_body(request)), sizeof(body));
	assert_string_equal(request_component(request), "");
	request_close(request);
	close(theirs);
}

static void a_body_that_is_too_long_is_not_read(void **state)
{
	static const char *const none[] = {NULL};
	static char body[PRECHECK_BODY_MAX + 1];
	struct request *request;
	int theirs;

	(void)state;
	put_request(&sent, 1, none, body, sizeof(body));
	sent.size -= 100; /* it has not even come yet */
	assert_int_equal(precheck(sent.data, sent.size), PRECHECK_TOO_LONG);
	request = open_sent(true, &theirs);
	assert_non_null(request);
	assert_true(request_too_long(request));
	assert_string_equal(request_body(request), "");
	request_close(request);
	close(theirs);
}

static void a_detached_connection_stays_open(void **state)
{
	struct request *request;
	char byte = 0;
	int theirs, fd;

	(void)state;
	put_get(&sent, "/video_feed", "");
	request = open_sent(false, &theirs);
	fd = request_fd(request);
	assert_int_equal(request_detach(request), fd);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recv(theirs, &byte, 1, 0), 1);
	close(fd);
	close(theirs);
}

static void the_component_is_the_last_of_the_path(void **state)
{
	static const char *const rows[][3] = {
		{"/video_feed", "", "video_feed"},
		{"/cam/front/video_feed", "", "video_feed"},
		{"/cam/", "", ""},
		{"/", "", ""},
		{"", "", ""},
		{"state", "", "state"},
		{"/webcam", "/state", "state"},
		{"/webcam", "/", ""},
		{"/webcam.fcgi", "/front/snapshot.jpg", "snapshot.jpg"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const variables[] = {
			"SCRIPT_NAME", rows[i][0], "PATH_INFO", rows[i][1], NULL};
		struct request *request;
		int theirs;

		sent.size = 0;
		put_request(&sent, 1, variables, "", 0);
		request = open_sent(false, &theirs);
		assert_non_null(request);
		assert_string_equal(request_component(request), rows[i][2]);
		request_close(request);
		close(theirs);
	}
}

/* Complete for precheck(), which does not look into the parameters; lengths that lie. */
static void what_libfcgi_refuses_is_closed(void **state)
{
	static const char lie[] = "\x20\x20short";
	struct request *request;
	char byte;
	int theirs;

	(void)state;
	put_begin(&sent, 1);
	put_record(&sent, RECORD_PARAMS, 1, lie, sizeof(lie));
	put_record(&sent, RECORD_PARAMS, 1, "", 0);
	put_record(&sent, RECORD_STDIN, 1, "", 0);
	assert_int_equal(precheck(sent.data, sent.size), PRECHECK_COMPLETE);
	request = open_sent(false, &theirs);
	assert_null(request);
	/* what it did not read makes it a reset instead of an end: closed either way */
	assert_true(recv(theirs, &byte, 1, 0) == 0 || errno == ECONNRESET);
	close(theirs);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parameters_and_body_are_read),
		TEST(the_largest_body_is_whole),
		TEST(a_body_that_is_too_long_is_not_read),
		TEST(a_detached_connection_stays_open),
		TEST(the_component_is_the_last_of_the_path),
		TEST(what_libfcgi_refuses_is_closed),
	};

	FCGX_Init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
