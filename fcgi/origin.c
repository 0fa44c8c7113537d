/* SPDX-License-Identifier: MIT */
#include "fcgi/origin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool origin_listed(const char *allowed, const char *origin)
{
	size_t n = origin ? strlen(origin) : 0;

	while (allowed && n) {
		size_t entry = strcspn(allowed, ",");

		if (entry == n && strncasecmp(allowed, origin, n) == 0)
			return true;
		allowed = allowed[entry] ? allowed + entry + 1 : NULL;
	}
	return false;
}

/* Length of host[:port] without the port that the scheme implies. */
static size_t significant(const char *host, const char *default_port)
{
	size_t n = strlen(host), port = strlen(default_port);

	if (n > port && strcmp(host + n - port, default_port) == 0)
		n -= port;
	return n;
}

static bool same_host(const char *origin, const char *host)
{
	const char *separator = strstr(origin, "://");
	const char *default_port, *ours;
	size_t n;

	if (!separator || !host)
		return false;
	if (strncasecmp(origin, "http://", 7) == 0)
		default_port = ":80";
	else if (strncasecmp(origin, "https://", 8) == 0)
		default_port = ":443";
	else
		return false;
	ours = separator + 3;
	n = significant(ours, default_port);
	return n > 0 && n == significant(host, default_port) && strncasecmp(ours, host, n) == 0;
}

static bool refuse(char *why, size_t size, const char *what, const char *value, const char *host)
{
	snprintf(why, size,
		"%s %s does not match Host %s; --allow-origin lists other pages that may", what,
		value, host ? host : "(none)");
	return false;
}

bool origin_may_post(const struct origin_facts *facts, char *why, size_t size)
{
	const char *site = facts->sec_fetch_site;

	if (origin_listed(facts->allowed, facts->origin))
		return true;
	if (site) {
		if (strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0)
			return true;
		snprintf(why, size,
			"a page of another site may not do this (Sec-Fetch-Site: %s, Origin: %s); "
			"--allow-origin lists those that may",
			site, facts->origin ? facts->origin : "none");
		return false;
	}
	if (!facts->origin)
		return true;
	if (same_host(facts->origin, facts->host))
		return true;
	return refuse(why, size, "Origin", facts->origin, facts->host);
}
