/* SPDX-License-Identifier: MIT */
#include "fcgi/precheck.h"

#include "fcgi/record.h"

#include <stdbool.h>

#define ROLE_RESPONDER 1

struct record {
	unsigned type, id;
	size_t size; /* of the content */
	size_t whole;
};

struct progress {
	bool begun, params_done, body_done;
	unsigned id;
	size_t params, body;
};

static struct record read_header(const uint8_t *at)
{
	struct record record = {
		.type = at[1],
		.id = (unsigned)at[2] << 8 | at[3],
		.size = (size_t)at[4] << 8 | at[5],
	};

	record.whole = RECORD_HEADER + record.size + at[6];
	return record;
}

static bool begin(struct progress *progress, const struct record *record, const uint8_t *content)
{
	progress->begun = true;
	progress->id = record->id;
	return record->type == RECORD_BEGIN_REQUEST && record->id != 0 && record->size == 8 &&
	       content[0] == 0 && content[1] == ROLE_RESPONDER;
}

/* One whole record; false: it does not belong there. */
static bool advance(struct progress *progress, const struct record *record, const uint8_t *content)
{
	if (!progress->begun)
		return begin(progress, record, content);
	if (record->id != progress->id)
		return false;
	if (!progress->params_done && record->type == RECORD_PARAMS) {
		progress->params += record->size;
		progress->params_done = record->size == 0;
		return progress->params <= PRECHECK_PARAMS_MAX;
	}
	if (progress->params_done && record->type == RECORD_STDIN) {
		progress->body += record->size;
		progress->body_done = record->size == 0;
		return true;
	}
	return false;
}

static bool announces_too_much(const struct progress *progress, const struct record *record)
{
	return !progress->params_done && record->type == RECORD_PARAMS &&
	       progress->params + record->size > PRECHECK_PARAMS_MAX;
}

enum precheck precheck(const uint8_t *data, size_t size)
{
	struct progress progress = {0};

	while (!progress.body_done) {
		struct record record;

		if (progress.body > PRECHECK_BODY_MAX)
			return PRECHECK_TOO_LONG;
		if (size && data[0] != 1)
			return PRECHECK_BAD;
		if (size < RECORD_HEADER)
			return PRECHECK_WAIT;
		record = read_header(data);
		if (announces_too_much(&progress, &record))
			return PRECHECK_BAD;
		if (!progress.begun && (record.type != RECORD_BEGIN_REQUEST || record.size != 8))
			return PRECHECK_BAD;
		if (progress.params_done && progress.body + record.size > PRECHECK_BODY_MAX)
			return PRECHECK_TOO_LONG;
		if (size < record.whole)
			return PRECHECK_WAIT;
		if (!advance(&progress, &record, data + RECORD_HEADER))
			return PRECHECK_BAD;
		data += record.whole;
		size -= record.whole;
	}
	return PRECHECK_COMPLETE;
}
