/* SPDX-License-Identifier: MIT */
#include "capture/lineup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *device; /* in lineup.list */
	const struct source_ops *ops;
	struct source_info info; /* of the camera that it gave, or that a probe saw */
	bool known;              /* it gave one: from then on only that one */
	bool seen;               /* a probe saw one: the next probe need not open anything */
};

struct lineup {
	struct source_options wish;
	char *list; /* the entries, each ended by '\0' */
	size_t size;
	struct entry entries[];
};

static size_t count_entries(const char *list)
{
	size_t n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static int split(struct lineup *lineup, const struct source_ops *(*find)(const char *device))
{
	char *rest = lineup->list;
	char *device;

	while ((device = strsep(&rest, ","))) {
		struct entry *entry = &lineup->entries[lineup->size++];

		entry->device = device;
		entry->ops = *device ? find(device) : NULL;
		if (!entry->ops) {
			errno = EINVAL;
			return -1;
		}
	}
	return 0;
}

struct lineup *lineup_create(
	const struct source_options *wish, const struct source_ops *(*find)(const char *device))
{
	struct lineup *lineup =
		calloc(1, sizeof(*lineup) + count_entries(wish->device) * sizeof(struct entry));

	if (!lineup)
		return NULL;
	lineup->wish = *wish;
	lineup->list = strdup(wish->device);
	if (!lineup->list || split(lineup, find) < 0) {
		lineup_destroy(lineup);
		return NULL;
	}
	return lineup;
}

void lineup_destroy(struct lineup *lineup)
{
	if (!lineup)
		return;
	free(lineup->list);
	free(lineup);
}

size_t lineup_size(const struct lineup *lineup)
{
	return lineup->size;
}

static struct source_options options_for(const struct lineup *lineup, const struct entry *entry)
{
	struct source_options options = lineup->wish;

	options.device = entry->device;
	options.known = entry->known ? &entry->info : NULL;
	return options;
}

/* A camera that is there but refuses says more than one that is not. */
static void keep_more_telling(struct fault *fault, const struct fault *other, bool first)
{
	if (first || (fault->state == CAMERA_NO_DEVICE && other->state != CAMERA_NO_DEVICE))
		*fault = *other;
}

struct source *lineup_open(struct lineup *lineup, size_t limit, size_t *place, struct fault *fault)
{
	for (size_t i = 0; i < limit && i < lineup->size; i++) {
		struct entry *entry = &lineup->entries[i];
		struct source_options options = options_for(lineup, entry);
		struct fault refusal;
		struct source *source = entry->ops->open(&options, &refusal);

		if (source) {
			entry->info = source->info;
			entry->known = true;
			entry->seen = false;
			*place = i;
			return source;
		}
		keep_more_telling(fault, &refusal, i == 0);
	}
	return NULL;
}

/* Without opening a node, if that camera is still where it was seen; else by a search. */
static int probe(
	struct lineup *lineup, struct entry *entry, struct source_info *info, struct fault *fault)
{
	struct source_options options = options_for(lineup, entry);

	if (entry->seen) {
		options.known = &entry->info;
		if (entry->ops->probe(&options, info, fault) == 0)
			return 0;
		entry->seen = false;
		options.known = NULL;
	}
	if (entry->ops->probe(&options, info, fault) < 0)
		return -1;
	if (!entry->known) {
		entry->info = *info;
		entry->seen = true;
	}
	return 0;
}

int lineup_probe(struct lineup *lineup, struct source_info *info, struct fault *fault)
{
	for (size_t i = 0; i < lineup->size; i++) {
		struct fault refusal;

		if (probe(lineup, &lineup->entries[i], info, &refusal) == 0)
			return (int)i;
		keep_more_telling(fault, &refusal, i == 0);
	}
	return -1;
}

bool lineup_stands_in(const struct lineup *lineup, size_t place)
{
	return place > 0 && place == lineup->size - 1 &&
	       strcmp(lineup->entries[place].ops->name, "pattern") == 0;
}
