/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_SETTINGS_H
#define CAPTURE_SETTINGS_H

#include "capture/controls.h"

#include <stddef.h>

/*
 * settings - the values of the camera's controls that are to come back
 * whenever it is opened.
 *
 * Presets come from the configuration; what is kept was set since, and beats
 * them, across restarts too if there is a state directory: there they are
 * lines NAME=VALUE in the file `controls`. Removing that file goes back to the
 * presets. May be read by any thread.
 */
#define SETTINGS_MAX 128

struct settings;

/*
 * presets: "NAME=VALUE" each. state_dir: NULL: nothing is kept across restarts; its
 * string must outlive the settings. A file that cannot be read or is damaged
 * is told in the log and otherwise as if it were not there. NULL and ENOMEM.
 */
struct settings *settings_create(
	const char *state_dir, const char *const *presets, size_t presets_count);
void settings_destroy(struct settings *settings);

/* All of them, presets first; returns how many. */
size_t settings_copy(struct settings *settings, struct control_wish wishes[SETTINGS_MAX]);

/*
 * Keeps these from now on, and waits until that is on the disk. By one thread
 * at a time. -1: it cannot be written; they are kept for as long as the program
 * runs, and the log has it, once until it can be written again.
 */
int settings_keep(struct settings *settings, const struct control_wish *wishes, size_t count);

#endif
