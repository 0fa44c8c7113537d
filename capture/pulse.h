/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_PULSE_H
#define CAPTURE_PULSE_H

#include "capture/clock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * pulse - shows that a thread's loop turns.
 *
 * The thread beats once a turn; anybody may look. Where pulses are handed
 * over, NULL is fine: nobody looks.
 */
struct pulse {
	int64_t interval_ns; /* the loop is to turn at least so often; INT64_MAX: nobody looks */
	_Atomic int64_t beat_ns; /* the newest beat, CLOCK_MONOTONIC */
};

/* Beats, and shortens the time that the thread means to wait: to before the next beat is due. */
static inline int64_t pulse_beat(struct pulse *pulse, int64_t deadline_ns)
{
	int64_t now;

	if (!pulse || pulse->interval_ns == INT64_MAX)
		return deadline_ns;
	now = clock_now_ns();
	atomic_store(&pulse->beat_ns, now);
	return deadline_ns - now > pulse->interval_ns ? now + pulse->interval_ns : deadline_ns;
}

#endif
