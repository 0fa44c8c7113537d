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

/*
 * Size of the UTF-8 character at s; 0 if it is none or a control character, also one of
 * C1 (U+009B begins a terminal's commands as ESC [ does) or one in a longer writing.
 */
static size_t printable(const unsigned char *s)
{
	size_t n = *s < 0xc2 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	if (n == 1)
		return *s >= ' ' && *s < 0x7f;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((*s == 0xc2 || *s == 0xe0) && s[1] < 0xa0)
		return 0;
	return *s == 0xf0 && s[1] < 0x90 ? 0 : n;
}

/* The end is never read over: the byte at line[end] continues no character. */
static void make_printable(char *line, size_t start, size_t end)
{
	for (size_t n; start < end; start += n ? n : 1) {
		n = printable((unsigned char *)line + start);
		if (n == 0)
			line[start] = '?';
	}
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
	make_printable(line, start, end);
	line[end++] = '\n';
	(void)!write(STDERR_FILENO, line, end); /* one write: lines of two threads never mix */
}
