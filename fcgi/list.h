/* SPDX-License-Identifier: MIT */
#ifndef FCGI_LIST_H
#define FCGI_LIST_H

#include <stdbool.h>

/*
 * list - a doubly linked ring through the members themselves.
 *
 * struct link is the first member of what is listed, so a cast leads back; a
 * ring of one is an empty list, or a member that is in none.
 */
struct link {
	struct link *next, *prev;
};

static inline void list_init(struct link *ring)
{
	ring->next = ring->prev = ring;
}

static inline bool list_empty(const struct link *ring)
{
	return ring->next == ring;
}

static inline void list_append(struct link *ring, struct link *link)
{
	link->prev = ring->prev;
	link->next = ring;
	ring->prev->next = link;
	ring->prev = link;
}

static inline void list_remove(struct link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
