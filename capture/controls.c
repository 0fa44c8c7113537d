/* SPDX-License-Identifier: MIT */
#include "capture/controls.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * uvcvideo had names of its own before Linux 5.16, which then took those of
 * the V4L2 framework.
 */
static const struct {
	const char *old, *new;
} renamed[] = {
	{"exposure_auto", "auto_exposure"},
	{"exposure_absolute", "exposure_time_absolute"},
	{"exposure_auto_priority", "exposure_dynamic_framerate"},
	{"white_balance_temperature_auto", "white_balance_automatic"},
	{"white_balance_component_auto", "white_balance_automatic"},
	{"white_balance_blue_component", "blue_balance"},
	{"white_balance_red_component", "red_balance"},
	{"focus_auto", "focus_automatic_continuous"},
	{"hue_auto", "hue_automatic"},
};

const char *control_type_name(enum control_type type)
{
	static const char *const names[CONTROL_TYPES] = {
		"int", "int64", "bool", "menu", "intmenu", "button", "bitmask"};

	return names[type];
}

void control_name(const char *label, char name[CONTROL_NAME_SIZE])
{
	size_t n = 0;
	bool gap = false;

	for (; *label && n + gap + 1 < CONTROL_NAME_SIZE; label++) {
		if (!isalnum((unsigned char)*label)) {
			gap = n > 0;
			continue;
		}
		if (gap)
			name[n++] = '_';
		gap = false;
		name[n++] = (char)tolower((unsigned char)*label);
	}
	name[n] = '\0';
}

static const char *new_name(const char *name)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		if (strcmp(name, renamed[i].old) == 0)
			return renamed[i].new;
	}
	return name;
}

bool control_same_name(const char *a, const char *b)
{
	return strcmp(new_name(a), new_name(b)) == 0;
}

void controls_free(struct controls *controls)
{
	for (size_t i = 0; i < controls->size; i++)
		free(controls->list[i].menu);
	free(controls->list);
	*controls = (struct controls){0};
}

struct control_info *controls_find(const struct controls *controls, const char *name)
{
	for (size_t i = 0; i < controls->size; i++) {
		if (strcmp(controls->list[i].name, name) == 0)
			return &controls->list[i];
	}
	for (size_t i = 0; i < controls->size; i++) {
		if (control_same_name(controls->list[i].name, name))
			return &controls->list[i];
	}
	return NULL;
}

static bool parse_integer(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;

	/* strtoll() also takes blanks and signs behind the sign, which nobody means here */
	if (!isxdigit((unsigned char)digits[hex ? 2 : 0]))
		return false;
	errno = 0;
	*value = strtoll(text, &end, hex ? 16 : 10);
	return !*end && !errno;
}

static bool on_menu(const struct control_info *control, int64_t value)
{
	for (size_t i = 0; i < control->menu_size; i++) {
		if (control->menu[i].value == value)
			return true;
	}
	return false;
}

static bool in_range(const struct control_info *control, int64_t value)
{
	if (value < control->min || value > control->max)
		return false;
	/* unsigned: the whole range of an int64 is more than an int64 holds */
	return control->step <= 1 ||
	       ((uint64_t)value - (uint64_t)control->min) % (uint64_t)control->step == 0;
}

static bool takes(const struct control_info *control, int64_t value)
{
	switch (control->type) {
	case CONTROL_TYPE_BOOL:
		return value == 0 || value == 1;
	case CONTROL_TYPE_MENU:
	case CONTROL_TYPE_INTMENU:
		return on_menu(control, value);
	case CONTROL_TYPE_BITMASK:
		return !(value & ~control->max);
	case CONTROL_TYPE_INT:
	case CONTROL_TYPE_INT64:
		return in_range(control, value);
	case CONTROL_TYPE_BUTTON:
		break;
	}
	return true;
}

static void describe_menu(const struct control_info *control, char *to, size_t size)
{
	size_t used = (size_t)snprintf(to, size, "one of");

	for (size_t i = 0; i < control->menu_size && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s %" PRId64 " (%s)",
			i ? "," : "", control->menu[i].value, control->menu[i].label);
}

static void describe(const struct control_info *control, char *to, size_t size)
{
	switch (control->type) {
	case CONTROL_TYPE_BOOL:
		snprintf(to, size, "0 or 1");
		break;
	case CONTROL_TYPE_MENU:
	case CONTROL_TYPE_INTMENU:
		describe_menu(control, to, size);
		break;
	case CONTROL_TYPE_BITMASK:
		snprintf(to, size, "bits of 0x%" PRIx64, (uint64_t)control->max);
		break;
	case CONTROL_TYPE_BUTTON:
		snprintf(to, size, "any number");
		break;
	case CONTROL_TYPE_INT:
	case CONTROL_TYPE_INT64:
		snprintf(to, size, "a whole number from %" PRId64 " to %" PRId64, control->min,
			control->max);
		if (control->step > 1)
			snprintf(to + strlen(to), size - strlen(to), " in steps of %" PRId64,
				control->step);
		break;
	}
}

int control_parse(const struct control_info *control, const char *text, int64_t *value, char *error,
	size_t size)
{
	char what[320];

	if (control->read_only) {
		snprintf(error, size, "%s: can be read only", control->name);
		return -1;
	}
	if (control->type == CONTROL_TYPE_BUTTON) {
		*value = 1;
		return 0;
	}
	if (parse_integer(text, value) && takes(control, *value))
		return 0;
	describe(control, what, sizeof(what));
	snprintf(error, size, "%s: \"%s\" is not valid: give %s", control->name, text, what);
	return -1;
}

static int refuse_unknown(
	const struct controls *controls, const char *name, char *error, size_t size)
{
	size_t used = (size_t)snprintf(error, size, "%s: there is no such control; ", name);

	if (controls->size == 0 && used < size)
		snprintf(error + used, size - used, "this camera has none");
	for (size_t i = 0; i < controls->size && used < size; i++)
		used += (size_t)snprintf(error + used, size - used, "%s%s", i ? ", " : "there are ",
			controls->list[i].name);
	return -1;
}

int controls_check(const struct controls *controls, const struct control_wish *wish,
	struct control_step *step, char *error, size_t size)
{
	step->control = controls_find(controls, wish->name);
	if (!step->control)
		return refuse_unknown(controls, wish->name, error, size);
	return control_parse(step->control, wish->value, &step->value, error, size);
}

void controls_order(struct control_step *steps, size_t count)
{
	size_t governing = 0;

	for (size_t i = 0; i < count; i++) {
		struct control_step step = steps[i];

		if (!step.control->governs)
			continue;
		memmove(&steps[governing + 1], &steps[governing], (i - governing) * sizeof(step));
		steps[governing++] = step;
	}
}
