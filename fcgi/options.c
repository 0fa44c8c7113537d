/* SPDX-License-Identifier: MIT */
#include "fcgi/options.h"

#include "capture/clock.h"
#include "capture/image.h"
#include "capture/source.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_PIXELS 16384

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

bool option_add_control(struct config *config, const char *value)
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

/* scheme://host[:port], as a browser writes it: no path, no blank. */
static bool is_origin(const char *text, size_t size)
{
	const char *separator = memmem(text, size, "://", 3);
	size_t host = separator ? (size_t)(separator + 3 - text) : size;

	return separator > text && host < size && !memchr(text, ' ', size) &&
	       !memchr(text + host, '/', size - host);
}

static bool set_allow_origin(struct config *config, const char *value)
{
	config->allow_origin = value;
	for (;;) {
		size_t entry = strcspn(value, ",");

		if (!is_origin(value, entry))
			return false;
		if (!value[entry])
			return true;
		value += entry + 1;
	}
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

const struct option_row option_rows[OPTIONS] = {
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
		"set a camera control; may be repeated", option_add_control},
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
