/* SPDX-License-Identifier: MIT */
#include "fcgi/tcp_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED of the kernel's net/tcp_states.h */

struct tcp_queue {
	int fd;
};

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 request;
};

/*
 * Asks for all connections in no state. Where the kernel's module is missing, each
 * question starts modprobe and waits for it, so it is found out before there are viewers.
 */
static bool answers(int fd)
{
	struct question question = {
		.header = {.nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP},
	};
	_Alignas(struct nlmsghdr) char bytes[1024];
	const struct nlmsghdr *header = (const struct nlmsghdr *)bytes;
	ssize_t n;

	if (send(fd, &question, sizeof(question), 0) < 0)
		return false;
	n = recv(fd, bytes, sizeof(bytes), 0);
	if (n >= 0 && NLMSG_OK(header, (size_t)n) && header->nlmsg_type == NLMSG_DONE)
		return true;
	errno = ENOPROTOOPT;
	return false;
}

struct tcp_queue *tcp_queue_open(void)
{
	struct tcp_queue *queue = calloc(1, sizeof(*queue));
	int error;

	if (!queue)
		return NULL;
	queue->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (queue->fd >= 0 && answers(queue->fd))
		return queue;
	error = errno;
	tcp_queue_close(queue);
	errno = error;
	return NULL;
}

void tcp_queue_close(struct tcp_queue *queue)
{
	if (!queue)
		return;
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue);
}

static bool parse_port(uint16_t *port, const char *text)
{
	unsigned long number = text ? strtoul(text, NULL, 10) : 0;

	*port = htons((uint16_t)number);
	return number > 0 && number <= UINT16_MAX;
}

bool tcp_peer_parse(struct tcp_peer *peer, const char *local, const char *local_port,
	const char *remote, const char *remote_port)
{
	int family = local && strchr(local, ':') ? AF_INET6 : AF_INET;

	*peer = (struct tcp_peer){0};
	if (!local || !remote || inet_pton(family, local, peer->local) != 1 ||
		inet_pton(family, remote, peer->remote) != 1 ||
		!parse_port(&peer->local_port, local_port) ||
		!parse_port(&peer->remote_port, remote_port))
		return false;
	peer->family = (uint8_t)family;
	return true;
}

static bool ask(struct tcp_queue *queue, const struct tcp_peer *peer)
{
	struct question question = {
		.header = {.nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.request = {.sdiag_family = peer->family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
			.idiag_states = 1 << STATE_ESTABLISHED,
			.id = {.idiag_sport = peer->local_port,
				.idiag_dport = peer->remote_port,
				.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};

	memcpy(question.request.id.idiag_src, peer->local, sizeof(peer->local));
	memcpy(question.request.id.idiag_dst, peer->remote, sizeof(peer->remote));
	return send(queue->fd, &question, sizeof(question), 0) == sizeof(question);
}

static bool read_info(
	const struct inet_diag_msg *message, unsigned size, struct tcp_figures *figures)
{
	const struct rtattr *attribute = (const struct rtattr *)(message + 1);
	struct tcp_info info = {0};

	for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size)) {
		size_t n = RTA_PAYLOAD(attribute);

		if (attribute->rta_type != INET_DIAG_INFO)
			continue;
		memcpy(&info, RTA_DATA(attribute), n < sizeof(info) ? n : sizeof(info));
		figures->unsent = info.tcpi_notsent_bytes;
		figures->bytes_per_s = info.tcpi_delivery_rate;
		return true;
	}
	return false;
}

/* The kernel answers within send(): the answer is there or never comes. */
static bool read_answer(struct tcp_queue *queue, struct tcp_figures *figures)
{
	_Alignas(struct nlmsghdr) char bytes[1024];
	const struct nlmsghdr *header = (const struct nlmsghdr *)bytes;
	ssize_t n = recv(queue->fd, bytes, sizeof(bytes), 0);
	const struct inet_diag_msg *message;

	if (n < 0 || !NLMSG_OK(header, (size_t)n) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)))
		return false;
	message = NLMSG_DATA(header);
	if (message->idiag_state != STATE_ESTABLISHED)
		return false;
	return read_info(
		message, header->nlmsg_len - (unsigned)NLMSG_LENGTH(sizeof(*message)), figures);
}

bool tcp_queue_ask(
	struct tcp_queue *queue, const struct tcp_peer *peer, struct tcp_figures *figures)
{
	return peer->family && ask(queue, peer) && read_answer(queue, figures);
}
