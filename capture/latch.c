/* SPDX-License-Identifier: MIT */
#include "capture/latch.h"

#include "capture/clock.h"
#include "capture/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "released";

static int open_directory(const char *state_dir)
{
	return open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool latch_read(const char *state_dir, int64_t *since_ns)
{
	int directory = state_dir ? open_directory(state_dir) : -1;
	struct stat st;
	bool there;

	if (directory < 0)
		return false;
	there = fstatat(directory, name, &st, 0) == 0;
	if (there)
		*since_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	close(directory);
	return there;
}

static int make(int directory)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	return close(fd);
}

static int unmake(int directory)
{
	return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -1 : 0;
}

int latch_set(const char *state_dir, bool released)
{
	int directory, rc;

	if (!state_dir)
		return 0;
	directory = open_directory(state_dir);
	rc = directory < 0 ? -1 : released ? make(directory) : unmake(directory);
	if (rc == 0)
		rc = fsync(directory);
	if (rc < 0)
		log_warn("%s/%s: %s: a restart would turn the camera %s", state_dir, name,
			strerror(errno), released ? "on" : "off");
	if (directory >= 0)
		close(directory);
	return rc;
}
