/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_LOG_H
#define CAPTURE_LOG_H

/*
 * log - one line an event, to standard error.
 *
 * Under journald (JOURNAL_STREAM names our standard error) a line begins with
 * its priority as <N>; else with the local time and the level. What is no
 * printable UTF-8 in a line is written as '?', so that no peer can forge a line
 * or command a terminal.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Before the first thread is started. Until then: info and worse are written. */
void log_init(enum log_level level);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
