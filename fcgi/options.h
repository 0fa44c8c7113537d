/* SPDX-License-Identifier: MIT */
#ifndef FCGI_OPTIONS_H
#define FCGI_OPTIONS_H

#include "fcgi/config.h"

/* options - the table of what can be configured: names, presets, and what each takes. */
struct option_row {
	const char *name;
	char letter; /* 0: none */
	const char *environment;
	const char *argument; /* NULL: takes none */
	const char *preset;   /* as text; NULL: none */
	const char *takes;    /* completes "…: give …" */
	const char *help;
	/* Stores value; false: it is none of those that it takes. NULL: the row is an action. */
	bool (*set)(struct config *config, const char *value);
};

/* The last four rows are the actions, in the order of enum config_action. */
#define OPTIONS_ACTIONS 4
#define OPTIONS 23
extern const struct option_row option_rows[OPTIONS];

/* --control and WEBCAM_CONTROLS add, where the others replace. */
bool option_add_control(struct config *config, const char *value);

#endif
