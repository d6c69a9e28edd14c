/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/firmware.h"
#include "analyze/machine.h"
#include "base/banned.h"

/* ---- names ---- */

static struct str base_of(struct str path)
{
	size_t at = path.n;

	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return (struct str){ path.p + at, path.n - at };
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* word is in lower case. */
static bool has_word(struct str s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.n; i++) {
		size_t k = 0;

		while (k < n && lower(s.p[i + k]) == word[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

enum firmware_kind firmware_named(struct str path)
{
	static const char *const uefi[] = { "ovmf", "aavmf", "edk2", "qemu_efi",
					    "riscv_virt_code" };
	static const char *const bios[] = { "bios.bin", "bios-256k", "seabios" };
	struct str name = base_of(path);

	for (size_t i = 0; i < sizeof(uefi) / sizeof(uefi[0]); i++) {
		if (has_word(name, uefi[i]))
			return FIRMWARE_UEFI;
	}
	for (size_t i = 0; i < sizeof(bios) / sizeof(bios[0]); i++) {
		if (has_word(name, bios[i]))
			return FIRMWARE_BIOS;
	}
	return FIRMWARE_UNKNOWN;
}

/* A file of variables with keys enrolled, by its name: Debian's and Fedora's. */
static bool firmware_has_keys(struct str path)
{
	struct str name = base_of(path);

	return has_word(name, ".ms.fd") || has_word(name, ".snakeoil.fd") ||
	       (has_word(name, "vars") && has_word(name, ".secboot.fd"));
}

/* ---- machines ---- */

struct machine_arch {
	const char *name;
	enum efi_arch arch;
};

static enum efi_arch arch_of(const struct vm *vm)
{
	static const struct machine_arch arches[] = {
		{ "x86_64", EFI_X64 },      { "amd64", EFI_X64 },
		{ "i686", EFI_IA32 },       { "i386", EFI_IA32 },
		{ "aarch64", EFI_AA64 },    { "arm64", EFI_AA64 },
		{ "armv7l", EFI_ARM },      { "arm", EFI_ARM },
		{ "riscv64", EFI_RISCV64 }, { "loongarch64", EFI_LOONGARCH64 },
	};

	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++) {
		if (fact_is(&vm->arch, arches[i].name))
			return arches[i].arch;
	}
	/* Quickemu's and Packer's own default; libvirt's is the host. */
	if (fact_absent(&vm->arch) &&
	    (vm->flavour == FLAVOUR_QUICKEMU || vm->flavour == FLAVOUR_PACKER))
		return EFI_X64;
	return EFI_ARCHES;
}

static bool is_pc(const struct vm *vm)
{
	enum machine_family f = fact_known(&vm->machine)
					? machine_family(STR(""), vm->machine.v)
					: MACHINE_UNKNOWN;

	return f == MACHINE_I440FX || f == MACHINE_Q35;
}

/* Where nobody says more, QEMU starts SeaBIOS on a PC; a microvm and the like are none. */
static bool has_seabios(const struct vm *vm, enum efi_arch arch)
{
	return is_pc(vm) ||
	       (fact_absent(&vm->machine) && (arch == EFI_X64 || arch == EFI_IA32));
}

/* ---- flavours ---- */

static void say(struct firmware *f, enum firmware_kind kind, const struct fact *says)
{
	f->kind = kind;
	f->says = says;
}

/* By the files that are named; else by what there is where none is. */
static void by_files(struct firmware *f, const struct vm *vm)
{
	enum firmware_kind kind;

	if (fact_known(&vm->loader)) {
		kind = firmware_named(vm->loader.v);
		/* SeaBIOS is never flash. */
		if (kind == FIRMWARE_UNKNOWN && fact_is(&vm->loader_type, "pflash") &&
		    f->arch != EFI_ARCHES)
			kind = FIRMWARE_UEFI;
		say(f, kind, &vm->loader);
	} else if (fact_absent(&vm->loader) && fact_absent(&vm->nvram) &&
		   has_seabios(vm, f->arch)) {
		say(f, FIRMWARE_BIOS,
		    fact_known(&vm->machine) ? &vm->machine : &vm->emulator);
	}
}

static void of_libvirt(struct firmware *f, const struct vm *vm)
{
	if (fact_is(&vm->firmware, "efi"))
		say(f, FIRMWARE_UEFI, &vm->firmware);
	else if (fact_is(&vm->firmware, "bios"))
		say(f, FIRMWARE_BIOS, &vm->firmware);
	else if (fact_absent(&vm->firmware))
		by_files(f, vm);
}

/* efi_boot, or a file of either kind. */
static void of_packer(struct firmware *f, const struct vm *vm)
{
	if (fact_is(&vm->firmware, "true"))
		say(f, FIRMWARE_UEFI, &vm->firmware);
	else if (fact_known(&vm->nvram_template))
		say(f, FIRMWARE_UEFI, &vm->nvram_template);
	else if (fact_is(&vm->loader_type, "pflash") && fact_known(&vm->loader))
		say(f, FIRMWARE_UEFI, &vm->loader);
	else if (vm->firmware.state != FACT_UNKNOWN &&
		 vm->nvram_template.state != FACT_UNKNOWN)
		by_files(f, vm);
}

/* Without security.csm there is UEFI, and without security.secureboot it has keys. */
static void of_incus(struct firmware *f, const struct vm *vm)
{
	if (fact_is(&vm->firmware, "true"))
		say(f, FIRMWARE_BIOS, &vm->firmware);
	else if (vm->firmware.state != FACT_UNKNOWN)
		say(f, FIRMWARE_UEFI, &vm->firmware);
	f->says_secure = &vm->secure_boot;
	if (fact_absent(&vm->secure_boot) || fact_is(&vm->secure_boot, "true"))
		f->secure = ANSWER_YES;
	else if (fact_is(&vm->secure_boot, "false"))
		f->secure = ANSWER_NO;
}

/* boot=efi, or legacy; a file of variables is made from one without keys. */
static void of_quickemu(struct firmware *f, const struct vm *vm)
{
	if (fact_absent(&vm->firmware) || fact_is(&vm->firmware, "efi"))
		say(f, FIRMWARE_UEFI, &vm->firmware);
	else if (fact_is(&vm->firmware, "legacy"))
		say(f, FIRMWARE_BIOS, &vm->firmware);
}

/* A ROM among the drives takes the place of UTM's own. */
static void of_utm(struct firmware *f, const struct vm *vm)
{
	if (!fact_absent(&vm->loader))
		by_files(f, vm);
	else if (fact_is(&vm->firmware, "efi"))
		say(f, FIRMWARE_UEFI, &vm->firmware);
	else if (fact_is(&vm->firmware, "bios") && is_pc(vm))
		say(f, FIRMWARE_BIOS, &vm->firmware);
}

/* What the names of files say of keys, where nothing else does. */
static void keys_by_files(struct firmware *f, const struct vm *vm)
{
	const struct fact *vars =
		fact_known(&vm->nvram_template) ? &vm->nvram_template : &vm->nvram;

	f->says_secure = &vm->secure_boot;
	if (fact_is(&vm->secure_boot, "yes"))
		f->secure = ANSWER_YES;
	else if (fact_is(&vm->secure_boot, "no"))
		f->secure = ANSWER_NO;
	else if (fact_known(vars) && firmware_has_keys(vars->v)) {
		f->secure = ANSWER_YES;
		f->says_secure = vars;
	}
}

struct firmware firmware_of(const struct vm *vm)
{
	struct firmware f = { .arch = arch_of(vm) };

	if (vm->kernel.state != FACT_ABSENT)
		return f;
	switch (vm->flavour) {
	case FLAVOUR_LIBVIRT:
		of_libvirt(&f, vm);
		keys_by_files(&f, vm);
		break;
	case FLAVOUR_QEMU:
		by_files(&f, vm);
		keys_by_files(&f, vm);
		break;
	case FLAVOUR_PACKER:
		of_packer(&f, vm);
		keys_by_files(&f, vm);
		break;
	case FLAVOUR_QUICKEMU:
		of_quickemu(&f, vm);
		break;
	case FLAVOUR_INCUS:
		of_incus(&f, vm);
		break;
	case FLAVOUR_UTM:
		of_utm(&f, vm);
		break;
	}
	if (f.kind != FIRMWARE_UEFI)
		f.secure = ANSWER_UNKNOWN;
	return f;
}
