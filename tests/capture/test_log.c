/* SPDX-License-Identifier: MIT */
#include "capture/log.h"

#include "tests/capture/support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int saved_stderr = -1, capture_fd = -1;

/* Standard error goes to a file from here to end_capture(). */
static void begin_capture(void)
{
	saved_stderr = dup(STDERR_FILENO);
	capture_fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(saved_stderr >= 0 && capture_fd >= 0);
	fcntl(capture_fd, F_SETFL, O_APPEND);
	assert_int_equal(dup2(capture_fd, STDERR_FILENO), STDERR_FILENO);
}

static const char *end_capture(void)
{
	static char text[1 << 20];
	ssize_t n = pread(capture_fd, text, sizeof(text) - 1, 0);

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture_fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static int restore(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_init(LOG_LEVEL_INFO);
	return 0;
}

static void levels_below_the_wanted_are_silent(void **state)
{
	const char *text;

	(void)state;
	begin_capture();
	log_init(LOG_LEVEL_WARN);
	log_error("one");
	log_warn("two");
	log_info("three");
	log_debug("four");
	text = end_capture();
	assert_non_null(strstr(text, " error one\n"));
	assert_non_null(strstr(text, " warn  two\n"));
	assert_null(strstr(text, "three"));
	assert_null(strstr(text, "four"));
}

static void a_line_has_the_time_and_the_level(void **state)
{
	int hour, minute, second, ms, end = 0;

	(void)state;
	begin_capture();
	log_init(LOG_LEVEL_DEBUG);
	log_debug("number %d", 5);
	assert_int_equal(sscanf(end_capture(), "%2d:%2d:%2d.%3d debug number 5\n%n", &hour, &minute,
				 &second, &ms, &end),
		4);
	assert_true(end > 0 && hour < 24 && minute < 60 && second < 61);
}

static void name_the_journal(void)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void the_journal_gets_priorities(void **state)
{
	(void)state;
	begin_capture();
	name_the_journal();
	log_init(LOG_LEVEL_DEBUG);
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(end_capture(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

static void another_streams_journal_is_not_ours(void **state)
{
	(void)state;
	begin_capture();
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init(LOG_LEVEL_INFO);
	log_error("a");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_init(LOG_LEVEL_INFO);
	log_error("b");
	assert_int_not_equal(*end_capture(), '<');
}

static void control_characters_cannot_forge_a_line(void **state)
{
	(void)state;
	begin_capture();
	name_the_journal();
	log_init(LOG_LEVEL_INFO);
	log_info("%s", "a\nb\rc\x1b[2Jd\x7f\tä");
	assert_string_equal(end_capture(), "<6>a?b?c?[2Jd??ä\n");
}

/* U+009B is ESC [ for some terminals, as a byte of Latin-1 and in any writing of UTF-8. */
static void what_is_no_printable_utf8_commands_no_terminal(void **state)
{
	(void)state;
	begin_capture();
	name_the_journal();
	log_init(LOG_LEVEL_INFO);
	log_info("%s", "a\x9b"
		       "b\xc2\x9b"
		       "c\xe0\x82\x9b"
		       "d\xf0\x80\x82\x9b"
		       "e\xff\xc3");
	log_info("%s", "\xc2\xa0ä€😀\xe2\x82");
	assert_string_equal(end_capture(), "<6>a?b??c???d????e??\n<6>\xc2\xa0ä€😀??\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	char text[5000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin_capture();
	log_init(LOG_LEVEL_INFO);
	log_info("%s", text);
	line = end_capture();
	assert_true(strlen(line) > 400 && strlen(line) <= 512);
	assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
}

static void *write_lines(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_info("%s", (const char *)arg);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static char texts[2][81];
	pthread_t threads[2];
	const char *line;
	int lines = 0;

	(void)state;
	begin_capture();
	name_the_journal();
	log_init(LOG_LEVEL_INFO);
	for (int i = 0; i < 2; i++) {
		memset(texts[i], 'a' + i, 80);
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, texts[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (line = end_capture(); *line; line += 84, lines++) {
		assert_memory_equal(line, "<6>", 3);
		assert_memory_equal(line + 3, texts[line[3] == 'b'], 80);
		assert_int_equal(line[83], '\n');
	}
	assert_int_equal(lines, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(levels_below_the_wanted_are_silent, restore),
		cmocka_unit_test_teardown(a_line_has_the_time_and_the_level, restore),
		cmocka_unit_test_teardown(the_journal_gets_priorities, restore),
		cmocka_unit_test_teardown(another_streams_journal_is_not_ours, restore),
		cmocka_unit_test_teardown(control_characters_cannot_forge_a_line, restore),
		cmocka_unit_test_teardown(what_is_no_printable_utf8_commands_no_terminal, restore),
		cmocka_unit_test_teardown(a_long_line_is_cut_and_still_ends, restore),
		cmocka_unit_test_teardown(lines_of_threads_do_not_mix, restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
