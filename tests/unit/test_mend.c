/* The rounds of a repair: which fixes go together, which are dropped, and what is said of
 * each (tests/lib/laws.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/laws.h"

#include "base/banned.h"

static void a_clean_input_is_left_alone(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "....", l);
	assert_untouched(&b);
	assert_int_equal(b.mend.items.n, 0);
	assert_int_equal(b.mend.remaining.v.n, 0);
	bench_free(&b);
}

static void fixes_of_one_round_go_together(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_NOTE, FIX_SAFE), 2, 'Y', 2, ",", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.Y.", l);
	assert_becomes(&b, "..,.");
	assert_true(b.mend.changed);
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_string_equal(item(&b, "b")->title, "write ,");
	assert_int_equal(item(&b, "b")->round, 1);
	assert_int_equal(b.mend.remaining.v.n, 0);
	bench_free(&b);
}

static void edits_know_the_finding_that_they_are_for(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_ptr_equal(b.mend.plan.edits.v[0].because, b.mend.items.v[0].finding);
	assert_ptr_equal(b.mend.plan.edits.v[0].at.src, &b.unit.src);
	assert_ptr_equal(b.mend.items.v[0].finding->at.src, &b.unit.src);
	assert_string_equal(b.mend.items.v[0].finding->message, "letter 0 is X");
	bench_free(&b);
}

static void only_the_allowed_classes_are_fixed(void **state)
{
	const struct law l[] = {
		{ RULE("lossy", SEV_ERROR, FIX_LOSSY), 0, 'X', 0, ".", 0 },
		{ RULE("manual", SEV_ERROR, FIX_MANUAL), 1, 'X', 1, ".", 0 },
		{ RULE("safe", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
		{ RULE("unsafe", SEV_ERROR, FIX_UNSAFE), 3, 'X', 3, ".", 0 },
		END
	};
	static const char *const becomes[] = { "XX.X", "XX..", ".X.." };
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		bench_init(&b, 'i', "XXXX", l);
		b.policy.level = FIX_SAFE + i;
		bench_plan(&b);
		assert_becomes(&b, becomes[i]);
		assert_outcome(&b, "manual", OUTCOME_NO_FIX);
		assert_int_equal(b.mend.items.n, 4);
		bench_free(&b);
	}
}

static bool only_b(const struct rule *r, const void *ctx)
{
	return strcmp(r->id, ctx) == 0;
}

static void only_wanted_rules_are_fixed(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_init(&b, 'i', "XX..", l);
	b.policy.wanted = only_b;
	b.policy.ctx = "b";
	bench_plan(&b);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_NO_FIX);
	bench_free(&b);
}

static void a_fix_that_declines_is_left_with_its_reason(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, NULL, 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XX..", l);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_DECLINED);
	assert_string_equal(item(&b, "a")->reason, "no room for a");
	assert_int_equal(b.mend.remaining.v.n, 1);
	bench_free(&b);
}

static void a_fix_that_does_not_cure_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 1, "!", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_string_equal(item(&b, "a")->reason, "a would still say: letter 0 is X");
	bench_free(&b);
}

static void a_fix_that_brings_an_error_is_unproven(void **state)
{
	const struct law l[] = { { RULE("a", SEV_WARNING, FIX_SAFE), 0, 'X', 0, ".Z", 0 },
				 { RULE("b", SEV_ERROR, FIX_NONE), 1, 'Z', 1, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_string_equal(item(&b, "a")->reason, "it would bring b: letter 1 is Z");
	bench_free(&b);
}

static void one_bad_fix_does_not_spoil_the_others(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 4, "!", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
				 { RULE("d", SEV_ERROR, FIX_SAFE), 3, 'X', 3, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XXXX.", l);
	assert_becomes(&b, ".X...");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_UNPROVEN);
	assert_outcome(&b, "c", OUTCOME_FIXED);
	assert_outcome(&b, "d", OUTCOME_FIXED);
	assert_int_equal(b.mend.remaining.v.n, 1);
	bench_free(&b);
}

static void what_the_next_round_fixes_is_a_step_on_the_way(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, "....");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_int_equal(item(&b, "b")->round, 2);
	/* Its place is shown in what the first round made, which still can be read. */
	assert_int_equal(item(&b, "b")->finding->at.off, 0);
	assert_int_equal(item(&b, "b")->finding->at.src->patch->v[0].bytes.p[0], 'Y');
	bench_free(&b);
}

static void a_warning_that_nothing_will_fix_is_a_veto(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_UNSAFE), 0, 'Y', 0, ".",
				   0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	bench_free(&b);
}

static void a_warning_whose_fix_fails_takes_its_cause_back(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, NULL, 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, "X...");
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_outcome(&b, "c", OUTCOME_FIXED);
	assert_int_equal(b.mend.items.n, 2);
	bench_free(&b);
}

static void a_new_note_is_no_veto(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_NOTE, FIX_NONE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, "Y...");
	assert_outcome(&b, "b", OUTCOME_NO_FIX);
	assert_int_equal(b.mend.remaining.v.n, 1);
	assert_ptr_equal(b.mend.remaining.v.v[0]->at.src, &b.mend.last->src);
	bench_free(&b);
}

static void fixes_that_undo_each_other_end(void **state)
{
	const struct law l[] = { { RULE("a", SEV_WARNING, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, "X", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	assert_int_equal(b.mend.items.n, 1);
	bench_free(&b);
}

static void fixes_that_collide_wait_for_the_next_round(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "..", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 2, 'X', 1, ",,", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, ".,,.");
	assert_outcome(&b, "a", OUTCOME_FIXED);
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_int_equal(b.mend.items.n, 2);
	bench_free(&b);
}

static void rounds_compose_with_the_later_stage(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y..", STAGE_COMMIT },
		{ RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", STAGE_TABLES },
		END
	};
	struct bench b;

	(void)state;
	bench_mend(&b, "X234", l);
	assert_becomes(&b, "...4");
	for (size_t i = 0; i < b.mend.plan.edits.n; i++)
		assert_int_equal(b.mend.plan.edits.v[i].stage, STAGE_COMMIT);
	bench_free(&b);
}

static void bytes_that_are_there_already_are_not_written(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y2", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X234", l);
	assert_becomes(&b, ".234");
	assert_int_equal(b.mend.plan.edits.n, 1);
	assert_int_equal(b.mend.plan.edits.v[0].at.len, 1);
	bench_free(&b);
}

static void what_another_fix_made_go_away_is_fixed_without_a_title(void **state)
{
	/* c does not cure, so that b is first tried with the others and then finds that
	 * it is gone. */
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "..", 0 },
				 { RULE("b", SEV_ERROR, FIX_SAFE), 1, 'X', 4, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 3, ".", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "XXX..", l);
	assert_becomes(&b, "..X..");
	assert_outcome(&b, "b", OUTCOME_FIXED);
	assert_null(item(&b, "b")->title);
	assert_string_equal(item(&b, "b")->reason, "gone with the fix of a");
	bench_free(&b);
}

static void an_image_may_grow(void **state)
{
	const struct law l[] = {
		{ RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, ".12345", 0 }, END
	};
	struct bench b;

	(void)state;
	bench_mend(&b, "X...", l);
	assert_becomes(&b, ".12345");
	bench_free(&b);
}

static void too_many_rounds_end_with_what_was_proven(void **state)
{
	enum { STEPS = MEND_ROUNDS + 2 };
	struct law l[STEPS + 1] = { 0 };
	static const char *const ids[] = { "a", "b", "c", "d", "e",
					   "f", "g", "h", "i", "j" };
	static const char *const puts[] = { "B", "C", "D", "E", "F",
					    "G", "H", "I", "J", "." };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < STEPS; i++)
		l[i] = (struct law){ RULE(ids[i], SEV_WARNING, FIX_SAFE),
				     0,
				     (char)('A' + i),
				     0,
				     puts[i],
				     0 };
	bench_mend(&b, "A...", l);
	/* No end in sight: the warnings on the way would remain, so none was allowed. */
	assert_untouched(&b);
	assert_outcome(&b, "a", OUTCOME_UNPROVEN);
	bench_free(&b);
}

static void a_mended_input_needs_nothing(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 3, "!", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_mend(&b, "X.X.", l);
	assert_becomes(&b, "..X.");
	bench_free(&b);
	bench_mend(&b, "..X.", l);
	assert_untouched(&b);
	bench_free(&b);
}

static void a_text_is_mended_as_a_whole(void **state)
{
	const struct law l[] = { { RULE("a", SEV_ERROR, FIX_SAFE), 0, 'X', 0, "Y", 0 },
				 { RULE("b", SEV_WARNING, FIX_SAFE), 0, 'Y', 0, ".", 0 },
				 { RULE("c", SEV_ERROR, FIX_SAFE), 2, 'X', 2, "-", 0 },
				 END };
	struct bench b;

	(void)state;
	bench_init(&b, 't', "X.X.", l);
	bench_plan(&b);
	assert_true(b.mend.changed);
	assert_int_equal(b.mend.text.n, 4);
	assert_memory_equal(b.mend.text.p, "..-.", 4);
	assert_memory_equal(item(&b, "b")->finding->at.src->mem.p, "Y.-.", 4);
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_input_is_left_alone),
		cmocka_unit_test(fixes_of_one_round_go_together),
		cmocka_unit_test(edits_know_the_finding_that_they_are_for),
		cmocka_unit_test(only_the_allowed_classes_are_fixed),
		cmocka_unit_test(only_wanted_rules_are_fixed),
		cmocka_unit_test(a_fix_that_declines_is_left_with_its_reason),
		cmocka_unit_test(a_fix_that_does_not_cure_is_unproven),
		cmocka_unit_test(a_fix_that_brings_an_error_is_unproven),
		cmocka_unit_test(one_bad_fix_does_not_spoil_the_others),
		cmocka_unit_test(what_the_next_round_fixes_is_a_step_on_the_way),
		cmocka_unit_test(a_warning_that_nothing_will_fix_is_a_veto),
		cmocka_unit_test(a_warning_whose_fix_fails_takes_its_cause_back),
		cmocka_unit_test(a_new_note_is_no_veto),
		cmocka_unit_test(fixes_that_undo_each_other_end),
		cmocka_unit_test(fixes_that_collide_wait_for_the_next_round),
		cmocka_unit_test(rounds_compose_with_the_later_stage),
		cmocka_unit_test(bytes_that_are_there_already_are_not_written),
		cmocka_unit_test(what_another_fix_made_go_away_is_fixed_without_a_title),
		cmocka_unit_test(an_image_may_grow),
		cmocka_unit_test(too_many_rounds_end_with_what_was_proven),
		cmocka_unit_test(a_mended_input_needs_nothing),
		cmocka_unit_test(a_text_is_mended_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
