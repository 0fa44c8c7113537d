/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_controls.h"

#include "capture/log.h"
#include "capture/v4l2_query.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool v4l2_controls_has(const char *device)
{
	return *device == '/';
}

/* Opens the node and asks for its controls: a descriptor, or -1 and errno. */
static int open_node(const char *path, struct controls *controls)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0 || v4l2_query_controls(fd, controls) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int v4l2_controls_list(const char *path, struct controls *controls)
{
	int fd = open_node(path, controls);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void put_back(int fd, const struct control_step *steps, size_t count)
{
	while (count--) {
		const struct control_info *control = steps[count].control;

		if (control->has_value && v4l2_query_set(fd, control, control->value) < 0)
			log_warn("controls: %s does not go back to %" PRId64 ": %s", control->name,
				control->value, strerror(errno));
	}
}

static enum v4l2_controls_outcome set_all(
	int fd, const struct control_step *steps, size_t count, char *error, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		const struct control_info *control = steps[i].control;

		if (v4l2_query_set(fd, control, steps[i].value) == 0)
			continue;
		if (errno == ENODEV)
			return V4L2_CONTROLS_GONE;
		snprintf(error, size, "%s: the camera refuses %" PRId64 " now: %s%s", control->name,
			steps[i].value, strerror(errno),
			control->inactive ? "; an automatic may have it" : "");
		put_back(fd, steps, i);
		return V4L2_CONTROLS_REFUSED;
	}
	return V4L2_CONTROLS_SET;
}

static int check_all(const struct controls *controls, const struct control_wish *wishes,
	size_t count, struct control_step *steps, char *error, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		if (controls_check(controls, &wishes[i], &steps[i], error, size) < 0)
			return -1;
	}
	controls_order(steps, count);
	return 0;
}

static void replace(struct controls *controls, const struct controls *newer)
{
	controls_free(controls);
	*controls = *newer;
}

enum v4l2_controls_outcome v4l2_controls_set(const char *path, const struct control_wish *wishes,
	size_t count, struct controls *controls, char *error, size_t size)
{
	struct control_step steps[V4L2_CONTROLS_WISHES];
	enum v4l2_controls_outcome outcome = V4L2_CONTROLS_BAD;
	struct controls after;
	int fd = open_node(path, controls);

	if (fd < 0)
		return V4L2_CONTROLS_GONE;
	if (check_all(controls, wishes, count, steps, error, size) == 0)
		outcome = set_all(fd, steps, count, error, size);
	if (outcome == V4L2_CONTROLS_GONE)
		controls_free(controls);
	else if (v4l2_query_controls(fd, &after) == 0)
		replace(controls, &after);
	close(fd);
	errno = outcome == V4L2_CONTROLS_GONE ? ENODEV : 0;
	return outcome;
}

static void reapply(int fd, const struct control_step *step)
{
	if (step->control->type == CONTROL_TYPE_BUTTON)
		log_warn("controls: %s: a button is not pressed at every start",
			step->control->name);
	else if (!v4l2_query_inactive(fd, step->control) &&
		 v4l2_query_set(fd, step->control, step->value) < 0)
		log_warn("controls: %s: the camera refuses %" PRId64 ": %s", step->control->name,
			step->value, strerror(errno));
}

void v4l2_controls_reapply(const char *path, const struct control_wish *wishes, size_t count)
{
	struct control_step steps[V4L2_CONTROLS_WISHES];
	struct controls controls;
	size_t good = 0;
	char error[512];
	int fd = count ? open_node(path, &controls) : -1;

	if (fd < 0) {
		if (count)
			log_warn("controls: %s: %s", path, strerror(errno));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (controls_check(&controls, &wishes[i], &steps[good], error, sizeof(error)) == 0)
			good++;
		else
			log_warn("controls: %s", error);
	}
	controls_order(steps, good);
	for (size_t i = 0; i < good; i++)
		reapply(fd, &steps[i]);
	controls_free(&controls);
	close(fd);
}
