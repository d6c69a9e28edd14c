/* Any bytes: our reading of XML against libxml2's, and what is made of a tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/libvirt.h"
#include "analyze/host.h"
#include "tests/lib/xml_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_model(struct view text)
{
	struct source src = source_of_bytes("text", text);
	const struct syntax_error *bad;
	struct host host = { 0 };
	struct err e = { 0 };
	const struct vm *vm;
	struct node *root;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	if (xml_read(&src, text, &a, &root, &bad, &e) == 0 && root) {
		/* A reader and a probe must find the same root. */
		BUG_ON(!str_ends(xml_root_name(text), arena_str(&a, root->key)));
		vm = libvirt_vm(root, &host, &a);
		BUG_ON(!vm || vm->node != root);
		BUG_ON(!*node_locus(&(struct loci){ .root = root }, root->whole, &a));
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { data, n };
	struct flaws f = { 0 };

	if (!reading_holds(&f, text))
		BUG("%s (%s)", f.what, f.said);
	check_model(text);
	return 0;
}
