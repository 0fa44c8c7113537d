/* SPDX-License-Identifier: MIT */
#include "fcgi/config.h"

#include "capture/clock.h"
#include "capture/image.h"
#include "capture/source.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_PIXELS 16384

struct option_row {
	const char *name;
	char letter; /* 0: none */
	const char *environment;
	const char *argument; /* NULL: takes none */
	const char *preset;   /* as text; NULL: none */
	const char *takes;    /* completes "…: give …" */
	const char *help;
	/* true: value is one of those that it takes. NULL with argument NULL: an action. */
	bool (*set)(struct config *config, const char *value);
};

static bool parse_number(const char *text, double low, double high, double *number)
{
	char *end;

	errno = 0;
	*number = strtod(text, &end);
	/* strtod() also takes hexadecimal, infinity and blanks, which nobody means here */
	return *text && strspn(text, "0123456789.") == strlen(text) && !*end && !errno &&
	       *number >= low && *number <= high;
}

static bool parse_int(const char *text, long low, long high, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return *text && strspn(text, "0123456789") == strlen(text) && !errno && *number >= low &&
	       *number <= high;
}

static bool parse_seconds(const char *text, double low, double high, int64_t *ns)
{
	double seconds;

	if (!parse_number(text, low, high, &seconds))
		return false;
	*ns = (int64_t)(seconds * (double)NS_PER_S);
	return true;
}

static bool set_device(struct config *config, const char *value)
{
	char *list = strdup(value), *rest = list, *entry;
	bool good = list != NULL;

	while (good && (entry = strsep(&rest, ",")))
		good = *entry && source_for(entry);
	free(list);
	config->device = value;
	return good;
}

static bool set_resolution(struct config *config, const char *value)
{
	char width[8], height[8], rest;
	long w, h;

	if (sscanf(value, "%7[0-9]x%7[0-9]%c", width, height, &rest) != 2 ||
		!parse_int(width, 16, SIZE_MAX_PIXELS, &w) ||
		!parse_int(height, 16, SIZE_MAX_PIXELS, &h))
		return false;
	config->width = (unsigned)w;
	config->height = (unsigned)h;
	return true;
}

static bool set_fps(struct config *config, const char *value)
{
	return parse_number(value, 0.1, 240, &config->fps);
}

static bool set_format(struct config *config, const char *value)
{
	char code[4] = "    ";
	size_t n = strlen(value);

	config->fourcc = 0;
	if (strcmp(value, "auto") == 0)
		return true;
	if (n < 3 || n > 4)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (value[i] <= ' ' || value[i] > '~')
			return false;
		code[i] = value[i];
	}
	config->fourcc = FOURCC(code[0], code[1], code[2], code[3]);
	return true;
}

static bool set_quality(struct config *config, const char *value)
{
	long quality;

	if (!parse_int(value, 1, 100, &quality))
		return false;
	config->quality = (int)quality;
	return true;
}

static bool add_control(struct config *config, const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value || !equals[1] ||
		config->controls_count == CONFIG_CONTROLS_MAX)
		return false;
	config->controls[config->controls_count++] = value;
	return true;
}

static bool set_listen(struct config *config, const char *value)
{
	config->listen = value;
	return (strncmp(value, "unix:", 5) == 0 && value[5]) ||
	       (strncmp(value, "tcp:", 4) == 0 && strrchr(value, ':') > value + 4);
}

static bool set_socket_mode(struct config *config, const char *value)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	config->socket_mode = (mode_t)mode;
	return *value >= '0' && *value <= '7' && !*end && mode <= 0777;
}

static bool set_socket_group(struct config *config, const char *value)
{
	const struct group *group = getgrnam(value);
	long id;

	if (group)
		config->socket_group = group->gr_gid;
	else if (parse_int(value, 0, INT32_MAX, &id))
		config->socket_group = (gid_t)id;
	else
		return false;
	return true;
}

static bool set_max_viewers(struct config *config, const char *value)
{
	long viewers;

	if (!parse_int(value, 1, 100000, &viewers))
		return false;
	config->max_viewers = (unsigned)viewers;
	return true;
}

static bool set_viewer_timeout(struct config *config, const char *value)
{
	return parse_seconds(value, 1, 86400, &config->viewer_timeout_ns);
}

static bool set_max_inflight(struct config *config, const char *value)
{
	long megabytes;

	if (!parse_int(value, 1, 65536, &megabytes))
		return false;
	config->max_inflight = (size_t)megabytes << 20;
	return true;
}

static bool set_idle_release(struct config *config, const char *value)
{
	config->idle_release_ns = INT64_MAX;
	return strcmp(value, "never") == 0 ||
	       parse_seconds(value, 0, 1e9, &config->idle_release_ns);
}

static bool set_warmup(struct config *config, const char *value)
{
	return parse_seconds(value, 0, 5, &config->warmup_ns);
}

static bool set_state_dir(struct config *config, const char *value)
{
	config->state_dir = value;
	return *value != '\0';
}

static bool set_dev_dir(struct config *config, const char *value)
{
	config->dev_dir = value;
	return *value == '/';
}

static bool set_allow_origin(struct config *config, const char *value)
{
	config->allow_origin = value;
	for (const char *entry = value; entry;) {
		const char *comma = strchr(entry, ',');
		const char *host = strstr(entry, "://");

		if (!host || host == entry || (comma && host > comma) ||
			strcspn(host + 3, "/, ") != strcspn(host + 3, ",") ||
			strcspn(host + 3, ",") == 0)
			return false;
		entry = comma ? comma + 1 : NULL;
	}
	return true;
}

static bool set_instance_id(struct config *config, const char *value)
{
	config->instance_id = value;
	return true;
}

static bool set_log_level(struct config *config, const char *value)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (int i = 0; i < 4; i++) {
		if (strcmp(value, names[i]) == 0) {
			config->log_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static const struct option_row rows[] = {
	{"device", 'd', "WEBCAM_DEVICE", "DEVICE", "auto",
		"auto, a path such as /dev/video0, a number, pattern, file:PATH, or a list of them "
		"with commas",
		"camera, or a list tried in order", set_device},
	{"resolution", 'r', "WEBCAM_RESOLUTION", "WxH", "1280x720",
		"WIDTHxHEIGHT in pixels, 16x16 to 16384x16384", "or the nearest the camera offers",
		set_resolution},
	{"fps", 'f', "WEBCAM_FPS", "N", "30", "frames per second, 0.1 to 240", "frames per second",
		set_fps},
	{"format", 'm', "WEBCAM_FORMAT", "FORMAT", "auto",
		"auto or a pixel format such as MJPG or YUYV", "pixel format of the camera",
		set_format},
	{"quality", 'q', "WEBCAM_QUALITY", "1..100", "80", "a whole number from 1 to 100",
		"JPEG quality, where the camera gives pixels", set_quality},
	{"control", 0, "WEBCAM_CONTROLS", "NAME=VALUE", NULL,
		"NAME=VALUE with a name such as brightness (v4l2-ctl --list-ctrls)",
		"set a camera control; may be repeated", add_control},
	{"listen", 'l', "WEBCAM_LISTEN", "ADDRESS", NULL, "unix:PATH or tcp:HOST:PORT",
		"unix:PATH or tcp:HOST:PORT (an inherited socket, else\n"
		"                           unix:/run/webcam-fcgi/webcam.sock)",
		set_listen},
	{"socket-mode", 0, "WEBCAM_SOCKET_MODE", "MODE", "0660", "an octal mode such as 0660",
		"mode of the unix socket", set_socket_mode},
	{"socket-group", 0, "WEBCAM_SOCKET_GROUP", "GROUP", NULL, "the name or number of a group",
		"group of the unix socket", set_socket_group},
	{"max-viewers", 0, "WEBCAM_MAX_VIEWERS", "N", "100", "a whole number from 1 to 100000",
		"viewers at the same time", set_max_viewers},
	{"viewer-timeout", 0, "WEBCAM_VIEWER_TIMEOUT", "SECONDS", "30", "seconds, 1 to 86400",
		"in which one picture must be through", set_viewer_timeout},
	{"max-inflight", 0, "WEBCAM_MAX_INFLIGHT", "MB", "64", "megabytes, 1 to 65536",
		"memory for pictures of viewers in mid-frame", set_max_inflight},
	{"idle-release", 0, "WEBCAM_IDLE_RELEASE", "SECONDS", "75", "seconds, or never",
		"close the camera so long after the last viewer, or never", set_idle_release},
	{"warmup", 0, "WEBCAM_WARMUP", "SECONDS", "1.0", "seconds, 0 to 5",
		"for exposure to settle before a snapshot", set_warmup},
	{"state-dir", 0, "WEBCAM_STATE_DIR", "DIR", NULL, "a directory",
		"keep the off switch and controls there", set_state_dir},
	{"dev-dir", 0, "WEBCAM_DEV_DIR", "DIR", "/dev", "an absolute path such as /dev",
		"where devices are looked for", set_dev_dir},
	{"allow-origin", 0, "WEBCAM_ALLOW_ORIGIN", "ORIGIN", NULL,
		"origins such as https://example.org, with commas between them",
		"pages of other sites that may read and POST", set_allow_origin},
	{"instance-id", 0, "WEBCAM_INSTANCE_ID", "TEXT", "", "any text", "shown in /state",
		set_instance_id},
	{"log-level", 0, "WEBCAM_LOG_LEVEL", "LEVEL", "info", "error, warn, info or debug",
		"error, warn, info or debug", set_log_level},
	{"list", 0, NULL, NULL, NULL, NULL, "print cameras and what they offer, and exit", NULL},
	{"healthcheck", 0, NULL, NULL, NULL, NULL, "ask /healthz on the socket; exit 0 or 1", NULL},
	{"help", 'h', NULL, NULL, NULL, NULL, "print this, and exit", NULL},
	{"version", 'v', NULL, NULL, NULL, NULL, "print the version, and exit", NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define FIRST_ACTION (ROWS - 4) /* the rows of actions are in the order of enum config_action */

static int refuse(char *error, size_t size, const char *where, const char *value, const char *takes)
{
	snprintf(error, size, "%s: \"%s\" is not valid: give %s", where, value, takes);
	return -1;
}

/* WEBCAM_CONTROLS is a list; the pieces live as long as the program. */
static bool add_controls(struct config *config, const char *list)
{
	char *rest = strdup(list), *entry;

	while (rest && (entry = strsep(&rest, ","))) {
		if (!add_control(config, entry))
			return false;
	}
	return true;
}

static int load_environment(struct config *config, char *error, size_t size)
{
	for (size_t i = 0; i < FIRST_ACTION; i++) {
		const struct option_row *row = &rows[i];
		const char *value = getenv(row->environment);
		bool good;

		if (!value || !*value)
			continue;
		good = row->set == add_control ? add_controls(config, value)
					       : row->set(config, value);
		if (!good)
			return refuse(error, size, row->environment, value, row->takes);
	}
	return 0;
}

static void load_presets(struct config *config)
{
	/* systemd's StateDirectory= puts it there; an explicit setting beats it. */
	const char *state_dir = getenv("STATE_DIRECTORY");

	*config = (struct config){.socket_group = (gid_t)-1};
	if (state_dir && *state_dir)
		config->state_dir = state_dir;
	for (size_t i = 0; i < FIRST_ACTION; i++) {
		if (rows[i].preset)
			rows[i].set(config, rows[i].preset);
	}
}

static void fill_getopt(struct option *options, char *letters)
{
	*letters++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < ROWS; i++) {
		options[i] = (struct option){rows[i].name,
			rows[i].argument ? required_argument : no_argument, NULL, (int)i + 256};
		if (rows[i].letter) {
			*letters++ = rows[i].letter;
			if (rows[i].argument)
				*letters++ = ':';
		}
	}
	options[ROWS] = (struct option){0};
	*letters = '\0';
}

static const struct option_row *row_of(int code)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (code == (int)i + 256 || (code && code == rows[i].letter))
			return &rows[i];
	}
	return NULL;
}

static int complain(int code, char **argv, char *error, size_t size)
{
	const char *given = argv[optind - 1];
	const struct option_row *row = row_of(optopt);

	if (code == ':' && row)
		snprintf(error, size, "--%s needs a value: give %s", row->name, row->takes);
	else if (row && !row->argument)
		snprintf(error, size, "--%s takes no value", row->name);
	else if (optopt > 0 && optopt < 128)
		snprintf(error, size, "unknown option -%c; --help lists them all", optopt);
	else
		snprintf(error, size, "unknown option %s; --help lists them all", given);
	return -1;
}

static int load_command_line(struct config *config, int argc, char **argv, char *error, size_t size)
{
	struct option options[ROWS + 1];
	char letters[2 * ROWS + 2];
	bool replaced_controls = false;
	int code;

	fill_getopt(options, letters);
	opterr = 0;
	optind = 0;
	while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_row *row = row_of(code);
		char where[32];

		if (!row || code == '?' || code == ':')
			return complain(code, argv, error, size);
		if (!row->set) {
			config->action =
				(enum config_action)(CONFIG_LIST + (row - &rows[FIRST_ACTION]));
			continue;
		}
		if (row->set == add_control && !replaced_controls) {
			config->controls_count = 0;
			replaced_controls = true;
		}
		snprintf(where, sizeof(where), "--%s", row->name);
		if (!row->set(config, optarg))
			return refuse(error, size, where, optarg, row->takes);
	}
	if (optind < argc) {
		snprintf(error, size, "unknown argument \"%s\"; --help lists all options",
			argv[optind]);
		return -1;
	}
	return 0;
}

int config_load(struct config *config, int argc, char **argv, char *error, size_t size)
{
	load_presets(config);
	if (load_environment(config, error, size) < 0)
		return -1;
	return load_command_line(config, argc, argv, error, size);
}

void config_print_help(void)
{
	printf("Usage: webcam-fcgi [OPTION...]\n"
	       "Streams a camera to web pages, as a FastCGI worker behind nginx.\n\n");
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = &rows[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
			row->argument ? row->argument : "");
		if (row->letter)
			printf("  -%c, %-20s %s", row->letter, left, row->help);
		else
			printf("      %-20s %s", left, row->help);
		if (row->preset && *row->preset)
			printf(" (%s)", row->preset);
		printf("\n");
	}
	printf("\nEvery option but the last four can be given in the environment, as WEBCAM_DEVICE "
	       "for\n"
	       "--device; WEBCAM_CONTROLS is a list with commas. The command line wins.\n");
}
