/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_query.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define CONTROLS_MAX 1024 /* a driver that never ends its list */
#define CHOICES_MAX 1024

static int call(int fd, unsigned long request, void *arg)
{
	int rc;

	do
		rc = ioctl(fd, request, arg);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static int get_or_set(int fd, unsigned long request, struct v4l2_ext_control *control)
{
	struct v4l2_ext_controls one = {
		.which = V4L2_CTRL_WHICH_CUR_VAL, .count = 1, .controls = control};

	return call(fd, request, &one);
}

int v4l2_query_set(int fd, const struct control_info *control, int64_t value)
{
	struct v4l2_ext_control one = {.id = control->id};

	if (control->type == CONTROL_TYPE_INT64)
		one.value64 = value;
	else
		one.value = (int32_t)value;
	return get_or_set(fd, VIDIOC_S_EXT_CTRLS, &one);
}

static void read_value(int fd, struct control_info *control)
{
	struct v4l2_ext_control one = {.id = control->id};

	control->has_value = get_or_set(fd, VIDIOC_G_EXT_CTRLS, &one) == 0;
	if (!control->has_value)
		return;
	if (control->type == CONTROL_TYPE_INT64)
		control->value = one.value64;
	else if (control->type == CONTROL_TYPE_BITMASK)
		control->value = (uint32_t)one.value;
	else
		control->value = one.value;
}

static bool type_of(const struct v4l2_query_ext_ctrl *query, enum control_type *type)
{
	static const struct {
		uint32_t v4l2;
		enum control_type ours;
	} types[] = {
		{V4L2_CTRL_TYPE_INTEGER, CONTROL_TYPE_INT},
		{V4L2_CTRL_TYPE_INTEGER64, CONTROL_TYPE_INT64},
		{V4L2_CTRL_TYPE_BOOLEAN, CONTROL_TYPE_BOOL},
		{V4L2_CTRL_TYPE_MENU, CONTROL_TYPE_MENU},
		{V4L2_CTRL_TYPE_INTEGER_MENU, CONTROL_TYPE_INTMENU},
		{V4L2_CTRL_TYPE_BUTTON, CONTROL_TYPE_BUTTON},
		{V4L2_CTRL_TYPE_BITMASK, CONTROL_TYPE_BITMASK},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].v4l2 == query->type) {
			*type = types[i].ours;
			return true;
		}
	}
	return false;
}

/* Drivers on the control framework flag their automatics; others have only the names. */
static bool governs(const struct v4l2_query_ext_ctrl *query)
{
	switch (query->id) {
	case V4L2_CID_AUTO_WHITE_BALANCE:
	case V4L2_CID_AUTOGAIN:
	case V4L2_CID_HUE_AUTO:
	case V4L2_CID_AUTOBRIGHTNESS:
	case V4L2_CID_EXPOSURE_AUTO:
	case V4L2_CID_EXPOSURE_AUTO_PRIORITY:
	case V4L2_CID_FOCUS_AUTO:
	case V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE:
	case V4L2_CID_ISO_SENSITIVITY_AUTO:
		return true;
	default:
		return query->flags & V4L2_CTRL_FLAG_UPDATE;
	}
}

/* Menus may have holes: those indices the driver does not know. */
static void read_menu(int fd, struct control_info *control)
{
	int64_t count = control->max - control->min + 1;

	if (control->min < 0 || count < 1 || count > CHOICES_MAX)
		return;
	control->menu = calloc((size_t)count, sizeof(*control->menu));
	for (int64_t i = control->min; control->menu && i <= control->max; i++) {
		struct v4l2_querymenu query = {.id = control->id, .index = (uint32_t)i};
		struct control_choice *choice = &control->menu[control->menu_size];

		if (call(fd, VIDIOC_QUERYMENU, &query) < 0)
			continue;
		choice->value = i;
		if (control->type == CONTROL_TYPE_INTMENU)
			snprintf(choice->label, sizeof(choice->label), "%" PRId64,
				(int64_t)query.value);
		else
			snprintf(choice->label, sizeof(choice->label), "%.31s", query.name);
		control->menu_size++;
	}
}

static void describe(int fd, struct control_info *control, const struct v4l2_query_ext_ctrl *query)
{
	control->id = query->id;
	snprintf(control->label, sizeof(control->label), "%.31s", query->name);
	control_name(control->label, control->name);
	control->min = query->minimum;
	control->max = query->maximum;
	control->step = (int64_t)query->step;
	control->preset = query->default_value;
	control->inactive = query->flags & V4L2_CTRL_FLAG_INACTIVE;
	control->read_only = query->flags & V4L2_CTRL_FLAG_READ_ONLY;
	control->governs = governs(query);
	if (control->type == CONTROL_TYPE_MENU || control->type == CONTROL_TYPE_INTMENU)
		read_menu(fd, control);
	if (control->type != CONTROL_TYPE_BUTTON && !(query->flags & V4L2_CTRL_FLAG_WRITE_ONLY))
		read_value(fd, control);
}

static bool is_ours(const struct v4l2_query_ext_ctrl *query, enum control_type *type)
{
	return !(query->flags & V4L2_CTRL_FLAG_DISABLED) && query->nr_of_dims == 0 &&
	       type_of(query, type);
}

static int append(struct controls *controls, const struct control_info *control)
{
	struct control_info *list = reallocarray(controls->list, controls->size + 1, sizeof(*list));

	if (!list)
		return -1;
	controls->list = list;
	list[controls->size++] = *control;
	return 0;
}

static int list_from(int fd, struct v4l2_query_ext_ctrl *query, struct controls *controls)
{
	while (controls->size < CONTROLS_MAX && call(fd, VIDIOC_QUERY_EXT_CTRL, query) == 0) {
		struct control_info control = {0};

		if (is_ours(query, &control.type)) {
			describe(fd, &control, query);
			if (append(controls, &control) < 0) {
				free(control.menu);
				return -1;
			}
		}
		query->id |= V4L2_CTRL_FLAG_NEXT_CTRL;
		errno = 0;
	}
	/* At the end it is EINVAL, and ENOTTY where there are no controls at all; a camera that
	 * fails to describe one of them still has the others. */
	return errno == ENODEV ? -1 : 0;
}

int v4l2_query_controls(int fd, struct controls *controls)
{
	struct v4l2_query_ext_ctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};

	*controls = (struct controls){0};
	if (list_from(fd, &query, controls) == 0)
		return 0;
	controls_free(controls);
	return -1;
}

bool v4l2_query_inactive(int fd, const struct control_info *control)
{
	struct v4l2_query_ext_ctrl query = {.id = control->id};

	return call(fd, VIDIOC_QUERY_EXT_CTRL, &query) == 0 &&
	       query.flags & V4L2_CTRL_FLAG_INACTIVE;
}
