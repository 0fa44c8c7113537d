/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_LINEUP_H
#define CAPTURE_LINEUP_H

#include "capture/source.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * lineup - the --device list: the sources that are tried, in order.
 *
 * It remembers which camera each entry gave, so that `auto` stays with it.
 * Belongs to one thread.
 */
struct lineup;

/*
 * wish: what to ask of whichever source is opened; its device is a list with
 * commas between the entries. Its strings must outlive the lineup.
 * find: which source serves an entry. NULL and EINVAL (an entry that no source
 * serves, an empty entry) or ENOMEM.
 */
struct lineup *lineup_create(
	const struct source_options *wish, const struct source_ops *(*find)(const char *device));
void lineup_destroy(struct lineup *lineup);

size_t lineup_size(const struct lineup *lineup);

/*
 * Opens the first of the first `limit` entries that can be opened and tells
 * its place. NULL and the fault if none can. With *place > 0 the fault says
 * why an earlier one could not.
 */
struct source *lineup_open(struct lineup *lineup, size_t limit, size_t *place, struct fault *fault);

/* Looks for the cameras as source_ops.probe does. The place of the first found, or -1; as above. */
int lineup_probe(struct lineup *lineup, struct source_info *info, struct fault *fault);

/* Whether the entry at place is a test pattern that stands in for the cameras before it. */
bool lineup_stands_in(const struct lineup *lineup, size_t place);

#endif
