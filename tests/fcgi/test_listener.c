/* SPDX-License-Identifier: MIT */
#include "fcgi/listener.h"

#include "tests/fcgi/support.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char directory[64], path[96], address[128], error[300];
static struct listener listener;

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "%s", make_dir());
	snprintf(path, sizeof(path), "%s/webcam.sock", directory);
	snprintf(address, sizeof(address), "unix:%s", path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int open_at(const char *listen, mode_t mode, gid_t group)
{
	const struct listener_options options = {listen, mode, group};

	error[0] = '\0';
	return listener_open(&listener, &options, error, sizeof(error));
}

static int open_usual(void)
{
	return open_at(address, 0660, (gid_t)-1);
}

static void expect_refusal(const char *listen, const char *words)
{
	assert_int_equal(open_at(listen, 0660, (gid_t)-1), -1);
	if (!strstr(error, words))
		fail_msg("%s: \"%s\"", listen, error);
	assert_int_equal(listener.fd, -1);
}

static void expect_connection(const char *listen)
{
	int client = listener_connect(listen), server, accepted = 0;
	struct pollfd fd = {.fd = listener.fd, .events = POLLIN};

	assert_true(client >= 0);
	assert_int_equal(poll(&fd, 1, 20000), 1);
	for (; (server = accept(listener.fd, NULL, NULL)) >= 0; accepted++)
		close(server);
	assert_int_equal(errno, EAGAIN); /* it never waits */
	assert_true(accepted >= 1);
	close(client);
}

static void a_unix_socket_has_its_mode_and_goes_at_the_end(void **state)
{
	static const mode_t modes[] = {0660, 0600, 0666, 0777};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode_t mask = umask(077);

		assert_int_equal(open_at(address, modes[i], (gid_t)-1), 0);
		umask(mask);
		assert_string_equal(listener.name, address);
		assert_int_equal(stat(path, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 0777, modes[i]);
		assert_true(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
		expect_connection(address);
		listener_close(&listener);
		assert_int_equal(listener.fd, -1);
		assert_int_equal(stat(path, &st), -1);
	}
	listener_close(&listener); /* twice is fine */
}

static void a_unix_socket_is_given_to_a_group(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(open_at(address, 0660, geteuid() == 0 ? 33 : getegid()), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_gid, geteuid() == 0 ? 33 : getegid());
	listener_close(&listener);
}

static void a_running_workers_socket_is_not_stolen(void **state)
{
	struct listener first;
	struct stat before, after;

	(void)state;
	assert_int_equal(open_usual(), 0);
	first = listener;
	assert_int_equal(stat(path, &before), 0);
	expect_refusal(address, "another program listens there");
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	listener = first;
	expect_connection(address);
	listener_close(&listener);
}

/* As after SIGKILL: the file is there and nobody listens. */
static void a_dead_socket_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(open_usual(), 0);
	close(listener.fd);
	assert_int_equal(listener_connect(address), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(open_usual(), 0);
	expect_connection(address);
	listener_close(&listener);
}

static void only_a_socket_is_replaced(void **state)
{
	struct stat st;

	(void)state;
	write_file(path, "precious", 8);
	expect_refusal(address, "no socket");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	expect_refusal(address, "no socket");
}

static void the_path_of_a_successor_stays(void **state)
{
	struct listener first;
	struct stat st;

	(void)state;
	assert_int_equal(open_usual(), 0);
	first = listener;
	unlink(path);
	assert_int_equal(open_usual(), 0);
	listener_close(&first);
	assert_int_equal(stat(path, &st), 0);
	expect_connection(address);
	listener_close(&listener);
}

static void bad_addresses_say_what_is_wanted(void **state)
{
	char long_path[300] = "unix:/";

	(void)state;
	memset(long_path + 6, 'x', 200);
	expect_refusal(long_path, "1 to 107 bytes");
	expect_refusal("unix:", "1 to 107 bytes");
	expect_refusal("unix:/nonexistent/dir/sock", "directory must exist");
	expect_refusal("/tmp/x.sock", "unix:PATH or tcp:HOST:PORT");
	expect_refusal("tcp:", "tcp:HOST:PORT");
	expect_refusal("tcp::9000", "tcp:HOST:PORT");
	expect_refusal("tcp:127.0.0.1:", "tcp:HOST:PORT");
	expect_refusal("tcp:127.0.0.1:no-such-service", "tcp:HOST:PORT");
	assert_int_equal(listener_connect("nonsense"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(listener_connect("tcp:nonsense"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(listener_connect(address), -1);
	assert_int_equal(errno, ENOENT);
	long_path[4] = ':';
	assert_int_equal(listener_connect(long_path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static unsigned port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t size = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	return ntohs(in.sin_port);
}

static void tcp_works_and_a_taken_port_is_told(void **state)
{
	struct listener first;
	char tcp[64];

	(void)state;
	assert_int_equal(open_at("tcp:127.0.0.1:0", 0660, (gid_t)-1), 0);
	snprintf(tcp, sizeof(tcp), "tcp:127.0.0.1:%u", port_of(listener.fd));
	expect_connection(tcp);
	first = listener;
	expect_refusal(tcp, "Address already in use");
	listener_close(&first);
	assert_int_equal(listener_connect(tcp), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static int bind_unix(int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	strcpy(un.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* In a child: descriptors 0 and 3 as spawn-fcgi and systemd hand them over. 0: as promised. */
static int inherit_in_child(int fd, int as, const char *passed)
{
	char pid[16];
	struct stat st;

	dup2(fd, as);
	if (passed) {
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", passed, 1);
	}
	if (open_at(NULL, 0600, (gid_t)-1) < 0)
		return 1;
	if (listener.fd <= 2 || !(fcntl(listener.fd, F_GETFL) & O_NONBLOCK) ||
		!(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC))
		return 2;
	expect_connection(address);
	listener_close(&listener);
	if (stat(path, &st) < 0)
		return 3;                    /* it is not ours to unlink */
	return getenv("LISTEN_FDS") != NULL; /* nor our children's */
}

static void expect_inherited(int as, const char *passed)
{
	int fd = bind_unix(SOCK_STREAM), status;
	pid_t child;

	assert_int_equal(listen(fd, 5), 0);
	child = fork();
	if (child == 0)
		_exit(inherit_in_child(fd, as, passed));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	status = listener_connect(address); /* the parent's socket was not shut down */
	assert_true(status >= 0);
	close(status);
	close(fd);
	unlink(path);
}

static void an_inherited_socket_stays_its_parents(void **state)
{
	(void)state;
	expect_inherited(0, NULL);
	expect_inherited(3, "1");
}

static void what_is_passed_wrongly_is_told(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		char pid[16];

		snprintf(pid, sizeof(pid), "%d", getpid());
		for (int fds = 1; fds <= 2; fds++) {
			dup2(bind_unix(SOCK_DGRAM), 3);
			dup2(3, 4);
			unlink(path);
			setenv("LISTEN_PID", pid, 1);
			setenv("LISTEN_FDS", fds == 1 ? "1" : "2", 1);
			if (open_at(NULL, 0600, (gid_t)-1) != -1 || !strstr(error, "LISTEN_FDS"))
				_exit(fds);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void permissions_are_told(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can become somebody else\n");
		skip();
	}
	assert_int_equal(chmod(directory, 0755), 0);
	child = fork();
	if (child == 0)
		_exit(setuid(65534) < 0 || open_usual() != -1 ||
			!strstr(error, "Permission denied"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_unix_socket_has_its_mode_and_goes_at_the_end),
		TEST(a_unix_socket_is_given_to_a_group),
		TEST(a_running_workers_socket_is_not_stolen),
		TEST(a_dead_socket_is_replaced),
		TEST(only_a_socket_is_replaced),
		TEST(the_path_of_a_successor_stays),
		TEST(bad_addresses_say_what_is_wanted),
		TEST(tcp_works_and_a_taken_port_is_told),
		TEST(an_inherited_socket_stays_its_parents),
		TEST(what_is_passed_wrongly_is_told),
		TEST(permissions_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
