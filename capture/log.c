/* SPDX-License-Identifier: MIT */
#include "capture/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static enum log_level wanted = LOG_LEVEL_INFO;
static bool to_journal;

static const struct {
	const char *name;
	int priority; /* syslog's, as sd-daemon(3) wants it */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream connected to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(enum log_level level)
{
	wanted = level;
	to_journal = stderr_is_journal();
}

static size_t write_prefix(char *line, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char clock[16];

	if (to_journal)
		return (size_t)snprintf(line, LINE_MAX_BYTES, "<%d>", levels[level].priority);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	return (size_t)snprintf(line, LINE_MAX_BYTES, "%s.%03ld %-5s ", clock,
		now.tv_nsec / 1000000, levels[level].name);
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES + 1];
	size_t start, end;
	va_list args;
	int n;

	if (level > wanted)
		return;
	start = write_prefix(line, level);
	va_start(args, format);
	n = vsnprintf(line + start, LINE_MAX_BYTES - start, format, args);
	va_end(args);
	if (n < 0)
		return;
	end = start + (size_t)n < LINE_MAX_BYTES ? start + (size_t)n : LINE_MAX_BYTES - 1;
	for (size_t i = start; i < end; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[end++] = '\n';
	(void)!write(STDERR_FILENO, line, end); /* one write: lines of two threads never mix */
}
