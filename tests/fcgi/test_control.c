/* SPDX-License-Identifier: MIT */
#include "fcgi/control.h"

#include "capture/settings.h"
#include "fcgi/request.h"
#include "tests/capture/fake_controls.h"
#include "tests/fcgi/fake_camera.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>

static struct hub *hub;
static struct camera *camera;
static struct settings *settings;
static struct control *control;
static char dir[64];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	fake_fault = -1;
	snprintf(dir, sizeof(dir), "%s", make_dir());
	hub = hub_create();
	settings = settings_create(NULL, NULL, 0);
	camera = make_camera(hub);
	control = control_create(camera, settings, dir);
	assert_non_null(control);
	WAIT_FOR(is_in(camera, CAMERA_IDLE));
	return 0;
}

static int end(void **state)
{
	(void)state;
	control_destroy(control);
	camera_destroy(camera);
	settings_destroy(settings);
	hub_destroy(hub);
	return rmdir(dir);
}

/* A POST with that body; its other end in *peer. */
static struct request *make_request(const char *body, int *peer)
{
	static struct bytes bytes;
	char length[24];
	const char *const variables[] = {"CONTENT_LENGTH", length, NULL};
	struct request *request;
	int ours;

	snprintf(length, sizeof(length), "%zu", strlen(body));
	bytes.size = 0;
	put_request(&bytes, 1, variables, body, strlen(body));
	make_pair(&ours, peer);
	assert_int_equal(write(*peer, bytes.data, bytes.size), bytes.size);
	request = request_open(ours, false);
	assert_non_null(request);
	assert_string_equal(request_body(request), body);
	return request;
}

static struct control_result await(void)
{
	struct pollfd fd = {.fd = control_fd(control), .events = POLLIN};
	struct control_result result;

	while (!control_take(control, &result))
		assert_int_equal(poll(&fd, 1, 20000), 1);
	return result;
}

static struct control_result ask(enum control_verb verb, const char *body)
{
	struct control_result result;
	struct request *request;
	int peer;

	request = make_request(body, &peer);
	assert_int_equal(control_submit(control, request, verb), 0);
	result = await();
	assert_ptr_equal(result.request, request);
	assert_int_equal(result.verb, verb);
	request_close(request);
	close(peer);
	return result;
}

static bool latched(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/released", dir);
	return access(path, F_OK) == 0;
}

static void release_latches_before_it_answers(void **state)
{
	struct control_result result = ask(CONTROL_RELEASE, "");

	(void)state;
	assert_int_equal(result.status, 200);
	assert_null(result.body);
	assert_true(latched());
	assert_true(is_in(camera, CAMERA_RELEASED));
	result = ask(CONTROL_START, "");
	assert_int_equal(result.status, 200);
	assert_false(latched());
	WAIT_FOR(is_in(camera, CAMERA_IDLE));
}

static void controls_are_listed_and_set(void **state)
{
	struct control_result result = ask(CONTROL_SET, "brightness=9");

	(void)state;
	assert_int_equal(result.status, 200);
	assert_non_null(strstr(result.body, "\"value\":9,"));
	free(result.body);
	result = ask(CONTROL_LIST, "");
	assert_int_equal(result.status, 200);
	assert_non_null(strstr(result.body, "\"value\":9,"));
	free(result.body);
	result = ask(CONTROL_SET, "brightness=999");
	assert_int_equal(result.status, 400);
	assert_memory_equal(result.body, "brightness: ", 12);
	free(result.body);
}

static void results_come_in_order_and_once(void **state)
{
	struct control_result result;
	int peers[8];
	char body[16];

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(body, sizeof(body), "brightness=%d", i);
		assert_int_equal(
			control_submit(control, make_request(body, &peers[i]), CONTROL_SET), 0);
	}
	for (int i = 0; i < 8; i++) {
		result = await();
		assert_int_equal(request_body(result.request)[11], '0' + i);
		request_close(result.request);
		free(result.body);
		close(peers[i]);
	}
	assert_false(control_take(control, &result));
}

/* Holds the driver for as long as it is locked. */
static pthread_mutex_t driver = PTHREAD_MUTEX_INITIALIZER;

static atomic_bool held;

static void hold_driver(void)
{
	held = true;
	pthread_mutex_lock(&driver);
	pthread_mutex_unlock(&driver);
}

static bool at_its_end(int peer)
{
	char byte;

	return recv(peer, &byte, 1, 0) == 0; /* and not EAGAIN */
}

static void a_held_driver_fills_the_queue_and_delays_nobody(void **state)
{
	struct request *request;
	int peers[CONTROL_MAX], peer;

	(void)state;
	pthread_mutex_lock(&driver);
	fake_hook = hold_driver;
	for (int i = 0; i < CONTROL_MAX; i++)
		assert_int_equal(
			control_submit(control, make_request("", &peers[i]), CONTROL_LIST), 0);
	request = make_request("", &peer);
	assert_int_equal(control_submit(control, request, CONTROL_LIST), -1);
	request_close(request);
	close(peer);
	WAIT_FOR(held);
	/* The end does not wait for a driver. */
	assert_int_equal(control_stop(control, 10 * NS_PER_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	pthread_mutex_unlock(&driver);
	assert_int_equal(control_stop(control, 20 * NS_PER_S), 0);
	control_destroy(control);
	control = NULL;
	for (int i = 0; i < CONTROL_MAX; i++) {
		assert_true(at_its_end(peers[i]));
		close(peers[i]);
	}
	control_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(release_latches_before_it_answers, begin, end),
		cmocka_unit_test_setup_teardown(controls_are_listed_and_set, begin, end),
		cmocka_unit_test_setup_teardown(results_come_in_order_and_once, begin, end),
		cmocka_unit_test_setup_teardown(
			a_held_driver_fills_the_queue_and_delays_nobody, begin, end),
	};

	FCGX_Init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
