/* SPDX-License-Identifier: MIT */
#include "fcgi/origin.h"

#include "tests/capture/support.h"

static const struct row {
	const char *origin, *site, *host, *allowed;
	bool passes;
} rows[] = {
	/* 1. a listed origin passes, whatever else is said */
	{"https://a.example", "cross-site", "pi:5000", "https://a.example", true},
	{"https://b.example:8443", "cross-site", "pi", "https://a.example,https://b.example:8443",
		true},
	{"HTTPS://A.Example", NULL, "pi", "https://a.example", true},
	{"https://a.example.evil", NULL, "pi", "https://a.example", false},
	{"https://a.exampl", NULL, "pi", "https://a.example", false},
	{"https://a.example:443", NULL, "pi", "https://a.example", false},
	{"", NULL, "pi", "https://a.example", false},
	/* 2. then Sec-Fetch-Site decides, if there is one */
	{"http://other", "same-origin", "pi", NULL, true},
	{"null", "same-origin", "pi", NULL, true},
	{NULL, "none", "pi", NULL, true},
	{NULL, "cross-site", "pi", NULL, false},
	{"http://pi", "cross-site", "pi", NULL, false},
	{"http://pi", "same-site", "pi", NULL, false},
	{"http://pi", "", "pi", NULL, false},
	/* 3. no Origin: a program, not a page */
	{NULL, NULL, "pi", NULL, true},
	{NULL, NULL, NULL, NULL, true},
	/* 4. a page that hides where it is from */
	{"null", NULL, "pi", NULL, false},
	{"null", NULL, "null", NULL, false},
	/* 5. host and port must be ours */
	{"http://pi:5000", NULL, "pi:5000", NULL, true},
	{"http://PI:5000", NULL, "pi:5000", NULL, true},
	{"http://pi", NULL, "pi:80", NULL, true},
	{"http://pi:80", NULL, "pi", NULL, true},
	{"https://pi", NULL, "pi:443", NULL, true},
	{"https://pi:443", NULL, "pi", NULL, true},
	{"http://[::1]:5000", NULL, "[::1]:5000", NULL, true},
	{"http://[::1]", NULL, "[::1]:80", NULL, true},
	{"http://pi:5000", NULL, "pi", NULL, false},
	{"http://pi", NULL, "pi:5000", NULL, false},
	{"http://pi", NULL, "pi:443", NULL, false},
	{"https://pi", NULL, "pi:80", NULL, false},
	{"http://pi.evil", NULL, "pi", NULL, false},
	{"http://pi", NULL, "pi.lan", NULL, false},
	{"http://evil", NULL, "pi", NULL, false},
	{"http://pi", NULL, NULL, NULL, false},
	{"http://", NULL, "", NULL, false},
	{"pi", NULL, "pi", NULL, false},
	{"chrome-extension://pi", NULL, "pi", NULL, false},
};

static void the_first_rule_that_matches_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct origin_facts facts = {row->origin, row->site, row->host, row->allowed};
		char why[300] = "";

		if (origin_may_post(&facts, why, sizeof(why)) != row->passes)
			fail_msg("row %zu: %s: %s", i, row->origin, why);
		assert_true(row->passes || *why);
		assert_null(strchr(why, '\n'));
	}
}

static void a_refusal_names_both_values(void **state)
{
	const struct origin_facts facts = {.origin = "http://evil.example", .host = "pi:5000"};
	char why[300], small[10];

	(void)state;
	assert_false(origin_may_post(&facts, why, sizeof(why)));
	assert_non_null(strstr(why, "http://evil.example"));
	assert_non_null(strstr(why, "pi:5000"));
	assert_false(origin_may_post(&facts, small, sizeof(small)));
	assert_int_equal(strlen(small), 9);
}

static void the_list_is_matched_whole(void **state)
{
	(void)state;
	assert_true(origin_listed("http://a", "http://a"));
	assert_true(origin_listed("http://a,http://b", "http://b"));
	assert_false(origin_listed("http://a,http://b", "http://a,http://b"));
	assert_false(origin_listed("http://a,http://b", "http://"));
	assert_false(origin_listed("", ""));
	assert_false(origin_listed("http://a", NULL));
	assert_false(origin_listed(NULL, "http://a"));
	assert_false(origin_listed(NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(a_refusal_names_both_values),
		cmocka_unit_test(the_list_is_matched_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
