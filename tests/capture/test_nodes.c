/* SPDX-License-Identifier: MIT */
#include "capture/nodes.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void a_node_that_comes_or_changes_mode_is_told(void **state)
{
	char directory[] = "/tmp/test_nodes.XXXXXX", node[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(node, sizeof(node), "%s/video0", directory);
	fd = nodes_watch(directory);
	assert_true(fd >= 0);
	assert_false(readable(fd, 0));

	close(open(node, O_CREAT | O_WRONLY, 0600));
	assert_true(readable(fd, 10000));
	nodes_acknowledge(fd);
	assert_false(readable(fd, 0));

	assert_int_equal(chmod(node, 0660), 0);
	assert_true(readable(fd, 10000));
	nodes_acknowledge(fd);

	close(fd);
	unlink(node);
	rmdir(directory);
}

static void without_a_directory_there_is_nothing_to_watch(void **state)
{
	(void)state;
	assert_int_equal(nodes_watch("/nowhere/at/all"), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_comes_or_changes_mode_is_told),
		cmocka_unit_test(without_a_directory_there_is_nothing_to_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
