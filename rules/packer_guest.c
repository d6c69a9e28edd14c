/* How Packer gets into the guest: keys that are typed, files that are served, a user that logs
 * in.
 * packer-plugin-sdk, communicator, bootcommand, multistep/commonsteps; the builders'
 * step_type_boot_command.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/suggest.h"
#include "base/banned.h"

/* ---- {{ .Name }} ---- */

/* A name within braces: {{ .HTTPIP }}; at: where it begins in the text. */
struct braces {
	struct str name;
	size_t at;
};

static bool next_braces(struct str text, size_t *from, struct braces *out)
{
	for (size_t i = *from; i + 3 < text.n; i++) {
		size_t k = i + 2;

		if (text.p[i] != '{' || text.p[i + 1] != '{')
			continue;
		while (k < text.n && (text.p[k] == ' ' || text.p[k] == '-'))
			k++;
		if (k == text.n || text.p[k] != '.')
			continue;
		out->at = ++k;
		while (k < text.n &&
		       ((text.p[k] | 0x20) >= 'a' && (text.p[k] | 0x20) <= 'z'))
			k++;
		out->name = (struct str){ text.p + out->at, k - out->at };
		while (k < text.n && text.p[k] == ' ')
			k++;
		*from = k;
		/* No function, no field of a field. */
		if (k + 1 < text.n && text.p[k] == '}' && text.p[k + 1] == '}' &&
		    out->name.n > 0)
			return true;
		i = k - 1;
	}
	return false;
}

/* What the builders put in, of all of them. */
static const char *const names[] = {
	"HTTPIP",
	"HTTPPort",
	"HTTPInterface",
	"Name",
	"SSHPublicKey",
	"EncodedSSHPublicKey",
	/* qemuargs only */
	"HTTPDir",
	"HTTPContent",
	"OutputDir",
	"SSHHostPort",
};
enum { NNAMES = sizeof(names) / sizeof(names[0]), TYPED = 6 };

static bool is_name(struct str name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(name, names[i]))
			return true;
	}
	return false;
}

static const char *near_name(const char *word, size_t n)
{
	struct suggestion s = { .word = word };

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (word[k] && names[i][k] && (word[k] | 0x20) == (names[i][k] | 0x20))
			k++;
		if (!word[k] && !names[i][k])
			return names[i];
		suggest(&s, names[i]);
	}
	return s.best;
}

/* The i-th name that nobody puts in, within n and what is in it. */
static const struct node *wrong_name(const struct node *n, size_t known, size_t *i,
				     struct braces *out)
{
	size_t from = 0;

	if (n->kind == NODE_LIST) {
		for_each_node (c, n) {
			const struct node *found = wrong_name(c, known, i, out);

			if (found)
				return found;
		}
		return NULL;
	}
	if (n->kind == NODE_MAP || n->from)
		return NULL;
	while (next_braces(n->text, &from, out)) {
		if (!is_name(out->name, known) && (*i)-- == 0)
			return n;
	}
	return NULL;
}

/* Of boot_command, then of qemuargs. */
static const struct node *wrong_at(const struct builder *b, size_t i, struct braces *out,
				   size_t *known)
{
	const struct node *typed = builder_member(b, "boot_command");
	const struct node *args =
		is_packer_qemu(b) ? builder_member(b, "qemuargs") : NULL;
	const struct node *found = NULL;

	*known = TYPED;
	if (typed)
		found = wrong_name(typed, TYPED, &i, out);
	if (!found && args) {
		*known = NNAMES;
		found = wrong_name(args, NNAMES, &i, out);
	}
	return found;
}

static bool place_of(const struct node *n, const struct braces *at, struct span *to)
{
	*to = n->text_at;
	if (n->text_at.len != n->text.n)
		return false;
	*to = (struct span){ n->text_at.src, n->text_at.off + at->at, at->name.n };
	return true;
}

static void check_names(struct scan *s, const struct builder *b)
{
	struct braces at;
	size_t known;
	const struct node *n;

	for (size_t i = 0; b->kind && (n = wrong_at(b, i, &at, &known)); i++) {
		const char *near =
			near_name(scan_printf(s, "%.*s", STR_ARG(at.name)), known);
		struct finding *f;
		struct span where;

		place_of(n, &at, &where);
		f = report(s, where, "{{ .%s }} is no name that Packer fills in%s%s",
			   shown(s, at.name), near ? ", expected ." : "",
			   near ? near : "");
		report_label(s, f,
			     "the build stops there: packer validate does not look");
		if (!near)
			report_lower(f);
		f->arg = i;
	}
}

static bool fix_names(struct plan *p, const struct finding *f, const struct builder *b)
{
	struct braces at;
	size_t known;
	const struct node *n = wrong_at(b, f->arg, &at, &known);
	const char *near = n ? near_name(arena_str(p->arena, at.name), known) : NULL;
	struct span where;

	if (!near || !place_of(n, &at, &where))
		return plan_refuse(p, "what was meant cannot be told");
	plan_title(p, "{{ .%s }}", near);
	return plan_replace(p, where, str_of(near));
}

/* ---- packer-http-unserved ---- */

static const struct node *asks_http(const struct node *n, struct braces *out)
{
	size_t from = 0;

	if (n->kind == NODE_LIST) {
		for_each_node (c, n) {
			const struct node *found = asks_http(c, out);

			if (found)
				return found;
		}
		return NULL;
	}
	while (n->kind != NODE_MAP && !n->from && next_braces(n->text, &from, out)) {
		if (str_is(out->name, "HTTPPort"))
			return n;
	}
	return NULL;
}

static void check_served(struct scan *s, const struct builder *b)
{
	const struct node *typed = builder_member(b, "boot_command"), *n;
	struct braces at;
	struct span where;

	if (!b->kind || !typed || !is_missing(b, &b->http_directory) ||
	    !is_missing(b, &b->http_content))
		return;
	n = asks_http(typed, &at);
	if (!n)
		return;
	place_of(n, &at, &where);
	report_label(s,
		     report(s, where,
			    "boot_command uses {{ .HTTPPort }}, and there is neither "
			    "http_directory nor http_content"),
		     "nothing is served: the port is 0");
}

/* ---- packer-no-login ---- */

/* Ways to be let in; one of them is enough. */
static bool has_key(const struct builder *b)
{
	static const char *const ways[] = {
		"ssh_password",     "ssh_private_key_file",    "ssh_agent_auth",
		"ssh_keypair_name", "ssh_certificate_file",    "ssh_private_key",
		"ssh_key_path",     "temporary_key_pair_name",
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (builder_member(b, ways[i]))
			return true;
	}
	return false;
}

/* The key that is made for the build is put into the guest somewhere. */
static bool speaks_of_key(const struct node *n)
{
	if (str_has(n->text, "SSHPublicKey") || str_has(n->text, "SSHPrivateKey"))
		return true;
	for_each_node (c, n) {
		if (speaks_of_key(c))
			return true;
	}
	return false;
}

static bool hands_key_over(const struct packer_module *m)
{
	for (size_t i = 0; i < m->files.n; i++) {
		if (speaks_of_key(m->files.v[i]->root))
			return true;
	}
	return false;
}

static void check_login(struct scan *s, const struct builder *b)
{
	static const unsigned bare =
		QEMU | VBOX_ISO | VMWARE_ISO | PARALLELS_ISO | HYPERV_ISO | UTM;

	if (!(b->kind & bare) || !b->complete || !b->provisioned ||
	    !fact_known(&b->ssh_username) ||
	    (!is_missing(b, &b->communicator) && !fact_is(&b->communicator, "ssh")) ||
	    has_key(b) || hands_key_over(b->module))
		return;
	report_label(s,
		     report(s, b->ssh_username.at,
			    "ssh as '%s', and neither ssh_password nor a key that the "
			    "guest knows",
			    shown(s, b->ssh_username.v)),
		     "nobody is let in, and the build stops at ssh_timeout");
}

/* ---- packer-no-communicator ---- */

/* These run in the guest. */
static bool needs_guest(struct str type)
{
	static const char *const types[] = { "shell", "file", "powershell",
					     "windows-shell", "windows-restart" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_is(type, types[i]))
			return true;
	}
	return false;
}

static struct str type_of(const struct node *n)
{
	const struct node *type = node_child(n, "type");

	if (n->is_block)
		return n->first && n->first->kind == NODE_LABEL ? n->first->text
								: STR("");
	return type && type->kind == NODE_SCALAR ? type->text : STR("");
}

static bool is_for_all(const struct node *n)
{
	return !node_child(n, "only") && !node_child(n, "except") &&
	       !node_child(n, "override");
}

/* The first provisioner of the template that runs in this builder's guest. */
static const struct node *guest_provisioner(const struct builder *b)
{
	const struct packer_module *m = b->module;
	const struct node *list = NULL;
	bool legacy = b->syntax == PACKER_LEGACY;

	for (size_t i = 0; i < m->uses.n && !legacy; i++) {
		const struct packer_use *u = &m->uses.v[i];

		if (u->build && str_eq(u->type, b->type) && str_eq(u->name, b->name))
			list = u->build;
	}
	for (size_t i = 0; i < m->files.n && legacy; i++)
		list = node_child(m->files.v[i]->root, "provisioners");
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		if ((legacy || str_is(n->key, "provisioner")) &&
		    (legacy ? n->kind == NODE_MAP : n->is_block) &&
		    needs_guest(type_of(n)) && is_for_all(n))
			return n;
	}
	return NULL;
}

static void check_communicator(struct scan *s, const struct builder *b)
{
	const struct node *n;
	struct finding *f;

	if (!b->kind || !fact_is(&b->communicator, "none"))
		return;
	n = guest_provisioner(b);
	if (!n)
		return;
	f = report(s, b->communicator.at,
		   "communicator is none, and a provisioner '%s' runs in the guest",
		   shown(s, type_of(n)));
	report_label(s, f, "the build stops there: there is no way into the guest");
	if (n->whole.src == b->type_at.src)
		report_related(s, f, n->open_at, "the provisioner");
}

#define SDK "packer-plugin-sdk, "

const struct rule rules_packer_guest[] = {
	{ .id = "packer-http-unserved",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a file that the guest shall fetch, and nobody serves",
	  .why = "Packer serves files when http_directory or http_content says which. "
		 "Otherwise the port is 0, and the installer finds nothing there.",
	  .steps = "Set http_directory to the folder with the file.",
	  .source = SDK "multistep/commonsteps/step_http_server.go",
	  .since = "0.1.0",
	  CHECK(builder, check_served) },
	{ .id = "packer-no-communicator",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a provisioner in the guest, and no way into it",
	  .why = "With communicator none nothing can be copied to the guest or run "
		 "there: \"Upload is not implemented when communicator = 'none'\".",
	  .steps = "Set communicator to ssh or winrm, or use shell-local.",
	  .source = SDK "communicator/none/communicator.go",
	  .since = "0.1.0",
	  CHECK(builder, check_communicator) },
	{ .id = "packer-no-login",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a user without a password or a key",
	  .why = "Packer makes a key for the build where no other is named, and has no "
		 "way to put it into a system that is being installed.",
	  .steps =
		  "Set ssh_password or ssh_private_key_file, or write {{ .SSHPublicKey }} "
		  "into what the installer reads.",
	  .source = SDK "communicator/step_ssh_keygen.go",
	  .since = "0.1.0",
	  CHECK(builder, check_login) },
	{ .id = "packer-template-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a name in braces that Packer does not fill in",
	  .why = "boot_command and qemuargs are filled in when the VM is started, and "
		 "not by packer validate: can't evaluate field. Capital letters count.",
	  .steps = "boot_command knows .HTTPIP, .HTTPPort, .Name and .SSHPublicKey, "
		   "qemuargs .OutputDir, .Name, .HTTPIP, .HTTPPort and .SSHHostPort.",
	  .source = "packer-plugin-qemu, step_run.go; step_type_boot_command.go of the "
		    "builders",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_names, fix_names) },
};
RULES_END(packer_guest);
