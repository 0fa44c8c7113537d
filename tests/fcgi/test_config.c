/* SPDX-License-Identifier: MIT */
#include "fcgi/config.h"

#include "tests/capture/support.h"

static struct config config; /* static: what WEBCAM_CONTROLS was cut into stays reachable */
static char error[300];

static const char *const environment[] = {"WEBCAM_DEVICE", "WEBCAM_RESOLUTION", "WEBCAM_FPS",
	"WEBCAM_FORMAT", "WEBCAM_QUALITY", "WEBCAM_CONTROLS", "WEBCAM_LISTEN", "WEBCAM_SOCKET_MODE",
	"WEBCAM_SOCKET_GROUP", "WEBCAM_MAX_VIEWERS", "WEBCAM_VIEWER_TIMEOUT", "WEBCAM_MAX_INFLIGHT",
	"WEBCAM_IDLE_RELEASE", "WEBCAM_WARMUP", "WEBCAM_STATE_DIR", "STATE_DIRECTORY",
	"WEBCAM_DEV_DIR", "WEBCAM_ALLOW_ORIGIN", "WEBCAM_INSTANCE_ID", "WEBCAM_LOG_LEVEL"};

static int clear(void **state)
{
	(void)state;
	config_finish(&config);
	for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++)
		unsetenv(environment[i]);
	return 0;
}

/* Words up to a NULL. */
static int load(const char *const words[])
{
	static char *argv[64];
	int argc = 0;

	argv[argc++] = "webcam-fcgi";
	while (*words)
		argv[argc++] = (char *)(uintptr_t)*words++;
	argv[argc] = NULL;
	error[0] = '\0';
	config_finish(&config);
	return config_load(&config, argc, argv, error, sizeof(error));
}
#define LOAD(...) load((const char *const[]){__VA_ARGS__})

static void defaults_are_those_of_the_contract(void **state)
{
	(void)state;
	assert_int_equal(LOAD(NULL), 0);
	assert_int_equal(config.action, CONFIG_SERVE);
	assert_string_equal(config.device, "auto");
	assert_int_equal(config.width, 1280);
	assert_int_equal(config.height, 720);
	assert_float_equal(config.fps, 30, 0);
	assert_int_equal(config.fourcc, 0);
	assert_int_equal(config.quality, 80);
	assert_int_equal(config.controls_count, 0);
	assert_null(config.listen);
	assert_int_equal(config.socket_mode, 0660);
	assert_int_equal(config.socket_group, (gid_t)-1);
	assert_int_equal(config.max_viewers, 100);
	assert_int_equal(config.viewer_timeout_ns, 30 * NS_PER_S);
	assert_int_equal(config.max_inflight, 64 << 20);
	assert_int_equal(config.idle_release_ns, 75 * NS_PER_S);
	assert_int_equal(config.warmup_ns, NS_PER_S);
	assert_null(config.state_dir);
	assert_string_equal(config.dev_dir, "/dev");
	assert_null(config.allow_origin);
	assert_string_equal(config.instance_id, "");
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
}

/* Values that each option takes and that it does not. */
static const struct row {
	const char *option, *variable;
	const char *good[8], *bad[10];
} rows[] = {
	{"--device", "WEBCAM_DEVICE",
		{"auto", "/dev/video0", "0", "pattern", "file:x.mjpeg", "auto,pattern", "/dev/v,1"},
		{"none", "auto,", ",auto", "auto,,pattern", "-1", "camera"}},
	{"--resolution", "WEBCAM_RESOLUTION", {"16x16", "1280x720", "16384x16384"},
		{"15x16", "16x15", "16385x16", "1280", "x720", "1280x", "1280X720", "1280x720p",
			"-1x720", "99999999x1"}},
	{"--fps", "WEBCAM_FPS", {"0.1", "30", "29.97", "240"},
		{"0", "0.09", "240.1", "-1", "30fps", "nan", "inf", "0x10", "1e1", " 30"}},
	{"--format", "WEBCAM_FORMAT", {"auto", "MJPG", "YUYV", "GREY", "RGB"},
		{"MJ", "MJPEG", "YU V", "\x01GPJ"}},
	{"--quality", "WEBCAM_QUALITY", {"1", "80", "100"},
		{"0", "101", "-5", "8.5", "eighty", "80%", "99999999999999999999"}},
	{"--control", "WEBCAM_CONTROLS", {"brightness=5", "a=b=c", "power_line_frequency=-1"},
		{"brightness", "=5", "brightness="}},
	{"--listen", "WEBCAM_LISTEN", {"unix:/tmp/x", "tcp:127.0.0.1:9000", "tcp:[::1]:9000"},
		{"unix:", "tcp:", "tcp:9000", "/tmp/x", "http://x"}},
	{"--socket-mode", "WEBCAM_SOCKET_MODE", {"0660", "666", "0", "777"},
		{"1000", "8", "rw", "-1", "0660x", "7777777777777777777777777"}},
	{"--socket-group", "WEBCAM_SOCKET_GROUP", {"root", "0", "33"},
		{"no-such-group-here", "-1", "99999999999"}},
	{"--max-viewers", "WEBCAM_MAX_VIEWERS", {"1", "100", "100000"},
		{"0", "100001", "-1", "1.5", "many"}},
	{"--viewer-timeout", "WEBCAM_VIEWER_TIMEOUT", {"1", "2.5", "86400"},
		{"0", "0.9", "86401", "-3", "never"}},
	{"--max-inflight", "WEBCAM_MAX_INFLIGHT", {"1", "65536"}, {"0", "65537", "1.5", "64MB"}},
	{"--idle-release", "WEBCAM_IDLE_RELEASE", {"0", "75", "0.5", "never", "1000000000"},
		{"-1", "Never", "1000000001", "75s"}},
	{"--warmup", "WEBCAM_WARMUP", {"0", "0.5", "5"}, {"5.1", "-1", "never"}},
	{"--dev-dir", "WEBCAM_DEV_DIR", {"/dev", "/"}, {"dev"}},
	{"--state-dir", "WEBCAM_STATE_DIR", {"/var/lib/x", "relative"}, {NULL}},
	{"--instance-id", "WEBCAM_INSTANCE_ID", {"front", "any text, really"}, {NULL}},
	{"--allow-origin", "WEBCAM_ALLOW_ORIGIN",
		{"https://a.example", "http://a:8080", "https://a,http://b", "null-app://x"},
		{"a.example", "https://", "https://a/", "https://a/path", "https://a,",
			",https://a", "://a", "https://a,b"}},
	{"--log-level", "WEBCAM_LOG_LEVEL", {"error", "warn", "info", "debug"},
		{"warning", "INFO", "3"}},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void expect_error_naming(const char *where, const char *value)
{
	if (!strstr(error, where) || !strstr(error, value) || !strstr(error, "give "))
		fail_msg("%s %s: \"%s\"", where, value, error);
	assert_null(strchr(error, '\n'));
}

static void each_option_takes_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (const char *const *good = rows[i].good; *good; good++) {
			if (LOAD(rows[i].option, *good, NULL) != 0)
				fail_msg("%s %s: %s", rows[i].option, *good, error);
		}
		for (const char *const *bad = rows[i].bad; *bad; bad++) {
			if (LOAD(rows[i].option, *bad, NULL) != -1)
				fail_msg("%s %s was taken", rows[i].option, *bad);
			expect_error_naming(rows[i].option, *bad);
		}
	}
}

static void each_variable_takes_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		for (const char *const *good = rows[i].good; *good; good++) {
			setenv(rows[i].variable, *good, 1);
			if (LOAD(NULL) != 0)
				fail_msg("%s=%s: %s", rows[i].variable, *good, error);
		}
		for (const char *const *bad = rows[i].bad; *bad; bad++) {
			setenv(rows[i].variable, *bad, 1);
			if (LOAD(NULL) != -1)
				fail_msg("%s=%s was taken", rows[i].variable, *bad);
			expect_error_naming(rows[i].variable, *bad);
		}
		setenv(rows[i].variable, "", 1); /* empty is not set */
		assert_int_equal(LOAD(NULL), 0);
		unsetenv(rows[i].variable);
	}
}

static void values_arrive(void **state)
{
	(void)state;
	assert_int_equal(LOAD("-d", "pattern", "-r", "640x480", "-f", "0.1", "-m", "YUYV", "-q",
				 "1", "-l", "tcp:127.0.0.1:9000", "--socket-mode=600",
				 "--socket-group=0", "--max-viewers=7", "--viewer-timeout=1.5",
				 "--max-inflight=2", "--idle-release=never", "--warmup=0.25",
				 "--state-dir=/s", "--dev-dir=/d", "--allow-origin=https://a",
				 "--instance-id=front", "--log-level=debug", NULL),
		0);
	assert_string_equal(config.device, "pattern");
	assert_int_equal(config.width, 640);
	assert_int_equal(config.height, 480);
	assert_float_equal(config.fps, 0.1, 1e-9);
	assert_memory_equal(&config.fourcc, "YUYV", 4);
	assert_int_equal(config.quality, 1);
	assert_string_equal(config.listen, "tcp:127.0.0.1:9000");
	assert_int_equal(config.socket_mode, 0600);
	assert_int_equal(config.socket_group, 0);
	assert_int_equal(config.max_viewers, 7);
	assert_int_equal(config.viewer_timeout_ns, 1500 * NS_PER_MS);
	assert_int_equal(config.max_inflight, 2 << 20);
	assert_int_equal(config.idle_release_ns, INT64_MAX);
	assert_int_equal(config.warmup_ns, 250 * NS_PER_MS);
	assert_string_equal(config.state_dir, "/s");
	assert_string_equal(config.dev_dir, "/d");
	assert_string_equal(config.allow_origin, "https://a");
	assert_string_equal(config.instance_id, "front");
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
}

static void the_command_line_beats_the_environment(void **state)
{
	(void)state;
	setenv("WEBCAM_FPS", "10", 1);
	setenv("WEBCAM_CONTROLS", "a=1,b=2", 1);
	setenv("WEBCAM_IDLE_RELEASE", "never", 1);
	assert_int_equal(LOAD(NULL), 0);
	assert_float_equal(config.fps, 10, 0);
	assert_int_equal(config.controls_count, 2);
	assert_string_equal(config.controls[0], "a=1");
	assert_string_equal(config.controls[1], "b=2");
	assert_int_equal(LOAD("--fps", "5", "--idle-release", "3", NULL), 0);
	assert_float_equal(config.fps, 5, 0);
	assert_int_equal(config.controls_count, 2);
	assert_int_equal(config.idle_release_ns, 3 * NS_PER_S);
	assert_int_equal(LOAD("--control", "c=3", "--control", "d=4", NULL), 0);
	assert_int_equal(config.controls_count, 2);
	assert_string_equal(config.controls[0], "c=3");
	assert_string_equal(config.controls[1], "d=4");
}

static void systemds_state_directory_comes_last(void **state)
{
	(void)state;
	setenv("STATE_DIRECTORY", "/var/lib/one", 1);
	assert_int_equal(LOAD(NULL), 0);
	assert_string_equal(config.state_dir, "/var/lib/one");
	setenv("WEBCAM_STATE_DIR", "/var/lib/two", 1);
	assert_int_equal(LOAD(NULL), 0);
	assert_string_equal(config.state_dir, "/var/lib/two");
	assert_int_equal(LOAD("--state-dir", "/var/lib/three", NULL), 0);
	assert_string_equal(config.state_dir, "/var/lib/three");
}

static void too_many_controls_are_refused(void **state)
{
	static char control[] = "a=1";
	static char *argv[2 * CONFIG_CONTROLS_MAX + 4] = {"webcam-fcgi"};
	int argc = 1;

	(void)state;
	for (int i = 0; i <= CONFIG_CONTROLS_MAX; i++) {
		config_finish(&config);
		assert_int_equal(config_load(&config, argc, argv, error, sizeof(error)), 0);
		argv[argc++] = "--control";
		argv[argc++] = control;
	}
	assert_int_equal(config_load(&config, argc, argv, error, sizeof(error)), -1);
}

static void actions_are_told(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--list", NULL), 0);
	assert_int_equal(config.action, CONFIG_LIST);
	assert_int_equal(LOAD("--healthcheck", NULL), 0);
	assert_int_equal(config.action, CONFIG_HEALTHCHECK);
	assert_int_equal(LOAD("-h", NULL), 0);
	assert_int_equal(config.action, CONFIG_HELP);
	assert_int_equal(LOAD("--version", NULL), 0);
	assert_int_equal(config.action, CONFIG_VERSION);
}

static void expect_refusal(const char *word)
{
	if (!strstr(error, word))
		fail_msg("\"%s\" does not name %s", error, word);
}

static void what_is_unknown_is_named(void **state)
{
	(void)state;
	assert_int_equal(LOAD("--frames", "5", NULL), -1);
	expect_refusal("--frames");
	assert_int_equal(LOAD("-x", NULL), -1);
	expect_refusal("-x");
	assert_int_equal(LOAD("pattern", NULL), -1);
	expect_refusal("pattern");
	assert_int_equal(LOAD("--fps", NULL), -1);
	expect_refusal("--fps");
	expect_refusal("0.1 to 240");
	assert_int_equal(LOAD("-d", NULL), -1);
	expect_refusal("--device");
	assert_int_equal(LOAD("--list=5", NULL), -1);
	expect_refusal("--list");
}

static void help_names_every_option(void **state)
{
	static char text[1 << 14];
	int saved = dup(STDOUT_FILENO), fd;
	char path[] = "/tmp/webcam-help-XXXXXX";
	ssize_t n;

	(void)state;
	fd = mkstemp(path);
	unlink(path);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	config_print_help();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(saved);
	close(fd);
	assert_true(n > 0);
	for (size_t i = 0; i < ROWS; i++)
		assert_non_null(strstr(text, rows[i].option));
	assert_non_null(strstr(text, "--healthcheck"));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 110);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clear, clear)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_contract),
		TEST(each_option_takes_what_it_says),
		TEST(each_variable_takes_the_same),
		TEST(values_arrive),
		TEST(the_command_line_beats_the_environment),
		TEST(systemds_state_directory_comes_last),
		TEST(too_many_controls_are_refused),
		TEST(actions_are_told),
		TEST(what_is_unknown_is_named),
		TEST(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
