/* SPDX-License-Identifier: MIT */
#include "fcgi/query.h"

#include "tests/capture/support.h"

static void expect(const char *text, const char *name, const char *expected)
{
	char value[256];

	if (!expected) {
		assert_false(query_get(text, name, value, sizeof(value)));
		return;
	}
	assert_true(query_get(text, name, value, sizeof(value)));
	assert_string_equal(value, expected);
}

static void parameters_are_found(void **state)
{
	(void)state;
	expect("fps=5", "fps", "5");
	expect("fps=5&frames=3", "frames", "3");
	expect("a=1&b=two%20words", "b", "two words");
	expect("a=b=c", "a", "b=c");
	expect("&&a=1&&", "a", "1");
	expect("a=1&a=2", "a", "2");
}

static void what_is_not_there_is_not_found(void **state)
{
	(void)state;
	expect(NULL, "a", NULL);
	expect("", "a", NULL);
	expect("a", "a", NULL);
	expect("a=", "a", NULL);
	expect("=1", "", NULL);
	expect("ab=1", "a", NULL);
	expect("A=1", "a", NULL);
	expect("1608856928650&fps=2", "1608856928650", NULL);
	expect("1608856928650&fps=2", "fps", "2");
	expect("a=1&a", "a", "1"); /* the later one has no value */
}

static void values_are_decoded(void **state)
{
	(void)state;
	expect("a=%41%4a%6B", "a", "AJk");
	expect("a=1+2", "a", "1 2");
	expect("a=%2B%26%3D%25", "a", "+&=%");
	expect("%61%62=1", "ab", "1");
	expect("a=%C3%A4", "a", "ä");
	expect("a=x%00y", "a", "x");
}

static void broken_escapes_stay_as_they_are(void **state)
{
	(void)state;
	expect("a=%", "a", "%");
	expect("a=%4", "a", "%4");
	expect("a=%4&b=1", "a", "%4");
	expect("a=%zz", "a", "%zz");
	expect("a=%4g1", "a", "%4g1");
}

static void long_values_are_cut(void **state)
{
	char name[4], value[4], text[2000] = "abcdef=";
	struct query query = {text};

	(void)state;
	memset(text + 7, 'v', sizeof(text) - 8);
	assert_true(query_next(&query, name, sizeof(name), value, sizeof(value)));
	assert_string_equal(name, "abc");
	assert_string_equal(value, "vvv");
	assert_false(query_next(&query, name, sizeof(name), value, sizeof(value)));
	assert_true(query_get(text, "abcdef", value, sizeof(value)));
	assert_string_equal(value, "vvv");
}

static void all_come_in_order(void **state)
{
	struct query query = {"x=1&skip&y=2&=3&z=&w=4"};
	char name[8], value[8], all[32] = "";

	(void)state;
	while (query_next(&query, name, sizeof(name), value, sizeof(value))) {
		strcat(all, name);
		strcat(all, value);
	}
	assert_string_equal(all, "x1y2w4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(values_are_decoded),
		cmocka_unit_test(broken_escapes_stay_as_they_are),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(all_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
