/* SPDX-License-Identifier: MIT */
#include "fcgi/list.h"

#include "tests/capture/support.h"

struct member {
	struct link link;
	int number;
};

static void a_ring_of_one_is_empty(void **state)
{
	struct link ring;

	(void)state;
	list_init(&ring);
	assert_true(list_empty(&ring));
}

static void members_stand_in_order_and_leave_from_anywhere(void **state)
{
	struct member members[4];
	struct link ring;
	int expected[] = {0, 2, 3};

	(void)state;
	list_init(&ring);
	for (int i = 0; i < 4; i++) {
		members[i].number = i;
		list_append(&ring, &members[i].link);
	}
	list_remove(&members[1].link);
	assert_true(list_empty(&members[1].link));
	list_remove(&members[1].link); /* of one that is in none: nothing */
	struct link *link = ring.next;
	for (int i = 0; i < 3; i++, link = link->next) {
		assert_int_equal(((struct member *)link)->number, expected[i]);
		assert_ptr_equal(link->next->prev, link);
	}
	assert_ptr_equal(link, &ring);
	list_remove(&members[0].link);
	list_remove(&members[3].link);
	assert_false(list_empty(&ring));
	list_remove(&members[2].link);
	assert_true(list_empty(&ring));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_of_one_is_empty),
		cmocka_unit_test(members_stand_in_order_and_leave_from_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
