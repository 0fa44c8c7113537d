/* SPDX-License-Identifier: MIT */
#ifndef FCGI_PANEL_H
#define FCGI_PANEL_H

struct camera;
struct settings;

/*
 * panel - what GET and POST /controls do.
 *
 * Asks the camera's device, which may take seconds, and remembers what it last
 * said. Belongs to the control thread.
 */
struct panel;

/* What it gets outlives it. NULL and ENOMEM. */
struct panel *panel_create(struct camera *camera, struct settings *settings);
void panel_destroy(struct panel *panel);

/*
 * Both return the status of the answer and make *body what goes with it, to be
 * freed: JSON with 200, else one line that says what is wrong. NULL: out of memory.
 */

/* 200: the controls as they are now, or as last known where the camera cannot be asked. */
int panel_list(struct panel *panel, char **body);

/*
 * form: name=value[&name=value…]. 200: set, kept, and read back. 400: an
 * unknown name or a bad value, nothing is set. 409: the driver refused one, those before it are put
 * back. 503: there is no camera that may be asked.
 */
int panel_set(struct panel *panel, const char *form, char **body);

#endif
