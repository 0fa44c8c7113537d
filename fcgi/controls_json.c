/* SPDX-License-Identifier: MIT */
#include "fcgi/controls_json.h"

#include "capture/controls.h"

#include <jansson.h>

/* A driver's text may be in any encoding; JSON's is UTF-8. */
static json_t *text_json(const char *text)
{
	char ascii[CONTROL_NAME_SIZE];
	json_t *json = json_string(text);
	size_t n = 0;

	if (json)
		return json;
	for (; text[n] && n + 1 < sizeof(ascii); n++)
		ascii[n] = (text[n] & 0x80) ? '?' : text[n];
	ascii[n] = '\0';
	return json_string(ascii);
}

static json_t *menu_json(const struct control_info *control)
{
	json_t *menu = json_array();

	for (size_t i = 0; i < control->menu_size; i++)
		json_array_append_new(
			menu, json_pack("{s:I, s:o}", "value", (json_int_t)control->menu[i].value,
				      "label", text_json(control->menu[i].label)));
	return menu;
}

static json_t *flags_json(const struct control_info *control)
{
	json_t *flags = json_array();

	if (control->inactive)
		json_array_append_new(flags, json_string("inactive"));
	if (control->read_only)
		json_array_append_new(flags, json_string("read_only"));
	return flags;
}

static json_t *control_json(const struct control_info *control)
{
	json_t *value = control->has_value ? json_integer((json_int_t)control->value) : json_null();

	return json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "id", control->name,
		"label", text_json(control->label), "type", control_type_name(control->type), "min",
		(json_int_t)control->min, "max", (json_int_t)control->max, "step",
		(json_int_t)control->step, "default", (json_int_t)control->preset, "value", value,
		"menu", menu_json(control), "flags", flags_json(control));
}

char *controls_json(const struct controls *controls)
{
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < controls->size; i++)
		json_array_append_new(array, control_json(&controls->list[i]));
	text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return text;
}
