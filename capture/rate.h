/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_RATE_H
#define CAPTURE_RATE_H

#include <stdint.h>

/* rate - events per second, over windows of at least one second. Zero it to begin. */
struct rate {
	int64_t start_ns; /* of the window; 0: no event yet */
	int64_t last_ns;
	unsigned count;
	double per_s;
};

void rate_add(struct rate *rate, int64_t now_ns);

/* 0 once nothing has happened for two seconds, or for two intervals of a slower rate. */
double rate_per_s(const struct rate *rate, int64_t now_ns);

#endif
