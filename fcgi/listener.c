/* SPDX-License-Identifier: MIT */
#include "fcgi/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 4096 /* hundreds of viewers may come back at once; the kernel caps it */

struct reply_to {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(
	const struct reply_to *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, error->size, format, args);
	va_end(args);
	return -1;
}

static int unix_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(address->sun_path)) {
		errno = *path ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	strcpy(address->sun_path, path);
	return 0;
}

/* "HOST:PORT" or "[HOST]:PORT". NULL and errno; free with freeaddrinfo(). */
static struct addrinfo *tcp_address(const char *spec, int flags)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
	struct addrinfo *found = NULL;
	const char *colon = strrchr(spec, ':');
	char host[256];
	int bracket = spec[0] == '[' && colon && colon > spec && colon[-1] == ']';

	errno = EINVAL;
	if (!colon || colon == spec || !colon[1] || (size_t)(colon - spec) >= sizeof(host))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - spec) - 2 * bracket, spec + bracket);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
		errno = EINVAL;
		return NULL;
	}
	return found;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (unix_address(&address, path) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int connect_tcp(const char *spec)
{
	struct addrinfo *address = tcp_address(spec, 0);
	int fd, error;

	if (!address)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	freeaddrinfo(address);
	return fd;
}

static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

int listener_connect(const char *listen)
{
	const char *rest;

	if ((rest = after(listen, "unix:")))
		return connect_unix(rest);
	if ((rest = after(listen, "tcp:")))
		return connect_tcp(rest);
	errno = EINVAL;
	return -1;
}

/* Removes a socket that nobody listens on. */
static int clear_path(const char *path, const struct reply_to *error)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : refuse(error, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(error,
			"%s is there and is no socket; remove it or choose another path", path);
	fd = connect_unix(path);
	if (fd >= 0 || errno != ECONNREFUSED) {
		if (fd >= 0)
			close(fd);
		return refuse(error,
			"%s: another program listens there; stop it or choose another --listen",
			path);
	}
	if (unlink(path) < 0)
		return refuse(error, "%s: cannot replace a dead socket: %s", path, strerror(errno));
	return 0;
}

/* Two workers that start at once must not unlink each other's socket: the directory is the lock. */
static int lock_directory(const char *path)
{
	char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	int fd = -1;

	if (slash) {
		slash[slash == directory] = '\0';
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd >= 0)
		flock(fd, LOCK_EX);
	free(directory);
	return fd;
}

static int bind_unix(struct listener *listener, const char *path,
	const struct listener_options *options, const struct reply_to *error)
{
	struct sockaddr_un address;
	struct stat st;
	mode_t umask_before;
	int rc;

	if (unix_address(&address, path) < 0)
		return refuse(error, "--listen unix:%s: the path must have 1 to %zu bytes", path,
			sizeof(address.sun_path) - 1);
	if (clear_path(path, error) < 0)
		return -1;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return refuse(error, "cannot make a socket: %s", strerror(errno));
	umask_before = umask(0177);
	rc = bind(listener->fd, (struct sockaddr *)&address, sizeof(address));
	umask(umask_before);
	if (rc < 0)
		return refuse(error, "cannot make the socket %s: %s%s", path, strerror(errno),
			errno == ENOENT ? " (its directory must exist)" : "");
	if (stat(path, &st) < 0)
		return refuse(error, "%s: %s", path, strerror(errno));
	listener->bound = true;
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	if (options->group != (gid_t)-1 && chown(path, (uid_t)-1, options->group) < 0)
		return refuse(error, "%s: cannot give the socket to group %u: %s", path,
			(unsigned)options->group, strerror(errno));
	if (chmod(path, options->mode) < 0)
		return refuse(error, "%s: cannot set the socket's mode: %s", path, strerror(errno));
	return 0;
}

static int open_unix(struct listener *listener, const char *path,
	const struct listener_options *options, const struct reply_to *error)
{
	int lock = lock_directory(path);
	int rc = bind_unix(listener, path, options, error);

	if (rc == 0 && listen(listener->fd, BACKLOG) < 0)
		rc = refuse(error, "%s: %s", path, strerror(errno));
	if (lock >= 0)
		close(lock);
	return rc;
}

static int open_tcp(struct listener *listener, const char *spec, const struct reply_to *error)
{
	struct addrinfo *address = tcp_address(spec, AI_PASSIVE);
	int rc = 0;

	if (!address)
		return refuse(error,
			"--listen tcp:%s: give tcp:HOST:PORT, such as tcp:127.0.0.1:9000", spec);
	listener->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A socket that could not be made fails at bind(), with the reason. */
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(listener->fd, address->ai_addr, address->ai_addrlen) < 0 ||
		listen(listener->fd, BACKLOG) < 0)
		rc = refuse(error, "cannot listen on tcp:%s: %s", spec, strerror(errno));
	freeaddrinfo(address);
	return rc;
}

static bool listens(int fd)
{
	int accepts = 0;
	socklen_t size = sizeof(accepts);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts;
}

/* Duplicated above the standard descriptors, so that 0 may be replaced. */
static int inherit(struct listener *listener, int fd, const char *name)
{
	listener->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	fcntl(listener->fd, F_SETFL, fcntl(listener->fd, F_GETFL) | O_NONBLOCK);
	snprintf(listener->name, sizeof(listener->name), "%s", name);
	return 0;
}

static int open_inherited(struct listener *listener, const struct reply_to *error)
{
	int passed = sd_listen_fds(1);

	if (passed < 0)
		return refuse(error, "LISTEN_FDS announces a socket that is not open: %s",
			strerror(-passed));
	if (passed > 1)
		return refuse(error, "%d sockets were passed by LISTEN_FDS; give each worker one",
			passed);
	if (passed == 1 && !listens(SD_LISTEN_FDS_START))
		return refuse(error, "the descriptor passed by LISTEN_FDS is no listening socket");
	if (passed == 1)
		return inherit(listener, SD_LISTEN_FDS_START, "a socket passed by LISTEN_FDS");
	if (listens(STDIN_FILENO))
		return inherit(listener, STDIN_FILENO, "the socket inherited as fd 0");
	return 1;
}

static int open_address(struct listener *listener, const char *address,
	const struct listener_options *options, const struct reply_to *error)
{
	const char *rest;

	snprintf(listener->name, sizeof(listener->name), "%s", address);
	if ((rest = after(address, "unix:")))
		return open_unix(listener, rest, options, error);
	if ((rest = after(address, "tcp:")))
		return open_tcp(listener, rest, error);
	return refuse(error, "--listen %s: give unix:PATH or tcp:HOST:PORT", address);
}

int listener_open(
	struct listener *listener, const struct listener_options *options, char *error, size_t size)
{
	const struct reply_to reply = {error, size};
	int rc = 1;

	*listener = (struct listener){.fd = -1};
	if (!options->listen)
		rc = open_inherited(listener, &reply);
	if (rc == 1)
		rc = open_address(listener, options->listen ? options->listen : LISTENER_DEFAULT,
			options, &reply);
	if (rc < 0)
		listener_close(listener);
	return rc;
}

void listener_describe(const struct listener *listener, char *text, size_t size)
{
	const char *path = after(listener->name, "unix:");
	struct stat st;

	if (listener->bound && path && stat(path, &st) == 0)
		snprintf(text, size, "%s (mode %04o, owner %u:%u)", listener->name,
			(unsigned)st.st_mode & 0777, (unsigned)st.st_uid, (unsigned)st.st_gid);
	else
		snprintf(text, size, "%s", listener->name);
}

void listener_close(struct listener *listener)
{
	const char *path = after(listener->name, "unix:");
	struct stat st;

	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	if (listener->bound && path && lstat(path, &st) == 0 && st.st_dev == listener->device &&
		st.st_ino == listener->inode)
		unlink(path);
	listener->bound = false;
}
