/* SPDX-License-Identifier: MIT */
#ifndef FCGI_QUERY_H
#define FCGI_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * query - the parameters of a query string or a form body, a=1&b=two%20words.
 *
 * Pure; safe for any bytes. A parameter without '=' has no value and is skipped:
 * cache-busters such as &1608856928650 are nobody's business.
 */
struct query {
	const char *rest; /* begin with the string; advanced by query_next() */
};

/*
 * The next parameter that has a name and a value, decoded (%XX and '+'), each
 * cut to what fits with its '\0'; an encoded NUL ends it. false: there is none.
 */
bool query_next(struct query *query, char *name, size_t name_size, char *value, size_t value_size);

/* The last value of a parameter; false: it has none. text may be NULL. */
bool query_get(const char *text, const char *name, char *value, size_t size);

#endif
