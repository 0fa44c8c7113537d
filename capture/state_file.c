/* SPDX-License-Identifier: MIT */
#include "capture/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_directory(const char *state_dir)
{
	return open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void close_keeping_errno(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
}

/* Up to size bytes; the rest of the file is left. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, to + used, size - used);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)used;
}

static char *read_text(int fd)
{
	char *text = malloc(STATE_FILE_MAX + 2);
	ssize_t n = text ? read_all(fd, text, STATE_FILE_MAX + 1) : -1;

	if (n >= 0) {
		text[n] = '\0';
		if (n <= STATE_FILE_MAX && strlen(text) == (size_t)n)
			return text;
		errno = n > STATE_FILE_MAX ? EFBIG : EILSEQ;
	}
	free(text);
	return NULL;
}

char *state_file_read(const char *state_dir, const char *name)
{
	int directory = open_directory(state_dir);
	int fd = directory < 0 ? -1 : openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : read_text(fd);

	if (fd >= 0)
		close_keeping_errno(fd);
	if (directory >= 0)
		close_keeping_errno(directory);
	return text;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return fsync(fd);
}

static int write_new(int directory, const char *name, const char *text, size_t size)
{
	int fd = openat(
		directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0)
		return -1;
	rc = write_all(fd, text, size);
	if (rc < 0)
		close_keeping_errno(fd);
	else
		rc = close(fd);
	return rc;
}

static int replace(int directory, const char *name, const char *text, size_t size)
{
	char new[NAME_MAX + 1];
	int error;

	snprintf(new, sizeof(new), "%s.new", name);
	if (write_new(directory, new, text, size) == 0 &&
		renameat(directory, new, directory, name) == 0)
		return fsync(directory);
	error = errno;
	unlinkat(directory, new, 0);
	errno = error;
	return -1;
}

int state_file_write(const char *state_dir, const char *name, const char *text, size_t size)
{
	int directory = open_directory(state_dir);
	int rc;

	if (directory < 0)
		return -1;
	rc = replace(directory, name, text, size);
	close_keeping_errno(directory);
	return rc;
}
