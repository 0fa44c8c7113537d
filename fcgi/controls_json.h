/* SPDX-License-Identifier: MIT */
#ifndef FCGI_CONTROLS_JSON_H
#define FCGI_CONTROLS_JSON_H

struct controls;

/* The body of GET /controls: an array, [] if there are none. To be freed; NULL: out of memory. */
char *controls_json(const struct controls *controls);

#endif
