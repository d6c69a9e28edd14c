/* What rules about whole domains ask: the architecture and machine, of which unknown is neither,
 * and bounds on what is compared.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_DOMAIN_IS_H
#define RULES_DOMAIN_IS_H

#include "rules/rule.h"
#include "analyze/machine.h"

static inline bool domain_arch_is(const struct domain *d, const char *arch)
{
	return fact_is(&d->vm->arch, arch);
}

static inline bool domain_is_x86(const struct domain *d)
{
	enum machine_family f = d->machine;

	return domain_arch_is(d, "x86_64") || domain_arch_is(d, "i686") ||
	       (fact_absent(&d->vm->arch) && (f == MACHINE_I440FX || f == MACHINE_Q35));
}

static inline bool domain_is_not_x86(const struct domain *d)
{
	return fact_known(&d->vm->arch) && !domain_is_x86(d);
}

static inline bool domain_is_ppc64(const struct domain *d)
{
	return domain_arch_is(d, "ppc64") || domain_arch_is(d, "ppc64le");
}

static inline bool domain_is_arm(const struct domain *d)
{
	return domain_arch_is(d, "aarch64") || domain_arch_is(d, "armv7l") ||
	       domain_arch_is(d, "armv6l");
}

/* The machine is one of another kind. A board that is none of the families is, too. */
static inline bool domain_family_is_not(const struct domain *d,
					enum machine_family family)
{
	return d->machine != MACHINE_UNKNOWN && d->machine != family;
}

static inline bool domain_is_not_pseries(const struct domain *d)
{
	return (fact_known(&d->vm->arch) && !domain_is_ppc64(d)) ||
	       domain_family_is_not(d, MACHINE_PSERIES);
}

/* qemuDomainIsARMVirt() */
static inline bool domain_is_not_arm_virt(const struct domain *d)
{
	return (fact_known(&d->vm->arch) && !domain_is_arm(d)) ||
	       domain_family_is_not(d, MACHINE_VIRT);
}

/* "architecture 'x86_64' or machine type 'q35'", as libvirt says it. */
static inline const char *domain_platform(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;

	return scan_printf(s, "architecture '%s' or machine type '%s'",
			   fact_known(&vm->arch) ? shown(s, vm->arch.v) : "",
			   fact_known(&vm->machine) ? shown(s, vm->machine.v) : "");
}

/* So many of one name are compared with each other, and no more. */
enum { DOMAIN_COMPARED = 256 };

static inline bool domain_too_many(const struct node *first)
{
	unsigned n = 0;

	while (first && n <= DOMAIN_COMPARED) {
		first = node_again(first);
		n++;
	}
	return n > DOMAIN_COMPARED;
}

#endif
