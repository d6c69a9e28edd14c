/* What a Packer template gives away, or takes from whoever is on the way.
 * packer-plugin-sdk, multistep/commonsteps/iso_config.go; packer-plugin-qemu, -vmware,
 * -virtualbox, -vsphere, -proxmox: their options.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

static bool is_true(const struct fact *f)
{
	return fact_is(f, "true") || fact_is(f, "1");
}

/* Of this machine, where nobody is on the way. */
static bool is_local(const struct fact *url)
{
	return fact_known(url) &&
	       (str_starts(url->v, "file:") || !str_has(url->v, "://"));
}

/* ---- packer-checksum-none ---- */

static void check_none(struct scan *s, const struct builder *b)
{
	if (!b->kind || !fact_is(&b->iso_checksum, "none") || !fact_known(&b->iso_url) ||
	    is_local(&b->iso_url))
		return;
	report_label(s,
		     report(s, b->iso_checksum.at,
			    "iso_checksum is none, and the image comes over a network"),
		     "whatever comes becomes what all VMs are made of");
}

/* ---- packer-checksum-weak ---- */

/* NULL: it is another kind, or not known. */
static const char *weak_kind(struct str sum)
{
	static const struct {
		const char *begin, *name;
	} kinds[] = {
		{ "md5:", "MD5" },
		{ "sha1:", "SHA-1" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_starts(sum, kinds[i].begin))
			return kinds[i].name;
	}
	if (!memchr(sum.p, ':', sum.n) && (sum.n == 32 || sum.n == 40))
		return sum.n == 32 ? "MD5" : "SHA-1";
	if (!str_starts(sum, "file:"))
		return NULL;
	if (str_has(sum, "MD5SUM") || str_ends(sum, ".md5"))
		return "MD5";
	return str_has(sum, "SHA1SUM") || str_ends(sum, ".sha1") ? "SHA-1" : NULL;
}

static void check_weak(struct scan *s, const struct builder *b)
{
	const struct fact *sum = &b->iso_checksum;
	struct finding *f;

	if (!b->kind || !fact_known(sum) || builder_member(b, "iso_checksum_type") ||
	    !weak_kind(sum->v))
		return;
	f = report(s, sum->at, "iso_checksum is of %s, expected sha256 or sha512",
		   weak_kind(sum->v));
	report_label(s, f, "two images with one such sum can be made");
}

/* ---- packer-checksum-http ---- */

static void check_list(struct scan *s, const struct builder *b)
{
	const struct fact *sum = &b->iso_checksum;
	struct finding *f;

	if (!b->kind || !fact_known(sum) ||
	    (!str_starts(sum->v, "file:http://") && !str_starts(sum->v, "file:ftp://")))
		return;
	f = report(s, sum->at, "iso_checksum is fetched without TLS");
	report_label(s, f, "who changes the image on its way changes its sum as well");
}

/* ---- packer-no-shutdown ---- */

/* Does the text speak of switching off? */
static bool speaks_of_off(const struct node *n)
{
	static const char *const words[] = { "shutdown", "poweroff",      "halt",
					     "init 0",   "Stop-Computer", "sysprep" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_has(n->text, words[i]))
			return true;
	}
	for_each_node (c, n) {
		if (speaks_of_off(c))
			return true;
	}
	return false;
}

static bool provisioners_switch_off(const struct packer_module *m)
{
	for (size_t i = 0; i < m->files.n; i++) {
		const struct node *root = m->files.v[i]->root;
		const struct node *list = node_child(root, "provisioners");

		if (list && speaks_of_off(list))
			return true;
		for_each_node (n, root) {
			if (str_is(n->key, "build") && speaks_of_off(n))
				return true;
		}
	}
	return false;
}

static void check_shutdown(struct scan *s, const struct builder *b)
{
	static const unsigned kill = QEMU | VBOX | VMWARE | PARALLELS | HYPERV;
	const struct node *acpi = builder_member(b, "acpi_shutdown");

	if (!(b->kind & kill) || !b->provisioned ||
	    !is_missing(b, &b->shutdown_command) || !fact_absent(&b->disable_shutdown) ||
	    acpi || fact_is(&b->communicator, "none") ||
	    (!fact_known(&b->communicator) && !fact_absent(&b->communicator)) ||
	    provisioners_switch_off(b->module))
		return;
	report_label(s,
		     report(s, b->type_at, "a %.*s builder without shutdown_command",
			    STR_ARG(b->type)),
		     "the VM is switched off while it runs, and what it has not written "
		     "yet is lost");
}

/* ---- packer-secret ---- */

struct secret {
	unsigned builders;
	const char *name, *of;
};

/* Of what goes on when the build is over; a guest's own passwords are mostly for it alone. */
static const struct secret secrets[] = {
	{ VSPHERE, "password", "vCenter" },
	{ PROXMOX, "password", "Proxmox VE" },
	{ PROXMOX, "token", "Proxmox VE" },
	{ VMWARE, "remote_password", "the ESXi host" },
	{ ALL, "ssh_bastion_password", "the bastion host" },
	{ ALL, "ssh_proxy_password", "the proxy" },
};

/* What the template says of it itself, unless it is kept out of the log; else it was given on
 * the command line. from: var.token. */
static bool has_default(const struct builder *b, const char *from)
{
	const struct packer_module *m = b->module;

	for (size_t i = 0; i < m->variables.n; i++) {
		const struct packer_name *v = &m->variables.v[i];
		const struct node *n = v->body ? node_child(v->body, "sensitive") : NULL;

		if (str_starts(str_of(from), "var.") && str_is(v->name, from + 4))
			return v->value && v->value->kind == NODE_SCALAR &&
			       v->value->text.n > 0 && (!n || str_is(n->text, "false"));
	}
	return false;
}

static void check_secret(struct scan *s, const struct builder *b)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		const struct secret *secret = &secrets[i];
		const struct node *n = builder_member(b, secret->name);

		if (!(b->kind & secret->builders) || !n || n->kind != NODE_SCALAR ||
		    n->type != SCALAR_STRING || n->text.n == 0 ||
		    str_has(n->text, "{{") || (n->from && !has_default(b, n->from)))
			continue;
		report_label(
			s,
			report(s, n->from ? n->key_at : n->text_at,
			       "%s of %s is in the template%s%s, expected a variable "
			       "without a default",
			       secret->name, secret->of, n->from ? ", in " : "",
			       n->from ? n->from : ""),
			"who reads the template can use it");
	}
}

/* ---- packer-vnc-open ---- */

static bool is_everywhere(const struct fact *address)
{
	return fact_is(address, "0.0.0.0") || fact_is(address, "::") ||
	       fact_is(address, "[::]");
}

static const struct fact *open_address(const struct builder *b)
{
	unsigned kind = b->kind;
	const struct node *off = builder_member(b, "vnc_disable_password");

	if (kind & QEMU && is_everywhere(&b->vnc_bind_address) &&
	    fact_is_not(&b->vnc_use_password, "true") && !is_true(&b->vnc_use_password))
		return &b->vnc_bind_address;
	if (kind & VMWARE && is_everywhere(&b->vnc_bind_address) && off &&
	    str_is(off->text, "true"))
		return &b->vnc_bind_address;
	return kind & VBOX && is_everywhere(&b->vrdp_bind_address) ? &b->vrdp_bind_address
								   : NULL;
}

static void check_vnc(struct scan *s, const struct builder *b)
{
	const struct fact *address = open_address(b);

	if (!address)
		return;
	report_label(s,
		     report(s, address->at,
			    "%s is %s, and there is no password; expected 127.0.0.1",
			    address->lens->field, shown(s, address->v)),
		     "who reaches this machine can type into the VM while it is built");
}

static bool fix_vnc(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct fact *address = open_address(b);

	(void)f;
	BUG_ON(!address);
	plan_title(p, "%s = \"127.0.0.1\"", address->lens->field);
	return plan_set(p, address, "127.0.0.1");
}

/* ---- packer-tls-off ---- */

/* vSphere's has one name, Proxmox VE's another. */
static const struct fact *tls_off(const struct builder *b)
{
	return b->kind & VSPHERE ? &b->insecure_connection : &b->insecure_skip_tls_verify;
}

static void check_tls(struct scan *s, const struct builder *b)
{
	const struct fact *off = tls_off(b);

	if (!(b->kind & (VSPHERE | PROXMOX)) || !is_true(off))
		return;
	report_label(s,
		     report(s, off->at, "%s is true: the server may be anybody",
			    off->lens->field),
		     "its password goes to whoever is on the way");
}

static bool fix_tls(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct fact *off = tls_off(b);

	(void)f;
	plan_title(p, "%s = false", off->lens->field);
	return plan_set(p, off, "false");
}

#define SDK "packer-plugin-sdk, "

const struct rule rules_packer_secure[] = {
	{ .id = "packer-checksum-http",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a checksum that comes over a connection without TLS",
	  .why = "Who is on the way can replace both the image and its sum. It is also "
		 "fetched by packer validate.",
	  .steps = "Take the list from https://, or write the sum into the template.",
	  .source = SDK "multistep/commonsteps/iso_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_list) },
	{ .id = "packer-checksum-none",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "an image from a network that nobody checks",
	  .why = "With none Packer installs whatever it got: a download that broke off, "
		 "or what somebody put in its place. It says so itself: a checksum is "
		 "highly recommended.",
	  .steps = "iso_checksum = \"sha256:...\", or \"file:https://...SHA256SUMS\".",
	  .source = SDK "multistep/commonsteps/iso_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_none) },
	{ .id = "packer-checksum-weak",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a checksum of a kind that can be met on purpose",
	  .why = "For MD5 and SHA-1 two files of one sum can be made. They still find a "
		 "download that broke off.",
	  .steps = "Publishers have SHA-256 sums for nearly all images.",
	  .source = "RFC 6151; SHAttered, 2017",
	  .since = "0.1.0",
	  CHECK(builder, check_weak) },
	{ .id = "packer-no-shutdown",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a VM that is switched off while it runs",
	  .why = "Without shutdown_command the builder ends the VM's process when the "
		 "provisioners are done. File systems are left as after a power failure, "
		 "and files that were written last may be empty.",
	  .steps = "shutdown_command = \"sudo shutdown -P now\", or what the guest has.",
	  .source = "packer-plugin-qemu, step_shutdown.go",
	  .since = "0.1.0",
	  CHECK(builder, check_shutdown) },
	{ .id = "packer-secret",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a password of the infrastructure in a template",
	  .why = "It stands in the repository, in its history and in Packer's log, and "
		 "opens more than the VM that is built.",
	  .steps = "Take the value out, declare the variable with sensitive = true and "
		   "without a default, and give it as PKR_VAR_name or in a file that is "
		   "not committed. Then change the password.",
	  .source = "Packer, \"Assigning values to input variables\"",
	  .since = "0.1.0",
	  CHECK(builder, check_secret) },
	{ .id = "packer-tls-off",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a server that is not asked who it is",
	  .why = "The certificate of vCenter or of Proxmox VE is not "
		 "looked at: who is on the way gets the password, and can change what "
		 "is built.",
	  .steps = "Trust the server's own CA on the machine that runs Packer. Right in "
		   "a network of one's own.",
	  .source = "packer-plugin-vsphere, insecure_connection; packer-plugin-proxmox, "
		    "insecure_skip_tls_verify",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_tls, fix_tls) },
	{ .id = "packer-vnc-open",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a console for everybody, without a password",
	  .why = "While the VM is built its console is open on all addresses of the "
		 "machine: others see what is typed, and can type.",
	  .steps = "Bind to 127.0.0.1, or set vnc_use_password.",
	  .source = "packer-plugin-qemu, vnc_bind_address; packer-plugin-virtualbox, "
		    "vrdp_bind_address",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_vnc, fix_vnc) },
};
RULES_END(packer_secure);
