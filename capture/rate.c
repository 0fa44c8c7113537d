/* SPDX-License-Identifier: MIT */
#include "capture/rate.h"

#include "capture/clock.h"

#define WINDOW_NS NS_PER_S

void rate_add(struct rate *rate, int64_t now_ns)
{
	int64_t elapsed = now_ns - rate->start_ns;

	rate->last_ns = now_ns;
	if (rate->start_ns == 0) {
		rate->start_ns = now_ns;
		return;
	}
	rate->count++;
	if (elapsed >= WINDOW_NS) {
		rate->per_s = (double)rate->count * (double)NS_PER_S / (double)elapsed;
		rate->start_ns = now_ns;
		rate->count = 0;
	}
}

double rate_per_s(const struct rate *rate, int64_t now_ns)
{
	double silent_s = (double)(now_ns - rate->last_ns) / (double)NS_PER_S;
	double elapsed_s = (double)(rate->last_ns - rate->start_ns) / (double)NS_PER_S;

	if (rate->last_ns == 0 || (silent_s > 2 && silent_s * rate->per_s > 2) || silent_s > 30)
		return 0;
	if (rate->per_s == 0 && elapsed_s > 0) /* the first window is still open */
		return (double)rate->count / elapsed_s;
	return rate->per_s;
}
