/* Keys and values of Incus: whose they are, and what they say.
 * internal/instance/config.go, shared/validate, shared/units.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"

#include <strings.h>

#include "base/banned.h"

static bool is_word(struct str s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

enum { NTRUE = 4 };

static const char *const bools[] = {
	"true", "1", "yes", "on", "false", "0", "no", "off"
};

static bool is_among_bools(struct str s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_word(s, bools[i]))
			return true;
	}
	return false;
}

bool incus_true(const struct fact *f)
{
	return fact_known(f) && is_among_bools(f->v, NTRUE);
}

bool incus_is_bool(struct str s)
{
	return is_among_bools(s, sizeof(bools) / sizeof(bools[0]));
}

bool incus_not_true(const struct fact *f)
{
	return f->state != FACT_UNKNOWN && !incus_true(f);
}

struct unit_row {
	const char *suffix;
	uint64_t factor;
};

bool incus_size(struct str s, uint64_t *bytes)
{
	static const struct unit_row units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "bit", 0 },
		{ "kB", 1000 },
		{ "MB", 1000 * 1000 },
		{ "GB", 1000 * 1000 * 1000 },
		{ "TB", UINT64_C(1000) * 1000 * 1000 * 1000 },
		{ "PB", UINT64_C(1000) * 1000 * 1000 * 1000 * 1000 },
		{ "KiB", UINT64_C(1) << 10 },
		{ "MiB", UINT64_C(1) << 20 },
		{ "GiB", UINT64_C(1) << 30 },
		{ "TiB", UINT64_C(1) << 40 },
		{ "PiB", UINT64_C(1) << 50 },
	};
	size_t digits = 0;
	uint64_t n;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!str_u64((struct str){ s.p, digits }, &n))
		return false;
	s = str_trim((struct str){ s.p + digits, s.n - digits });
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_is(s, units[i].suffix))
			return units[i].factor && u64_mul(n, units[i].factor, bytes);
	}
	return false;
}

static bool matches(struct str key, const char *const *words, size_t n)
{
	for (size_t i = 0; key.n && i < n; i++) {
		size_t len;

		if (words[i][0] != key.p[0])
			continue;
		len = strlen(words[i]);
		if (words[i][len - 1] == '.' ? str_starts(key, words[i])
					     : str_is(key, words[i]))
			return true;
	}
	return false;
}

#define MATCHES(key, list) matches((key), (list), sizeof(list) / sizeof((list)[0]))

bool incus_is_instance_key(struct str key)
{
	static const char *const words[] = {
		"agent.nic_config",
		"boot.",
		"cloud-init.",
		"cluster.evacuate",
		"environment.",
		"image.os",
		"image.description",
		"limits.cpu",
		"limits.cpu.",
		"limits.memory",
		"limits.memory.",
		"limits.processes",
		"limits.kernel.",
		"limits.hugepages.",
		"linux.",
		"migration.",
		"nvidia.",
		"raw.",
		"security.agent.",
		"security.csm",
		"security.devlxd",
		"security.guestapi",
		"security.idmap.",
		"security.iommu",
		"security.nesting",
		"security.privileged",
		"security.protection.",
		"security.secureboot",
		"security.sev",
		"security.sev.",
		"security.syscalls.",
		"user.meta-data",
		"user.network-config",
		"user.user-data",
		"user.vendor-data",
		"volatile.",
	};

	return MATCHES(key, words);
}

bool incus_is_vm_key(struct str key)
{
	static const char *const words[] = {
		"agent.nic_config",
		"limits.memory.hotplug",
		"limits.memory.hugepages",
		"migration.stateful",
		"raw.qemu",
		"raw.qemu.",
		"security.agent.metrics",
		"security.csm",
		"security.iommu",
		"security.secureboot",
		"security.sev",
		"security.sev.",
		"volatile.apply_nvram",
		"volatile.vm.",
		"volatile.vsock_id",
	};

	return MATCHES(key, words);
}

/* Keys that VMs did not have at first and have now are left out (security.nesting). */
bool incus_is_container_key(struct str key)
{
	static const char *const words[] = {
		"limits.cpu.allowance",
		"limits.cpu.priority",
		"limits.hugepages.",
		"limits.memory.enforce",
		"limits.memory.swap",
		"limits.memory.swap.",
		"limits.processes",
		"linux.kernel_modules",
		"linux.kernel_modules.",
		"linux.sysctl.",
		"migration.incremental.",
		"nvidia.",
		"raw.lxc",
		"raw.seccomp",
		"security.idmap.",
		"security.privileged",
		"security.protection.shift",
		"security.syscalls.",
		"volatile.idmap.",
		"volatile.last_state.idmap",
	};

	return MATCHES(key, words);
}

bool incus_is_device_type(struct str type)
{
	static const char *const words[] = {
		"disk",  "gpu", "infiniband", "nic",       "none",         "pci",
		"proxy", "tpm", "unix-block", "unix-char", "unix-hotplug", "usb",
	};

	return MATCHES(type, words);
}
