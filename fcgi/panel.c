/* SPDX-License-Identifier: MIT */
#include "fcgi/panel.h"

#include "capture/camera.h"
#include "capture/log.h"
#include "capture/settings.h"
#include "capture/v4l2_controls.h"
#include "capture/v4l2_fault.h"
#include "fcgi/controls_json.h"
#include "fcgi/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct panel {
	struct camera *camera;
	struct settings *settings;
	struct controls last; /* as the device last said */
};

struct wishes {
	struct control_wish list[V4L2_CONTROLS_WISHES];
	size_t size;
};

struct panel *panel_create(struct camera *camera, struct settings *settings)
{
	struct panel *panel = calloc(1, sizeof(*panel));

	if (panel)
		*panel = (struct panel){.camera = camera, .settings = settings};
	return panel;
}

void panel_destroy(struct panel *panel)
{
	if (!panel)
		return;
	controls_free(&panel->last);
	free(panel);
}

/* While it is busy the device is another program's, and so are its controls. */
static bool may_ask(const struct camera_status *status)
{
	switch (status->state) {
	case CAMERA_NO_DEVICE:
	case CAMERA_BUSY:
	case CAMERA_DENIED:
	case CAMERA_RELEASED:
		return false;
	default:
		return *status->info.device != '\0';
	}
}

static void note(struct panel *panel, const struct controls *controls)
{
	controls_free(&panel->last);
	panel->last = *controls;
}

static int answer_list(const struct panel *panel, char **body)
{
	*body = controls_json(&panel->last);
	return *body ? 200 : 503;
}

static int answer_line(int code, const char *line, char **body)
{
	*body = strdup(line);
	return *body ? code : 503;
}

int panel_list(struct panel *panel, char **body)
{
	struct camera_status status;
	struct controls controls;

	camera_status(panel->camera, &status);
	if (may_ask(&status) && v4l2_controls_has(status.info.device) &&
		v4l2_controls_list(status.info.device, &controls) == 0)
		note(panel, &controls);
	return answer_list(panel, body);
}

/* They come back in an answer and in the log, each of which is one line. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

static int read_form(const char *form, struct wishes *wishes, char *error, size_t size)
{
	struct query query = {form};
	struct control_wish wish;

	wishes->size = 0;
	while (query_next(&query, wish.name, sizeof(wish.name), wish.value, sizeof(wish.value))) {
		if (wishes->size == V4L2_CONTROLS_WISHES) {
			snprintf(error, size, "at most %d controls can be set at once",
				V4L2_CONTROLS_WISHES);
			return -1;
		}
		make_printable(wish.name);
		make_printable(wish.value);
		wishes->list[wishes->size++] = wish;
	}
	if (wishes->size)
		return 0;
	snprintf(error, size, "give name=value, such as brightness=128");
	return -1;
}

/* What is set comes back at every opening; a press of a button does not. */
static void keep(struct panel *panel, const struct wishes *wishes)
{
	struct wishes kept = {.size = 0};

	for (size_t i = 0; i < wishes->size; i++) {
		const struct control_wish *wish = &wishes->list[i];
		const struct control_info *control = controls_find(&panel->last, wish->name);

		log_debug("controls: %s=%s", wish->name, wish->value);
		if (!control || control->type == CONTROL_TYPE_BUTTON)
			continue;
		kept.list[kept.size] = *wish;
		strcpy(kept.list[kept.size++].name, control->name);
	}
	if (kept.size)
		settings_keep(panel->settings, kept.list, kept.size);
}

static int set_on_device(
	struct panel *panel, const char *device, const struct wishes *wishes, char **body)
{
	struct controls controls;
	struct fault fault;
	char error[400];
	enum v4l2_controls_outcome outcome = v4l2_controls_set(
		device, wishes->list, wishes->size, &controls, error, sizeof(error));

	if (outcome == V4L2_CONTROLS_GONE) {
		v4l2_fault(&fault, device, "open", errno);
		return answer_line(503, fault.reason, body);
	}
	note(panel, &controls);
	if (outcome != V4L2_CONTROLS_SET)
		return answer_line(outcome == V4L2_CONTROLS_BAD ? 400 : 409, error, body);
	keep(panel, wishes);
	return answer_list(panel, body);
}

static int refuse_all(const struct wishes *wishes, char **body)
{
	char line[160];

	snprintf(line, sizeof(line), "%s: there is no such control; this source has none",
		wishes->list[0].name);
	return answer_line(400, line, body);
}

int panel_set(struct panel *panel, const char *form, char **body)
{
	struct camera_status status;
	struct wishes wishes;
	char error[128];

	if (read_form(form, &wishes, error, sizeof(error)) < 0)
		return answer_line(400, error, body);
	camera_status(panel->camera, &status);
	if (!may_ask(&status))
		return answer_line(
			503, *status.reason ? status.reason : "the camera is not known yet", body);
	if (!v4l2_controls_has(status.info.device))
		return refuse_all(&wishes, body);
	return set_on_device(panel, status.info.device, &wishes, body);
}
