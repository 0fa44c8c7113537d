/* SPDX-License-Identifier: MIT */
#ifndef FCGI_STATE_H
#define FCGI_STATE_H

struct camera_status;
struct config;
struct viewers;

/* state - the JSON of GET /state: µStreamer's shape with our keys added. NULL: no memory. free()
 * it. */
char *state_json(
	const struct config *config, const struct camera_status *status, struct viewers *viewers);

#endif
