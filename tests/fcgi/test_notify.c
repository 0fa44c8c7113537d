/* SPDX-License-Identifier: MIT */
#include "fcgi/notify.h"

#include "capture/camera.h"
#include "tests/capture/support.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static char path[96];
static int manager; /* where systemd listens */

static int begin(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	snprintf(path, sizeof(path), "%s/notify", make_dir());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	close(manager);
	remove(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

/* sd_notify() waits until the message is there. */
static void assert_told(const char *expected)
{
	char text[512];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void assert_silence(void)
{
	char text[8];

	assert_int_equal(recv(manager, text, sizeof(text), 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static const struct camera_status live = {.state = CAMERA_LIVE,
	.info = {.device = "/dev/video0",
		.card = "HD Pro Webcam",
		.format = "MJPG",
		.width = 1280,
		.height = 720,
		.fps = 30}};
static const struct camera_status idle = {.state = CAMERA_IDLE};
static const struct camera_status lost = {
	.state = CAMERA_NO_DEVICE, .reason = "waiting for it to be plugged in"};

static void the_state_is_told_in_words_when_it_changes(void **state)
{
	struct notify notify;

	(void)state;
	notify_init(&notify);
	notify_ready(&notify);
	assert_told("READY=1");
	notify_tick(&notify, &live);
	assert_told("STATUS=Camera live: HD Pro Webcam, MJPG 1280x720 at 30 fps");
	notify_tick(&notify, &live);
	assert_silence();
	notify_tick(&notify, &idle);
	assert_told("STATUS=Camera idle: nobody watches");
	notify_tick(&notify, &lost);
	assert_told("STATUS=Camera no-device: waiting for it to be plugged in");
	notify_stopping(&notify);
	assert_told("STOPPING=1");
}

static void without_a_watchdog_nothing_wakes_the_threads(void **state)
{
	struct notify notify;
	int64_t now = clock_now_ns();

	(void)state;
	notify_init(&notify);
	assert_in_range(notify_tick(&notify, &idle), now + 1, now + 20 * NS_PER_S);
	assert_told("STATUS=Camera idle: nobody watches");
	assert_silence();
	assert_true(pulse_beat(&notify.camera, INT64_MAX) == INT64_MAX);
	assert_true(pulse_beat(&notify.server, 5) == 5);
	assert_true(pulse_beat(NULL, 7) == 7);
}

static void the_watchdog_is_fed_while_both_loops_turn(void **state)
{
	struct notify notify;
	int64_t now;

	(void)state;
	setenv("WATCHDOG_USEC", "40000000", 1);
	notify_init(&notify);
	now = clock_now_ns();
	assert_in_range(notify_tick(&notify, &idle), now, now + 11 * NS_PER_S);
	assert_told("STATUS=Camera idle: nobody watches");
	assert_told("WATCHDOG=1");

	notify.camera.beat_ns -= 21 * NS_PER_S;
	notify_tick(&notify, &idle);
	assert_silence();
	pulse_beat(&notify.camera, 0);
	notify_tick(&notify, &idle);
	assert_told("WATCHDOG=1");

	notify.server.beat_ns -= 21 * NS_PER_S;
	notify_tick(&notify, &idle);
	assert_silence();
	pulse_beat(&notify.server, 0);
	notify_tick(&notify, &idle);
	assert_told("WATCHDOG=1");
}

/* Four beats in the watchdog's time, however long there is nothing to do. */
static void a_beat_shortens_the_wait(void **state)
{
	struct notify notify;
	int64_t now;

	(void)state;
	setenv("WATCHDOG_USEC", "40000000", 1);
	notify_init(&notify);
	now = clock_now_ns();
	assert_in_range(
		pulse_beat(&notify.camera, INT64_MAX), now + 10 * NS_PER_S, now + 11 * NS_PER_S);
	assert_true(pulse_beat(&notify.camera, now + NS_PER_S) == now + NS_PER_S);
	assert_true(pulse_beat(&notify.camera, 0) == 0);
}

static void without_systemd_nothing_happens(void **state)
{
	struct notify notify;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "40000000", 1);
	notify_init(&notify);
	notify_ready(&notify);
	assert_true(notify_tick(&notify, &idle) == INT64_MAX);
	assert_true(pulse_beat(&notify.camera, INT64_MAX) == INT64_MAX);
	notify_stopping(&notify);
	assert_silence();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_state_is_told_in_words_when_it_changes, begin, end),
		cmocka_unit_test_setup_teardown(
			without_a_watchdog_nothing_wakes_the_threads, begin, end),
		cmocka_unit_test_setup_teardown(
			the_watchdog_is_fed_while_both_loops_turn, begin, end),
		cmocka_unit_test_setup_teardown(a_beat_shortens_the_wait, begin, end),
		cmocka_unit_test_setup_teardown(without_systemd_nothing_happens, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
