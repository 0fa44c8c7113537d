/* SPDX-License-Identifier: MIT */
#include "capture/jpeg_tidy.h"

#include "tests/capture/decode.h"
#include "tests/capture/support.h"

#define WIDTH 64
#define HEIGHT 48

/* A good JPEG in a block of exactly its size, so that the sanitizers see a byte too far. */
struct bytes {
	uint8_t *data;
	size_t size;
};

static struct bytes good, progressive;

static struct bytes compress(bool progression)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	uint8_t *data = NULL;
	unsigned long size = 0;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &data, &size);
	jpeg.image_width = WIDTH;
	jpeg.image_height = HEIGHT;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	if (progression)
		jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	while (jpeg.next_scanline < HEIGHT) {
		uint8_t line[3 * WIDTH];
		JSAMPROW row = line;
		for (unsigned i = 0; i < sizeof(line); i++)
			line[i] = (uint8_t)(i * jpeg.next_scanline * 37 >> 3);
		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	return (struct bytes){data, size};
}

static struct bytes copy_of(const struct bytes *from)
{
	struct bytes copy = {malloc(from->size), from->size};
	memcpy(copy.data, from->data, from->size);
	return copy;
}

/* A copy of `from` with `size` bytes put in at `at`. */
static struct bytes with(const struct bytes *from, size_t at, const void *more, size_t size)
{
	struct bytes all = {malloc(from->size + size), from->size + size};
	memcpy(all.data, from->data, at);
	memcpy(all.data + at, more, size);
	memcpy(all.data + at + size, from->data + at, from->size - at);
	return all;
}

/* Where the first segment with this marker begins, walking the headers. */
static size_t find(const struct bytes *in, uint8_t marker)
{
	size_t at = 2;
	while (in->data[at + 1] != marker) {
		assert_int_not_equal(in->data[at + 1], 0xda);
		at += 2 + (size_t)(in->data[at + 2] << 8 | in->data[at + 3]);
	}
	return at;
}

static struct bytes without_tables(const struct bytes *from)
{
	struct bytes out = copy_of(from);
	for (int i = 0; i < 4; i++) {
		size_t at = find(&out, 0xc4);
		size_t size = 2 + (size_t)(out.data[at + 2] << 8 | out.data[at + 3]);
		memmove(out.data + at, out.data + at + size, out.size - at - size);
		out.size -= size;
	}
	out.data = realloc(out.data, out.size);
	return out;
}

static void expect(struct bytes in, enum jpeg_verdict verdict)
{
	struct jpeg_tidy tidy;
	assert_int_equal(jpeg_tidy(in.data, in.size, &tidy), verdict);
	free(in.data);
}

/* in is a picture, and tidied it is `wanted`, byte for byte. */
static void expect_tidied(struct bytes in, const struct bytes *wanted)
{
	struct jpeg_tidy tidy;
	assert_int_equal(jpeg_tidy(in.data, in.size, &tidy), JPEG_OK);
	assert_int_equal(tidy.width, WIDTH);
	assert_int_equal(tidy.height, HEIGHT);
	assert_int_equal(jpeg_tidy_size(&tidy), wanted->size);
	uint8_t *out = malloc(wanted->size);
	jpeg_tidy_copy(out, in.data, &tidy);
	assert_memory_equal(out, wanted->data, wanted->size);
	free(out);
	free(in.data);
}

static void a_good_picture_is_left_alone(void **state)
{
	(void)state;
	expect_tidied(copy_of(&good), &good);
	expect_tidied(copy_of(&progressive), &progressive);
}

static void padding_and_garbage_behind_it_go(void **state)
{
	static const uint8_t zeros[4096], garbage[] = "\xff\xff\xd8\xff\xe0 rubbish \xff\xd9";
	(void)state;
	expect_tidied(with(&good, good.size, zeros, sizeof(zeros)), &good);
	expect_tidied(with(&good, good.size, garbage, sizeof(garbage)), &good);
	expect_tidied(with(&good, good.size, good.data, good.size), &good);
}

static void little_junk_before_it_goes(void **state)
{
	uint8_t junk[JPEG_MAX_JUNK + 1];
	(void)state;
	memset(junk, 0xff, sizeof(junk));
	expect_tidied(with(&good, 0, junk, 1), &good);
	expect_tidied(with(&good, 0, junk, JPEG_MAX_JUNK), &good);
	expect(with(&good, 0, junk, JPEG_MAX_JUNK + 1), JPEG_NOT_JPEG);
}

/* The tables libjpeg writes are the standard ones, so what comes back must decode alike. */
static void missing_tables_are_put_in(void **state)
{
	struct bytes bare = without_tables(&good);
	struct jpeg_tidy tidy;
	struct decoded before, after;
	(void)state;
	assert_int_equal(jpeg_tidy(bare.data, bare.size, &tidy), JPEG_OK);
	assert_int_equal(tidy.dht_at, find(&bare, 0xda));
	assert_int_equal(jpeg_tidy_size(&tidy), bare.size + 420);
	struct bytes whole = {malloc(bare.size + 420), bare.size + 420};
	jpeg_tidy_copy(whole.data, bare.data, &tidy);
	decode(good.data, good.size, &before);
	decode(whole.data, whole.size, &after);
	assert_int_equal(after.warnings, 0);
	assert_memory_equal(after.samples, before.samples, (size_t)3 * WIDTH * HEIGHT);
	expect_tidied(copy_of(&whole), &whole);
	expect_tidied(bare, &whole);
	free(whole.data);
	free(before.samples);
	free(after.samples);
}

static void junk_padding_and_missing_tables_at_once(void **state)
{
	static const uint8_t zeros[100];
	struct bytes bare = without_tables(&good), front = with(&bare, 0, zeros, 7);
	struct bytes both = with(&front, front.size, zeros, sizeof(zeros)), whole;
	struct jpeg_tidy tidy;
	(void)state;
	jpeg_tidy(bare.data, bare.size, &tidy);
	whole = (struct bytes){malloc(jpeg_tidy_size(&tidy)), jpeg_tidy_size(&tidy)};
	jpeg_tidy_copy(whole.data, bare.data, &tidy);
	expect_tidied(both, &whole);
	free(bare.data);
	free(front.data);
	free(whole.data);
}

static void cut_anywhere_it_is_truncated(void **state)
{
	(void)state;
	for (size_t size = 0; size < good.size; size++) {
		struct bytes cut = {malloc(size), size};
		memcpy(cut.data, good.data, size);
		expect(cut, size < 3 ? JPEG_NOT_JPEG : JPEG_TRUNCATED);
	}
	for (size_t size = 3; size < progressive.size; size++) {
		struct bytes cut = {malloc(size), size};
		memcpy(cut.data, progressive.data, size);
		expect(cut, JPEG_TRUNCATED);
	}
}

static void cut_and_filled_up_it_is_truncated(void **state)
{
	struct bytes cut = {good.data, good.size / 2};
	uint8_t zeros[500] = {0};
	(void)state;
	expect(with(&cut, cut.size, zeros, sizeof(zeros)), JPEG_TRUNCATED);
	/* The next picture began in the middle of this one. */
	expect(with(&cut, cut.size, good.data, good.size), JPEG_TRUNCATED);
	/* EOI right behind the scan's header: no data at all. */
	cut.size = find(&good, 0xda) + 2 + 12;
	expect(with(&cut, cut.size, "\xff\xd9", 2), JPEG_TRUNCATED);
}

static void thumbnails_are_not_the_picture(void **state)
{
	uint8_t head[4] = {0xff, 0xe1};
	(void)state;
	head[2] = (uint8_t)((progressive.size + 2) >> 8);
	head[3] = (uint8_t)(progressive.size + 2);
	struct bytes app1 = with(&progressive, 0, head, 4);
	struct bytes both = with(&good, 2, app1.data, app1.size);
	expect_tidied(copy_of(&both), &both);
	/* The thumbnail alone has scans: cut behind it nothing may be found. */
	both.size = 2 + app1.size + 20;
	expect(both, JPEG_TRUNCATED);
	free(app1.data);
}

static void other_codings_pass(void **state)
{
	struct bytes patched = copy_of(&good);
	(void)state;
	patched.data[find(&good, 0xc0) + 4] = 12; /* precision */
	expect_tidied(copy_of(&patched), &patched);
	patched.data[find(&good, 0xc0) + 1] = 0xc9; /* arithmetic */
	expect_tidied(copy_of(&patched), &patched);
	free(patched.data);
	/* No Huffman tables are put where none are used. */
	patched = without_tables(&good);
	patched.data[find(&patched, 0xc0) + 1] = 0xc9;
	expect_tidied(copy_of(&patched), &patched);
	free(patched.data);
}

static void restarts_fill_and_stray_bytes_pass(void **state)
{
	size_t scan = find(&good, 0xda) + 2 + 12;
	(void)state;
	struct bytes more = with(&good, scan + 20, "\xff\xd0\xff\xff\xff\xd7\xff\x01\xff\x00", 10);
	expect_tidied(copy_of(&more), &more);
	free(more.data);
	more = with(&good, find(&good, 0xdb), "stray\xff\xff\xff", 8);
	expect_tidied(copy_of(&more), &more);
	free(more.data);
}

static void no_size_no_picture(void **state)
{
	size_t sof = find(&good, 0xc0);
	(void)state;
	for (size_t at = sof + 5; at < sof + 9; at += 2) {
		struct bytes zero = copy_of(&good);
		zero.data[at] = zero.data[at + 1] = 0;
		expect(zero, JPEG_NOT_JPEG);
	}
}

static void broken_headers_are_no_picture(void **state)
{
	static uint8_t nothing[1];
	static const uint8_t texts[][12] = {"", "\xff\xd8", "GIF89a", "\xff\xd8\xff\xd9"};
	size_t sof = find(&good, 0xc0), sos = find(&good, 0xda);
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		expect(with(&(struct bytes){nothing, 0}, 0, texts[i], 12), JPEG_NOT_JPEG);
	struct bytes bad = copy_of(&good);
	bad.data[sof + 1] = 0xe5; /* no SOF at all */
	expect(copy_of(&bad), JPEG_NOT_JPEG);
	bad.data[sos + 1] = 0xe6; /* and no SOS */
	expect(bad, JPEG_NOT_JPEG);
	bad = copy_of(&good);
	bad.data[sos + 1] = 0xe6; /* SOF, but no scan */
	expect(bad, JPEG_TRUNCATED);
	bad = copy_of(&good);
	bad.data[sof + 9] = 200; /* more components than the segment has */
	expect(bad, JPEG_NOT_JPEG);
	bad = copy_of(&good);
	bad.data[sos + 4] = 4;
	expect(bad, JPEG_NOT_JPEG);
	bad = copy_of(&good);
	bad.data[sof + 2] = bad.data[sof + 3] = 0; /* a length that does not count itself */
	expect(bad, JPEG_NOT_JPEG);
	expect(with(&good, sos, good.data + sof, 19), JPEG_NOT_JPEG); /* a second SOF */
}

static void nothing_is_not_jpeg(void **state)
{
	struct jpeg_tidy tidy;
	(void)state;
	assert_int_equal(jpeg_tidy(NULL, 0, &tidy), JPEG_NOT_JPEG);
}

static int set_up(void **state)
{
	(void)state;
	good = compress(false);
	progressive = compress(true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(good.data);
	free(progressive.data);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_picture_is_left_alone),
		cmocka_unit_test(padding_and_garbage_behind_it_go),
		cmocka_unit_test(little_junk_before_it_goes),
		cmocka_unit_test(missing_tables_are_put_in),
		cmocka_unit_test(junk_padding_and_missing_tables_at_once),
		cmocka_unit_test(cut_anywhere_it_is_truncated),
		cmocka_unit_test(cut_and_filled_up_it_is_truncated),
		cmocka_unit_test(thumbnails_are_not_the_picture),
		cmocka_unit_test(other_codings_pass),
		cmocka_unit_test(restarts_fill_and_stray_bytes_pass),
		cmocka_unit_test(no_size_no_picture),
		cmocka_unit_test(broken_headers_are_no_picture),
		cmocka_unit_test(nothing_is_not_jpeg),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
