/* SPDX-License-Identifier: MIT */
#include "fcgi/tcp_queue.h"

#include "tests/fcgi/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

struct ends {
	int server, client;
	struct tcp_peer peer;
};

static void connect_ends(struct ends *ends)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int door = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
	char local_port[8], remote_port[8];

	assert_int_equal(bind(door, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&address, &size), 0);
	snprintf(local_port, sizeof(local_port), "%u", ntohs(address.sin_port));
	ends->client = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(ends->client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(connect(ends->client, (struct sockaddr *)&address, size), 0);
	ends->server = accept(door, (struct sockaddr *)&address, &size);
	assert_true(ends->server >= 0);
	close(door);
	snprintf(remote_port, sizeof(remote_port), "%u", ntohs(address.sin_port));
	assert_true(tcp_peer_parse(&ends->peer, "127.0.0.1", local_port, "127.0.0.1", remote_port));
}

static struct tcp_queue *open_or_skip(void)
{
	struct tcp_queue *queue = tcp_queue_open();

	if (!queue) {
		print_message("skipped: no sock_diag here: %s\n", strerror(errno));
		skip();
	}
	return queue;
}

static void what_nobody_reads_is_unsent(void **state)
{
	struct tcp_queue *queue = open_or_skip();
	struct tcp_figures figures;
	struct ends ends;
	static const char bytes[65536];
	size_t sent = 0;
	ssize_t n;

	(void)state;
	connect_ends(&ends);
	assert_true(tcp_queue_ask(queue, &ends.peer, &figures));
	assert_int_equal(figures.unsent, 0);
	while ((n = send(ends.server, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		sent += (size_t)n;
	assert_true(tcp_queue_ask(queue, &ends.peer, &figures));
	assert_in_range(figures.unsent, 1, sent);
	close(ends.client);
	close(ends.server);
	tcp_queue_close(queue);
}

static void a_connection_that_is_not_there_is_not_known(void **state)
{
	struct tcp_queue *queue = open_or_skip();
	struct tcp_figures figures;
	struct tcp_peer peer, none = {0};
	struct ends ends;

	(void)state;
	connect_ends(&ends);
	peer = ends.peer;
	peer.remote_port = (uint16_t)~peer.remote_port;
	assert_false(tcp_queue_ask(queue, &peer, &figures));
	assert_false(tcp_queue_ask(queue, &none, &figures));
	/* and the next answer is the next question's */
	assert_true(tcp_queue_ask(queue, &ends.peer, &figures));
	close(ends.client);
	close(ends.server);
	tcp_queue_close(queue);
}

static void only_two_numeric_ends_are_a_connection(void **state)
{
	struct tcp_peer peer;

	(void)state;
	assert_true(tcp_peer_parse(&peer, "192.0.2.1", "80", "192.0.2.2", "50000"));
	assert_int_equal(peer.family, AF_INET);
	assert_true(tcp_peer_parse(&peer, "2001:db8::1", "443", "2001:db8::2", "50000"));
	assert_int_equal(peer.family, AF_INET6);
	assert_false(tcp_peer_parse(&peer, NULL, "80", "192.0.2.2", "50000"));
	assert_false(tcp_peer_parse(&peer, "192.0.2.1", "80", "unix:", ""));
	assert_false(tcp_peer_parse(&peer, "192.0.2.1", "80", "2001:db8::2", "50000"));
	assert_false(tcp_peer_parse(&peer, "192.0.2.1", "0", "192.0.2.2", "50000"));
	assert_false(tcp_peer_parse(&peer, "192.0.2.1", "80", "192.0.2.2", "70000"));
	assert_false(tcp_peer_parse(&peer, "192.0.2.1", "80", "192.0.2.2", NULL));
	assert_int_equal(peer.family, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_reads_is_unsent),
		cmocka_unit_test(a_connection_that_is_not_there_is_not_known),
		cmocka_unit_test(only_two_numeric_ends_are_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
