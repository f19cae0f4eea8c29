/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the program uses of the kernel's and libbpf's headers, declared here: the object then depends on nothing but
 * this directory, steer_abi.h and the compiler, and one source gives the same bytes on every machine.
 *
 * Numbers are the kernel's ABI (include/uapi/linux/bpf.h), macros are libbpf's notation for maps with BTF.
 */
#ifndef FASTPATH_BPF_KERNEL_H
#define FASTPATH_BPF_KERNEL_H

#include <stdint.h>

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define __always_inline inline __attribute__((always_inline))

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_XSKMAP = 17,
};

enum {
	BPF_F_NO_PREALLOC = 1,
};

enum {
	XDP_PASS = 2,
	XDP_REDIRECT = 4,
};

/* The program's view of a received packet; loads are rewritten by the verifier. */
struct xdp_md {
	uint32_t data;
	uint32_t data_end;
	uint32_t data_meta;
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_redirect_map)(void *map, uint64_t key, uint64_t flags) = (void *)51;

#define copy_octets(to, from, count) __builtin_memcpy((to), (from), (count))

/* Network order to host order and back; BPF objects are built for one endianness. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define net16(value) ((uint16_t)__builtin_bswap16(value))
#else
#define net16(value) ((uint16_t)(value))
#endif

#endif
