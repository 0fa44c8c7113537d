/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_CONTROLS_H
#define CAPTURE_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * controls - what a camera lets one set: its names, ranges, and what may be
 * set to what.
 *
 * Pure and plain data; v4l2_controls.h asks the device. Class headings,
 * strings and compound controls are not among them.
 */
enum control_type {
	CONTROL_TYPE_INT,
	CONTROL_TYPE_INT64,
	CONTROL_TYPE_BOOL,
	CONTROL_TYPE_MENU,
	CONTROL_TYPE_INTMENU,
	CONTROL_TYPE_BUTTON,
	CONTROL_TYPE_BITMASK, /* max: the bits that may be set */
};
#define CONTROL_TYPES 7

#define CONTROL_NAME_SIZE 32 /* as struct v4l2_query_ext_ctrl has it */

struct control_choice {
	int64_t value;
	char label[CONTROL_NAME_SIZE];
};

struct control_info {
	char name[CONTROL_NAME_SIZE];  /* as v4l2-ctl has it, such as "white_balance_automatic" */
	char label[CONTROL_NAME_SIZE]; /* the driver's own, such as "White Balance, Automatic" */
	enum control_type type;
	uint32_t id; /* V4L2_CID_… */
	int64_t min, max, step, preset, value;
	bool has_value; /* a button has none, nor has what cannot be read */
	bool inactive;  /* an automatic has it */
	bool read_only;
	bool governs; /* changing it changes others: an automatic, as a rule */
	struct control_choice *menu;
	size_t menu_size;
};

struct controls {
	struct control_info *list;
	size_t size;
};

/* One name=value as somebody gave it, not checked. */
struct control_wish {
	char name[64];
	char value[64];
};

/* One that has been checked. */
struct control_step {
	const struct control_info *control;
	int64_t value;
};

/* "int", "int64", "bool", "menu", "intmenu", "button", "bitmask". */
const char *control_type_name(enum control_type type);

/* v4l2-ctl's name for a label: lower case, runs of other characters than letters and digits are
 * one '_'. */
void control_name(const char *label, char name[CONTROL_NAME_SIZE]);

/* Whether two names mean the same control: equal, or its name in old kernels and in new ones. */
bool control_same_name(const char *a, const char *b);

void controls_free(struct controls *controls);

/* By its name or what other kernels call it; NULL: there is none. */
struct control_info *controls_find(const struct controls *controls, const char *name);

/*
 * The value that text means for the control: 0; or -1 and one line that names
 * the control and what it takes. A number is decimal, or hexadecimal behind 0x;
 * a button takes any.
 */
int control_parse(const struct control_info *control, const char *text, int64_t *value, char *error,
	size_t size);

/*
 * Checks a wish: 0 and the step, which points into controls; or -1 and one
 * line that says what is wrong with it and what there is instead.
 */
int controls_check(const struct controls *controls, const struct control_wish *wish,
	struct control_step *step, char *error, size_t size);

/* What governs others comes before them; else the order stays. */
void controls_order(struct control_step *steps, size_t count);

#endif
