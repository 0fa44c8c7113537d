/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include "tests/capture/support.h"

#include <poll.h>
#include <sys/stat.h>

static char directory[64], path[96], device[128];
static struct frame *small, *large;

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "%s", make_dir());
	snprintf(path, sizeof(path), "%s/clip.mjpeg", directory);
	snprintf(device, sizeof(device), "file:%s", path);
	small = small_jpeg(32, 16);
	large = small_jpeg(64, 48);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	rmdir(path);
	rmdir(directory);
	frame_unref(small);
	frame_unref(large);
	return 0;
}

static struct source *open_file(struct fault *fault)
{
	const struct source_options options = {
		.device = device, .width = 1280, .height = 720, .fps = 200};

	return source_file.open(&options, fault);
}

static void write_clip(const char *middle, size_t size)
{
	FILE *file = fopen(path, "we");

	fwrite(small->data, 1, small->size, file);
	fwrite(middle, 1, size, file);
	fwrite(large->data, 1, large->size, file);
	assert_int_equal(fclose(file), 0);
}

static void expect_next(struct source *source, const struct frame *expected)
{
	struct pollfd fd = {.fd = source->fd, .events = POLLIN};
	struct image image;
	struct fault fault;

	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_int_equal(source->ops->next(source, &image, &fault), 1);
	assert_int_equal(image.fourcc, FOURCC_MJPG);
	assert_int_equal(image.size, expected->size);
	assert_memory_equal(image.data, expected->data, expected->size);
}

static void expect_fault(enum camera_state state, const char *words)
{
	struct fault fault;

	assert_null(open_file(&fault));
	assert_int_equal(fault.state, state);
	assert_non_null(strstr(fault.reason, words));
}

static void a_clip_is_looped(void **state)
{
	struct fault fault;
	struct source *source;

	(void)state;
	write_clip("", 0);
	source = open_file(&fault);
	assert_non_null(source);
	assert_string_equal(source->info.device, device);
	assert_string_equal(source->info.driver, "file");
	assert_string_equal(source->info.format, "MJPG");
	assert_int_equal(source->info.width, 32); /* the first picture's */
	assert_int_equal(source->info.height, 16);
	for (int i = 0; i < 3; i++) {
		expect_next(source, small);
		expect_next(source, large);
	}
	source->ops->close(source);
}

static void a_single_picture_is_repeated(void **state)
{
	struct fault fault;
	struct source *source;

	(void)state;
	write_file(path, large->data, large->size);
	source = open_file(&fault);
	assert_non_null(source);
	for (int i = 0; i < 3; i++)
		expect_next(source, large);
	source->ops->close(source);
}

static void what_is_no_picture_is_stepped_over(void **state)
{
	char garbage[5000] = "\xff\xd8 a picture that was cut";
	struct fault fault;
	struct source *source;

	(void)state;
	write_clip(garbage, sizeof(garbage));
	source = open_file(&fault);
	assert_non_null(source);
	expect_next(source, small);
	expect_next(source, large);
	expect_next(source, small);
	source->ops->close(source);
}

/* It is held in memory. */
static void the_file_may_change_meanwhile(void **state)
{
	struct fault fault;
	struct source *source;

	(void)state;
	write_clip("", 0);
	source = open_file(&fault);
	write_file(path, "", 0);
	expect_next(source, small);
	expect_next(source, large);
	source->ops->close(source);
}

static void each_error_says_what_is_wrong(void **state)
{
	(void)state;
	expect_fault(CAMERA_NO_DEVICE, "No such file");
	write_file(path, "", 0);
	expect_fault(CAMERA_ERROR, "no JPEG picture in it");
	write_file(path, "hello", 5);
	expect_fault(CAMERA_ERROR, "no JPEG picture in it");
	write_file(path, small->data, small->size - 2);
	expect_fault(CAMERA_ERROR, "no JPEG picture in it");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_fault(CAMERA_ERROR, "Invalid argument");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_fault(CAMERA_ERROR, "directory");
}

static void a_probe_looks_without_opening(void **state)
{
	const struct source_options options = {.device = device};
	struct source_info info;
	struct fault fault;

	(void)state;
	assert_int_equal(source_file.probe(&options, &info, &fault), -1);
	assert_int_equal(fault.state, CAMERA_NO_DEVICE);
	write_clip("", 0);
	assert_int_equal(source_file.probe(&options, &info, &fault), 0);
	assert_string_equal(info.device, device);
	assert_string_equal(info.card, path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_clip_is_looped),
		TEST(a_single_picture_is_repeated),
		TEST(what_is_no_picture_is_stepped_over),
		TEST(the_file_may_change_meanwhile),
		TEST(each_error_says_what_is_wrong),
		TEST(a_probe_looks_without_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
