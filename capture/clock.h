/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_CLOCK_H
#define CAPTURE_CLOCK_H

#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* CLOCK_MONOTONIC in nanoseconds: for everything that is measured or waited for. */
int64_t clock_now_ns(void);

/* CLOCK_REALTIME in nanoseconds since 1970: only for what is shown. */
int64_t clock_wall_ns(void);

/* What poll(2) and epoll_wait(2) take to wait until then: rounded up, 0 if it is past, -1 for
 * INT64_MAX. */
int clock_timeout_ms(int64_t deadline_ns);

/*
 * clock_map - tells at which wall-clock time a monotonic moment was.
 *
 * The offset between the clocks is sampled once a second. A change below 50 ms
 * (NTP slewing, the jitter of sampling) is followed by 1 ms a second, so that
 * time stamps stay strictly increasing; a larger one (the clock was set) at
 * once, with a line in the log. Belongs to one thread; zero it to begin.
 */
struct clock_map {
	int64_t offset_ns;
	int64_t sampled_ns; /* monotonic; 0: never */
};

int64_t clock_map_wall_ns(struct clock_map *map, int64_t monotonic_ns);

/* The part of clock_map_wall_ns() that is arithmetic: one sample of both clocks. */
void clock_map_sample(struct clock_map *map, int64_t monotonic_ns, int64_t wall_ns);

#endif
