// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The packet generator's program. BPF_PROG_TEST_RUN with live frames runs it once per frame on recycled pages, and what
 * the device under test wrote into a page comes back in a later lap: so every header octet is written anew for every
 * frame.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Ethernet, IPv6 and UDP header and the payload's first octets: what the program rewrites. */
#define REWRITTEN 72

struct settings {
	__u64 template[REWRITTEN / 8];
	__u32 ifindex;
	/* Destinations are the mobile nodes of the bindings 0 … destinations-1, one after another in a scattered order.
	 */
	__u32 destinations;
};

volatile struct settings settings;

/* Binding i has the prefix 2001:db8:1PP:PPPP::/64 with the 24-bit number i·odd: scattered, and no two alike. */
static __always_inline __u32 prefix_number(__u32 binding)
{
	return (binding * 0x9e3779b1u) & 0xffffff;
}

SEC("xdp")
int generate(struct xdp_md *context)
{
	__u64 *words = (void *)(long)context->data;
	__u8 *octets = (void *)words;
	void *end = (void *)(long)context->data_end;
	__u32 random = bpf_get_prandom_u32(), prefix;

	if ((void *)octets + REWRITTEN > end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < REWRITTEN / 8; i++)
		words[i] = settings.template[i];
	prefix = prefix_number((__u32)(((__u64)random * settings.destinations) >> 32));
	/* The destination is at octet 38: bits 40 to 63 of the address carry the number. */
	octets[43] = prefix >> 16;
	octets[44] = prefix >> 8;
	octets[45] = prefix;
	/* Another source port for another flow: the multiplicative hash is independent of the destination's. */
	*(__u16 *)(octets + 54) = (__u16)(random * 0x85ebca6bu >> 16) | bpf_htons(0x8000);
	return bpf_redirect(settings.ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
