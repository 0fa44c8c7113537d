/* SPDX-License-Identifier: MIT */
#include "tests/bench/canned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const char canned_answer[] =
	"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n"
	"Cache-Control: no-store, no-cache, must-revalidate, max-age=0\r\n"
	"Pragma: no-cache\r\nExpires: 0\r\nX-Accel-Buffering: no\r\n\r\n--frame\r\n";
const char canned_tail[] = "\r\n--frame\r\n";

static int read_file(const char *path, unsigned char **bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	struct stat st;
	int result = -1;
	*bytes = NULL;
	if (fstat(fd, &st) == 0 && (*bytes = malloc((size_t)st.st_size + 1)) != NULL &&
		read(fd, *bytes, (size_t)st.st_size) == st.st_size)
		result = 0;
	*size = (size_t)st.st_size;
	close(fd);
	return result;
}

/* Bench files hold nothing between pictures: an end followed by a start is a seam. */
static size_t picture_size(const unsigned char *bytes, size_t size)
{
	const unsigned char *seam = memmem(bytes, size, "\xff\xd9\xff\xd8", 4);
	return seam ? (size_t)(seam + 2 - bytes) : size;
}

int canned_load(struct canned *c, const char *path)
{
	size_t size;
	*c = (struct canned){0};
	if (read_file(path, &c->file, &size) < 0)
		goto fail;
	for (size_t at = 0; at < size; c->count++) {
		struct picture *grown = realloc(c->pictures, (c->count + 1) * sizeof(*c->pictures));
		if (!grown)
			goto fail;
		c->pictures = grown;
		size_t length = picture_size(c->file + at, size - at);
		grown[c->count] = (struct picture){c->file + at, length};
		at += length;
	}
	errno = EBADMSG;
	if (c->count > 0)
		return 0;
fail:
	canned_finish(c);
	return -1;
}

void canned_finish(struct canned *c)
{
	free(c->pictures);
	free(c->file);
}

const struct picture *canned_picture(const struct canned *c, uint64_t seq)
{
	return &c->pictures[seq % c->count];
}

size_t canned_head(char head[CANNED_HEAD_MAX], uint64_t seq, const struct picture *picture)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (size_t)snprintf(head, CANNED_HEAD_MAX,
		"Content-Type: image/jpeg\r\nContent-Length: %zu\r\n"
		"X-Timestamp: %lld.%06ld\r\nX-Frame-Seq: %llu\r\n\r\n",
		picture->size, (long long)now.tv_sec, now.tv_nsec / 1000, (unsigned long long)seq);
}

int canned_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}
