/* SPDX-License-Identifier: MIT */
/* fuzzes: fcgi/precheck.c */
#include "fcgi/precheck.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More bytes never turn a verdict into another one, but for PRECHECK_WAIT. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum precheck before = PRECHECK_WAIT;

	for (size_t n = 0; n <= size; n += 1 + size / 64) {
		enum precheck now = precheck(data, n);

		if (before != PRECHECK_WAIT && now != before)
			abort();
		before = now;
	}
	return 0;
}
