/* SPDX-License-Identifier: MIT */
#include "fcgi/lobby.h"

#include "capture/clock.h"
#include "capture/log.h"
#include "fcgi/list.h"
#include "fcgi/loop.h"
#include "fcgi/precheck.h"
#include "fcgi/record.h"
#include "fcgi/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64 /* so that a flood of connections does not hold up the frames */
#define NOTICE_NS (10 * NS_PER_S)
/* For the request of whom we can only turn away: a web server sends it at once. */
#define BORROW_NS (100 * NS_PER_MS)

struct lobby {
	struct loop *loop;
	struct watch door;
	bool open;
	void (*on_request)(void *arg, struct request *request);
	void *arg;
	struct link guests; /* who came first stands first */
	unsigned count;
	int reserve;            /* a descriptor to give up when there are no others; -1: given up */
	struct guest *borrower; /* who has it now */
	int64_t noticed_ns;
	uint8_t bytes[PRECHECK_BYTES];
};

struct guest {
	struct link link;
	struct watch watch;
	struct lobby *lobby;
	int64_t deadline_ns;
};

static int see_off(struct guest *guest)
{
	int fd = guest->watch.fd;

	loop_remove(guest->lobby->loop, &guest->watch);
	list_remove(&guest->link);
	guest->lobby->count--;
	free(guest);
	return fd;
}

/* Without a reserve the door stays shut: there would be no way to send anybody away from it. */
static void refill_reserve(struct lobby *lobby)
{
	lobby->borrower = NULL;
	lobby->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (lobby->open)
		loop_modify(lobby->loop, &lobby->door, lobby->reserve >= 0 ? EPOLLIN : 0);
}

static void dismiss(struct guest *guest)
{
	struct lobby *lobby = guest->lobby;
	bool borrowed = lobby->borrower == guest;

	close(see_off(guest));
	if (borrowed)
		refill_reserve(lobby);
}

/* The loudest that can be said without parsing the request: nginx uses id 1. */
static void turn_away(struct guest *guest)
{
	static const char full[] = "Status: 503 Service Unavailable\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "Cache-Control: no-store\r\n"
				   "X-Content-Type-Options: nosniff\r\n"
				   "Retry-After: 5\r\n"
				   "\r\n"
				   "too many connections; try again in a few seconds\n";
	uint8_t bytes[sizeof(full) + RECORD_HEADER + RECORD_END];
	uint8_t *end = record_end(record_stdout(bytes, 1, full, sizeof(full) - 1), 1);
	int fd = guest->watch.fd;

	while (recv(fd, guest->lobby->bytes, sizeof(guest->lobby->bytes), MSG_DONTWAIT) > 0)
		;
	(void)!send(fd, bytes, (size_t)(end - bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
	dismiss(guest);
}

static void hand_over(struct guest *guest, bool too_long)
{
	struct lobby *lobby = guest->lobby;
	struct request *request;

	if (lobby->borrower == guest) {
		turn_away(guest);
		return;
	}
	request = request_open(see_off(guest), too_long);
	if (request)
		lobby->on_request(lobby->arg, request);
}

static void look_at(struct guest *guest)
{
	struct lobby *lobby = guest->lobby;
	ssize_t n =
		recv(guest->watch.fd, lobby->bytes, sizeof(lobby->bytes), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	switch (n <= 0 ? PRECHECK_BAD : precheck(lobby->bytes, (size_t)n)) {
	case PRECHECK_WAIT:
		if (n == sizeof(lobby->bytes))
			dismiss(guest);
		break;
	case PRECHECK_BAD:
		dismiss(guest);
		break;
	case PRECHECK_COMPLETE:
		hand_over(guest, false);
		break;
	case PRECHECK_TOO_LONG:
		hand_over(guest, true);
		break;
	}
}

static void guest_ready(struct watch *watch, uint32_t events)
{
	struct guest *guest = (struct guest *)((char *)watch - offsetof(struct guest, watch));

	if (events & (EPOLLERR | EPOLLHUP))
		dismiss(guest);
	else
		look_at(guest);
}

static void notice_shortage(struct lobby *lobby, int error)
{
	int64_t now = clock_now_ns();

	if (lobby->noticed_ns && now - lobby->noticed_ns < NOTICE_NS)
		return;
	lobby->noticed_ns = now;
	log_error("cannot accept a connection: %s; raise the limit of open files (ulimit -n, "
		  "LimitNOFILE=)",
		strerror(error));
}

static struct guest *welcome(struct lobby *lobby, int fd, int64_t patience_ns)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest) {
		close(fd);
		return NULL;
	}
	if (lobby->count == LOBBY_SEATS)
		dismiss((struct guest *)lobby->guests.next);
	guest->lobby = lobby;
	guest->watch = (struct watch){.ready = guest_ready, .fd = fd};
	guest->deadline_ns = clock_now_ns() + patience_ns;
	/* Edge-triggered: called when more has come, not while the same half still lies there. */
	if (loop_add(lobby->loop, &guest->watch, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0) {
		close(fd);
		free(guest);
		return NULL;
	}
	lobby->count++;
	return guest;
}

static void let_in(struct lobby *lobby, int fd)
{
	struct guest *guest = welcome(lobby, fd, LOBBY_WAIT_NS);

	if (!guest)
		return;
	list_append(&lobby->guests, &guest->link);
	look_at(guest);
}

/* Whoever closes before the server has sent its request gives it a 502 to tell, not our 503. */
static void let_in_on_reserve(struct lobby *lobby, int error)
{
	int fd;

	notice_shortage(lobby, error);
	close(lobby->reserve);
	fd = accept4(lobby->door.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	lobby->borrower = fd >= 0 ? welcome(lobby, fd, BORROW_NS) : NULL;
	if (!lobby->borrower) {
		refill_reserve(lobby);
		return;
	}
	lobby->reserve = -1;
	loop_modify(lobby->loop, &lobby->door, 0);
	list_append(lobby->guests.next, &lobby->borrower->link); /* its deadline is the first */
	look_at(lobby->borrower);
}

/* false: nobody more can be let in now. */
static bool accept_one(struct lobby *lobby)
{
	int fd = accept4(lobby->door.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		let_in(lobby, fd);
		return true;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		let_in_on_reserve(lobby, errno);
		return false;
	default:
		return errno == ECONNABORTED || errno == EINTR;
	}
}

static void door_ready(struct watch *watch, uint32_t events)
{
	struct lobby *lobby = (struct lobby *)((char *)watch - offsetof(struct lobby, door));

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && lobby->open && accept_one(lobby); i++)
		;
}

struct lobby *lobby_create(struct loop *loop, int listen_fd,
	void (*on_request)(void *arg, struct request *request), void *arg)
{
	struct lobby *lobby = calloc(1, sizeof(*lobby));

	if (!lobby)
		return NULL;
	lobby->loop = loop;
	lobby->on_request = on_request;
	lobby->arg = arg;
	list_init(&lobby->guests);
	lobby->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	lobby->door = (struct watch){.ready = door_ready, .fd = listen_fd};
	if (loop_add(loop, &lobby->door, EPOLLIN) < 0) {
		lobby_destroy(lobby);
		return NULL;
	}
	lobby->open = true;
	return lobby;
}

void lobby_close_door(struct lobby *lobby)
{
	if (lobby->open)
		loop_remove(lobby->loop, &lobby->door);
	lobby->open = false;
}

void lobby_destroy(struct lobby *lobby)
{
	if (!lobby)
		return;
	lobby_close_door(lobby);
	while (!list_empty(&lobby->guests))
		dismiss((struct guest *)lobby->guests.next);
	if (lobby->reserve >= 0)
		close(lobby->reserve);
	free(lobby);
}

int64_t lobby_tick(struct lobby *lobby, int64_t now_ns)
{
	bool shut;

	if (lobby->reserve < 0 && !lobby->borrower)
		refill_reserve(lobby);
	shut = lobby->reserve < 0 && !lobby->borrower;
	while (!list_empty(&lobby->guests)) {
		struct guest *first = (struct guest *)lobby->guests.next;

		if (first->deadline_ns > now_ns)
			return first->deadline_ns;
		dismiss(first);
	}
	return shut ? now_ns + BORROW_NS : INT64_MAX;
}
