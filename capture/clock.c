/* SPDX-License-Identifier: MIT */
#include "capture/clock.h"

#include "capture/log.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

#define STEP_NS (50 * NS_PER_MS)
#define SLEW_NS_PER_S NS_PER_MS

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int clock_timeout_ms(int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_now_ns();

	if (deadline_ns == INT64_MAX)
		return -1;
	if (left <= 0)
		return 0;
	return left / NS_PER_MS < INT_MAX ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : INT_MAX;
}

static int64_t clamp(int64_t value, int64_t limit)
{
	return value > limit ? limit : value < -limit ? -limit : value;
}

void clock_map_sample(struct clock_map *map, int64_t monotonic_ns, int64_t wall_ns)
{
	int64_t change = wall_ns - monotonic_ns - map->offset_ns;

	if (map->sampled_ns && llabs(change) > STEP_NS)
		log_warn("clock: the wall clock was set by %+.3f s",
			(double)change / (double)NS_PER_S);
	else if (map->sampled_ns)
		change = clamp(change, SLEW_NS_PER_S);
	map->offset_ns += change;
	map->sampled_ns = monotonic_ns;
}

int64_t clock_map_wall_ns(struct clock_map *map, int64_t monotonic_ns)
{
	int64_t now = clock_now_ns();

	if (!map->sampled_ns || now - map->sampled_ns >= NS_PER_S)
		clock_map_sample(map, now, clock_wall_ns());
	return monotonic_ns + map->offset_ns;
}
