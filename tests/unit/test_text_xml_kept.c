/* Edits of XML by meaning: no byte moves but those of the edit, for every fact of a domain in
 * every style that it is written in, and the judge that watches over it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/xml_edit.h"

#include "analyze/config/lens.h"
#include "rewrite/prove.h"

#include "base/banned.h"

/* ---- every fact of many texts ---- */

enum { FACTS_MAX = 200 };

struct facts {
	const struct fact *v[FACTS_MAX];
	size_t n;
};

static void add_facts(struct facts *all, const struct fact *first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* What libvirt has no word for. */
		if (!first[i].lens)
			continue;
		assert_true(all->n < FACTS_MAX);
		all->v[all->n++] = first + i;
	}
}

/* From one member to another of the same struct, both included. */
#define ADD_FACTS(all, object, from, to)                                                 \
	add_facts((all), &(object)->from, (size_t)(&(object)->to - &(object)->from) + 1)

static struct facts facts_of(const struct vm *vm)
{
	struct facts all = { .n = 0 };

	ADD_FACTS(&all, vm, name, ioapic);
	for (size_t i = 0; i < vm->ndisks; i++)
		ADD_FACTS(&all, &vm->disks[i], device, physical_block_size);
	for (size_t i = 0; i < vm->niommus; i++)
		ADD_FACTS(&all, &vm->iommus[i], model, dma_translation);
	for (size_t i = 0; i < vm->nhostdevs; i++)
		ADD_FACTS(&all, &vm->hostdevs[i], mode, driver);
	return all;
}

static bool is_presence(const struct fact *f)
{
	return str_ends(str_of(f->lens->path), "?");
}

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return (x->at.off > y->at.off) - (x->at.off < y->at.off);
}

/* Bytes that no edit covers stand in both texts, in the same order. */
static void assert_rest_is_kept(struct doc *d, struct str after)
{
	size_t from = 0, at = 0, run;

	sort_stable(d->plan.edits.v, d->plan.edits.n, sizeof(struct edit), by_offset);
	for (size_t i = 0; i < d->plan.edits.n; i++) {
		const struct edit *e = &d->plan.edits.v[i];

		run = (size_t)e->at.off - from;
		assert_true(at + run + e->bytes.n <= after.n);
		assert_memory_equal(d->text.p + from, after.p + at, run);
		at += run + e->bytes.n;
		from = (size_t)span_end(e->at);
	}
	assert_int_equal(d->text.n - from, after.n - at);
	assert_memory_equal(d->text.p + from, after.p + at, after.n - at);
}

static void assert_judged(struct doc *d, struct str after, const struct fact *f)
{
	const char *why;

	assert_true(xml_accepts(str_bytes(after)));
	if (!judge_xml(d->text, str_bytes(after), &d->plan, &d->arena, &why))
		fail_msg("%s: %s\n%.*s", f->lens->field, why, STR_ARG(after));
	assert_rest_is_kept(d, after);
}

/* Sets fact i and reads it back; sets it again, which must change nothing. */
static bool set_and_read_back(struct str text, size_t i, const char *value)
{
	struct doc d, again;
	const struct fact *f;
	struct str after;
	bool done;

	doc_read(&d, text);
	f = facts_of(d.vm).v[i];
	if (is_presence(f))
		value = "yes";
	done = plan_set(&d.plan, f, value);
	if (done) {
		after = doc_result(&d);
		assert_judged(&d, after, f);
		doc_read(&again, after);
		f = facts_of(again.vm).v[i];
		if (!fact_is(f, value))
			fail_msg("%s is not '%s' in:\n%.*s", f->lens->field, value,
				 STR_ARG(after));
		assert_true(plan_set(&again.plan, f, value));
		assert_int_equal(again.plan.edits.n, 0);
		doc_done(&again);
	}
	doc_done(&d);
	return done;
}

static bool remove_and_read_back(struct str text, size_t i)
{
	struct doc d, again;
	const struct fact *f;
	struct str after;
	bool done;

	doc_read(&d, text);
	f = facts_of(d.vm).v[i];
	done = plan_remove(&d.plan, f);
	if (done) {
		after = doc_result(&d);
		assert_judged(&d, after, f);
		doc_read(&again, after);
		f = facts_of(again.vm).v[i];
		if (!fact_absent(f))
			fail_msg("%s is still there in:\n%.*s", f->lens->field,
				 STR_ARG(after));
		assert_true(plan_remove(&again.plan, f));
		assert_int_equal(again.plan.edits.n, 0);
		doc_done(&again);
	}
	doc_done(&d);
	return done;
}

static const char base_text[] =
	"<?xml version='1.0' encoding='UTF-8'?>\n"
	"<!-- made by hand -->\n"
	"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
	"  <name>Gäste</name> <!-- a name -->\n"
	"  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n"
	"\n"
	"  <os>\n"
	"    <type arch='x86_64' machine='q35'>hvm</type>\n"
	"  </os>\n"
	"  <!-- features: <acpi/> was here -->\n"
	"  <cpu mode='host-passthrough'/>\n"
	"  <devices>\n"
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2' cache='none'/>\n"
	"      <source file='/vm/a &amp; b.qcow2'/><!-- two images -->\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='file' device='cdrom'>\n"
	"      <target dev='sda' bus='sata'/>\n"
	"      <readonly/>\n"
	"    </disk>\n"
	"    <disk device='disk'>\n"
	"    </disk>\n"
	"    <hostdev mode='subsystem' type='pci' managed='yes'>\n"
	"      <source>\n"
	"        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n"
	"      </source>\n"
	"    </hostdev>\n"
	"    <interface type='hostdev'/>\n"
	"    <iommu model='intel'>\n"
	"      <driver intremap='on' iotlb='on'/>\n"
	"    </iommu>\n"
	"    <iommu model='virtio'/>\n"
	"  </devices>\n"
	"  <qemu:commandline>\n"
	"    <qemu:arg value='-s'/>\n"
	"  </qemu:commandline>\n"
	"</domain>\n";

/* How people and programs write the same domain. */
struct variant {
	const char *from, *to; /* NULL: as the one above; the replacements add up */
	bool fresh;            /* starts from base_text */
};

static const struct variant variants[] = {
	{ "\n", "\n", true },
	{ "  ", "\t", true },
	{ "\n", "\r\n", true },
	{ "  ", "\t", false },
	{ "'", "\"", true },
	{ "'/>", "' />", true },
	{ "'", "\"", false },
	{ "\n", "", true },
	{ "  ", "", true },
	{ "    ", "   ", true },
	{ " bus=", "\n\t bus=", true },
	{ "</domain>\n", "</domain>", true },
	{ "<?xml", "\xef\xbb\xbf<?xml", true },
	{ "\n<domain", "<domain", true },
	{ "<disk ", "<!-- <disk/> --><disk ", true },
	{ "\n    <", "\n\n    <", true },
};

static void replace_all(struct buf *out, struct str text, const char *from,
			const char *to)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < text.n;) {
		bool here = text.n - i >= n && memcmp(text.p + i, from, n) == 0;

		if (here)
			buf_add(out, str_of(to));
		else
			buf_char(out, text.p[i]);
		i += here ? n : 1;
	}
}

static void try_every_fact(struct str text)
{
	struct doc d;
	size_t nfacts, set = 0, removed = 0;

	doc_read(&d, text);
	nfacts = facts_of(d.vm).n;
	doc_done(&d);
	for (size_t i = 0; i < nfacts; i++) {
		set += set_and_read_back(text, i, "a'b\"c <d> & \xc3\xa9\t\n.");
		set += set_and_read_back(text, i, "on");
		removed += remove_and_read_back(text, i);
	}
	/* All but the text of elements that have attributes of their own, too. */
	assert_int_equal(set, 2 * nfacts);
	assert_int_equal(removed, nfacts);
}

static void every_fact_can_be_set_and_removed_in_every_style(void **state)
{
	struct buf text = { 0 }, next = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		const struct variant *v = &variants[i];

		buf_clear(&next);
		replace_all(&next,
			    v->fresh ? str_of(base_text) : (struct str){ text.p, text.n },
			    v->from, v->to);
		buf_clear(&text);
		buf_add(&text, (struct str){ next.p, next.n });
		try_every_fact((struct str){ text.p, text.n });
	}
	buf_free(&text);
	buf_free(&next);
}

/* ---- the judge ---- */

static void judge_bytes(const char *before, uint64_t off, uint64_t len, const char *bytes,
			const char *objection)
{
	struct doc d;
	const char *why;
	bool ok;

	doc_read(&d, str_of(before));
	assert_true(
		plan_replace(&d.plan, (struct span){ &d.src, off, len }, str_of(bytes)));
	ok = judge_xml(d.text, str_bytes(doc_result(&d)), &d.plan, &d.arena, &why);
	if (ok != !objection || (why && !strstr(why, objection)))
		fail_msg("%s, expected %s", why ? why : "no objection",
			 objection ? objection : "none");
	doc_done(&d);
}

static void judge_refuses_broken_text(void **state)
{
	(void)state;
	judge_bytes("<a><b x='1'/><c/></a>", 9, 1, "<", "libxml2 refuses the text");
	judge_bytes("<a><b x='1'/><c/></a>", 3, 0, "</a><a>", "libxml2 refuses the text");
	judge_bytes("<a><b/><c/><d/></a>", 7, 4, "<c>", "libxml2 refuses the text");
}

static void judge_sees_an_edit_that_leaks(void **state)
{
	(void)state;
	judge_bytes("<a><b x='1' y='2'/></a>", 9, 1, "2", NULL);
	judge_bytes("<a><b x='1' y='2'/></a>", 9, 0, "' z='3",
		    "attribute 'z' from nowhere");
	judge_bytes("<a><b x='1'></b></a>", 9, 1, "1'><c/></b><b x='2",
		    "<c> would appear");
	judge_bytes("<a><b></b><c/></a>", 6, 4, "<c/></b>", NULL);
	judge_bytes("<a><b/><c/></a>", 7, 4, "<!-- -->", "a comment in <a>");
	judge_bytes("<a><b/>t<c/></a>", 3, 5, "<b/>", "the text of <a>");
	judge_bytes("<a><b/></a><!-- x -->", 7, 4, "</a><!-- y -->", "outside of <a>");
}

static void judge_allows_only_what_was_touched(void **state)
{
	struct doc d;
	const char *why;

	(void)state;
	doc_read(&d, STR("<a><b x='1'/><c y='1'/></a>"));
	assert_true(plan_replace(&d.plan, (struct span){ &d.src, 9, 1 }, STR("2")));
	assert_true(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='1'/></a>")),
			      &d.plan, &d.arena, &why));
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='2'/></a>")),
			       &d.plan, &d.arena, &why));
	assert_string_equal(why, "<c> would change, and no edit touches it");
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/></a>")), &d.plan,
			       &d.arena, &why));
	assert_string_equal(why, "<c> would be gone");
	assert_false(judge_xml(d.text, str_bytes(STR("<a><b x='2'/><c y='1'/><d/></a>")),
			       &d.plan, &d.arena, &why));
	assert_string_equal(why, "<d> would appear where no edit inserts");
	doc_done(&d);
}

/* Puts another letter at `at`, outside of the only edit. */
static bool stray(struct doc *d, struct str after, size_t at)
{
	const struct edit *e = &d->plan.edits.v[0];
	char *text = arena_str(&d->arena, after);
	const char *why;
	bool is_letter = (text[at] | 0x20) >= 'a' && (text[at] | 0x20) <= 'z';

	if (!is_letter || (at >= e->at.off && at < e->at.off + e->bytes.n))
		return false;
	text[at] = text[at] == 'q' ? 'r' : 'q';
	if (judge_xml(d->text, str_bytes(str_of(text)), &d->plan, &d->arena, &why))
		fail_msg("nobody noticed byte %zu of:\n%s", at, text);
	return true;
}

static void judge_sees_every_stray_byte(void **state)
{
	size_t nfacts, tried = 0;
	struct str after;
	struct doc d;

	(void)state;
	doc_read(&d, str_of(base_text));
	nfacts = facts_of(d.vm).n;
	doc_done(&d);
	for (size_t i = 0; i < nfacts; i++) {
		doc_read(&d, str_of(base_text));
		assert_true(plan_set(&d.plan, facts_of(d.vm).v[i], "yes"));
		after = doc_result(&d);
		for (size_t at = i; d.plan.edits.n == 1 && at < after.n; at += 41)
			tried += stray(&d, after, at);
		doc_done(&d);
	}
	assert_true(tried > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fact_can_be_set_and_removed_in_every_style),
		cmocka_unit_test(judge_refuses_broken_text),
		cmocka_unit_test(judge_sees_an_edit_that_leaks),
		cmocka_unit_test(judge_allows_only_what_was_touched),
		cmocka_unit_test(judge_sees_every_stray_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
