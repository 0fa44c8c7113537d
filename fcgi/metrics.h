/* SPDX-License-Identifier: MIT */
#ifndef FCGI_METRICS_H
#define FCGI_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct camera_status;
struct viewers;

/* How often each route was answered with each status; every pair is there from the start. */
#define METRICS_CODES 10
#define METRICS_ROUTES_MAX 16

extern const int metrics_codes[METRICS_CODES];

struct metrics_requests {
	size_t routes;
	const char *names[METRICS_ROUTES_MAX];
	uint64_t counts[METRICS_ROUTES_MAX][METRICS_CODES];
};

void metrics_count(struct metrics_requests *requests, size_t route, int code);

/* metrics - the text of GET /metrics, Prometheus format 0.0.4. NULL: no memory. free() it. */
char *metrics_text(const struct camera_status *status, const struct viewers *viewers,
	const struct metrics_requests *requests, size_t *size);

#endif
