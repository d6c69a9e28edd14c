/* Any bytes as a schema of RELAX NG, and, behind a NUL, as a document: whatever is read of
 * the former, its derivatives end, say what they are, and take one document the same way
 * twice. Without a NUL they are a document alone, held against a schema of ours as --schema
 * does it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/rng.h"
#include "analyze/config/schema.h"
#include "analyze/config/xml.h"
#include "analyze/host.h"
#include "rules/rule.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char grammar[] =
	"<grammar xmlns='http://relaxng.org/ns/structure/1.0' "
	"datatypeLibrary='http://www.w3.org/2001/XMLSchema-datatypes'>"
	"<start><element name='domain'><attribute name='type'><choice><value>kvm</value>"
	"<value>xen</value></choice></attribute><interleave><element name='name'><text/>"
	"</element><ref name='memory'/><optional><element name='os'><ref name='os'/>"
	"</element></optional><optional><element name='devices'><zeroOrMore><choice>"
	"<ref name='disk'/><element name='emulator'><text/></element></choice></zeroOrMore>"
	"</element></optional></interleave></element></start>"
	"<define name='memory'><element name='memory'><optional><attribute name='unit'>"
	"<data type='string'><param name='pattern'>[KMG]iB</param></data></attribute>"
	"</optional><data type='unsignedInt'/></element></define>"
	"<define name='os'><group><element name='type'><optional><attribute name='arch'/>"
	"</optional><text/></element><zeroOrMore><element name='boot'><attribute name='dev'>"
	"<choice><value>hd</value><value>cdrom</value></choice></attribute></element>"
	"</zeroOrMore></group></define>"
	"<define name='disk'><element name='disk'><choice><group><attribute name='type'>"
	"<value>file</value></attribute><element name='source'><attribute name='file'/>"
	"</element></group><group><attribute name='type'><value>block</value></attribute>"
	"<element name='source'><attribute name='dev'/></element></group></choice>"
	"<oneOrMore><element><anyName><except><name>source</name></except></anyName>"
	"<list><oneOrMore><data type='NCName'/></oneOrMore></list></element></oneOrMore>"
	"</element></define></grammar>";

/* A file without a folder that anything else is in. */
struct sheet {
	int fd;
	char path[64];
};

static bool sheet_put(struct sheet *s, const void *bytes, size_t n)
{
	s->fd = memfd_create("schema", 0);
	if (s->fd < 0)
		return false;
	if (write(s->fd, bytes, n) != (ssize_t)n) {
		close(s->fd);
		return false;
	}
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fd);
	return true;
}

/* ---- a schema that is anything ---- */

static struct rng_text text_of(const struct node *n)
{
	return (struct rng_text){ n->text.p ? n->text.p : "", n->text.n };
}

/* What is left behind n. As deep as XML_DEPTH_MAX. */
static const struct rng *pass(struct rng_pool *p, const struct rng *r,
			      const struct node *n)
{
	bool alone = !n->last || n->last->kind != NODE_ELEMENT;

	r = rng_open(p, r, (struct rng_qname){ n->ns, n->key });
	for_each_node (c, n) {
		if (c->kind == NODE_ATTRIBUTE && !str_is(c->ns, XML_NS_DECLARATION))
			r = rng_attribute(p, r, (struct rng_qname){ c->ns, c->key },
					  text_of(c));
	}
	r = rng_close(p, r);
	if (alone)
		return rng_end(p, rng_only_text(p, r, text_of(n)));
	for_each_node (c, n) {
		if (c->kind == NODE_ELEMENT)
			r = pass(p, r, c);
	}
	return rng_end(p, r);
}

static void take(const struct rng_grammar *g, struct view text)
{
	struct source src = source_of_bytes("document", text);
	const struct rng *left[2];
	const struct syntax_error *bad;
	struct err e = { 0 };
	struct rng_pool pool;
	struct node *root;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	if (xml_read(&src, text, &a, &root, &bad, &e) == 0 && root &&
	    rng_pool_init(&pool, &a, &g->pool, 1 << 14)) {
		left[0] = pass(&pool, g->start, root);
		left[1] = pass(&pool, g->start, root);
		BUG_ON(!left[0] || !left[1]);
		BUG_ON(!pool.over && left[0] != left[1]);
	}
	arena_free(&a);
}

static void check_grammar(struct view text, struct view document)
{
	struct rng_grammar g;
	struct err e = { 0 };
	struct sheet s;

	if (!sheet_put(&s, text.p, text.n))
		return;
	if (rng_read(&g, s.path, &e) == 0) {
		BUG_ON(!g.start);
		for (size_t i = 0; i < g.elements.n; i++)
			BUG_ON(g.elements.v[i]->kind != RNG_ELEMENT ||
			       !g.elements.v[i]->a);
		take(&g, document);
	} else {
		BUG_ON(!*e.msg);
	}
	rng_free(&g);
	close(s.fd);
}

/* ---- a document that is anything ---- */

static void check_faults(const struct unit *u)
{
	BUG_ON(u->nschema_faults > SCHEMA_FAULTS_MAX);
	for (size_t i = 0; i < u->nschema_faults; i++) {
		const struct schema_fault *f = &u->schema_faults[i];

		BUG_ON(!f->node || span_end(f->node->whole) > u->text.n);
		BUG_ON(f->other && span_end(f->other->whole) > u->text.n);
		BUG_ON(f->nwords > SCHEMA_WORDS_MAX);
		for (size_t k = 0; k < f->nwords; k++)
			BUG_ON(!f->words[k] || !*f->words[k]);
	}
}

static void check_document(struct view text)
{
	static const struct host host;
	static struct schema *schema;
	struct source src = source_of_bytes("vm.xml", text);
	struct findings found = { 0 };
	struct err e = { 0 };
	struct sheet s;
	struct unit u;

	if (!schema) {
		BUG_ON(!sheet_put(&s, grammar, sizeof(grammar) - 1));
		schema = schema_open(s.path, &e);
		if (!schema)
			BUG("%s", e.msg);
		/* Its descriptor stays: the grammar is read when it is needed. */
	}
	unit_read(&u, &src, format_find("libvirt"), &host);
	if (u.state == UNIT_READ && u.doc) {
		schema_read(schema, &u);
		check_faults(&u);
		rules_run(&u, &u.arena, &found);
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *nul = n ? memchr(data, 0, n) : NULL;
	size_t head = nul ? (size_t)(nul - data) : 0;

	if (nul)
		check_grammar((struct view){ data, head },
			      (struct view){ nul + 1, n - head - 1 });
	else
		check_document((struct view){ data, n });
	return 0;
}
