/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the XDP peers' program and its loader share. */
#ifndef FASTPATH_BENCH_ENCAPSULATE_H
#define FASTPATH_BENCH_ENCAPSULATE_H

#include <linux/types.h>

enum { MOST_BINDINGS = 1 << 20, TRANSPORT = 0, CORE = 1 };

/* Key of the trie: the kernel's struct bpf_lpm_trie_key with its data. */
struct prefix_key {
	__u32 bits;
	__u8 address[16];
};

/* Value of trie and hash: the far end of the tunnel. */
struct binding {
	__u8 gateway[16] __attribute__((aligned(8)));
};

/* Constants of a run; all of the program's .rodata that is written. Octets of frames, in words as they are copied. */
struct anchor {
	__u64 address[2];	 /* this end of every tunnel */
	__u32 transport_macs[3]; /* as frames leave: destination, then source */
	__u32 core_macs[3];
	__u32 use_trie;
};

#endif
