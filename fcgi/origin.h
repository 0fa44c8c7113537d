/* SPDX-License-Identifier: MIT */
#ifndef FCGI_ORIGIN_H
#define FCGI_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * origin - who may change the camera's state from a web page.
 *
 * A page of another site can send a form POST here without asking; the headers
 * that browsers add say where it came from. Pure.
 */
struct origin_facts {
	const char *origin;         /* the Origin header, or NULL */
	const char *sec_fetch_site; /* the Sec-Fetch-Site header, or NULL */
	const char *host;           /* the Host header, or NULL */
	const char *allowed;        /* --allow-origin: a list with commas, or NULL */
};

/* Whether origin is one of the list. */
bool origin_listed(const char *allowed, const char *origin);

/* Whether such a POST may pass; if not, why, in one line. */
bool origin_may_post(const struct origin_facts *facts, char *why, size_t size);

#endif
