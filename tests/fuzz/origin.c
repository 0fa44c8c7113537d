/* SPDX-License-Identifier: MIT */
/* fuzzes: fcgi/origin.c */
#include "fcgi/origin.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Four lines: Origin, Sec-Fetch-Site, Host, --allow-origin; "-" is one that is not there. */
static const char *line(char **rest)
{
	const char *found = *rest ? strsep(rest, "\n") : NULL;

	return found && strcmp(found, "-") == 0 ? NULL : found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text;
	const char *origin = line(&rest), *site = line(&rest), *host = line(&rest);
	const struct origin_facts facts = {origin, site, host, line(&rest)};
	char why[64] = "";

	if (!origin_may_post(&facts, why, sizeof(why)) && !*why)
		abort();
	/* A page of a foreign site never passes unless it is listed. */
	if (site && !strcmp(site, "cross-site") && !origin_listed(facts.allowed, origin) &&
		origin_may_post(&facts, why, sizeof(why)))
		abort();
	free(text);
	return 0;
}
