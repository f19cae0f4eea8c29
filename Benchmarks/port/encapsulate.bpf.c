// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The peers `xdp-lpm` and `xdp-hash`: an LMA that is an XDP program alone, as short as one can be. Down: the /64 of the
 * destination in a trie or a hash, header pushed, redirected. Up: the outer pair must be the inner source's tunnel,
 * header popped, redirected. Nothing else of what a plane does: no counters, errors, MTU, next hops.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "encapsulate.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MOST_BINDINGS);
	__type(key, struct prefix_key);
	__type(value, struct binding);
} trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_BINDINGS);
	__type(key, __u64);
	__type(value, struct binding);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} interfaces SEC(".maps");

const volatile struct anchor anchor;

/* Whole words, wherever a header begins: where the kernel's verifier takes them, so does the processor. */
struct ethernet {
	__u32 macs[3];
	__u16 type;
} __attribute__((packed, aligned(2)));

struct ipv6 {
	__u32 version_class_label;
	__u16 length;
	__u8 next, hop_limit;
	__u64 source[2], destination[2];
};

enum { IPV6_IN_IPV6 = 41, ETHERTYPE_IPV6 = 0x86dd };

static __always_inline const struct binding *find(const __u64 *address)
{
	if (anchor.use_trie) {
		struct prefix_key key = {.bits = 128};

		__builtin_memcpy(key.address, address, sizeof(key.address));
		return bpf_map_lookup_elem(&trie, &key);
	}
	__u64 key = address[0];

	return bpf_map_lookup_elem(&hash, &key);
}

static __always_inline void put_ethernet(struct ethernet *ethernet, const volatile __u32 *macs)
{
#pragma unroll
	for (int i = 0; i < 3; i++)
		ethernet->macs[i] = macs[i];
	ethernet->type = bpf_htons(ETHERTYPE_IPV6);
}

SEC("xdp")
int downlink(struct xdp_md *context)
{
	struct ethernet *ethernet = (void *)(long)context->data;
	struct ipv6 *inner = (void *)(ethernet + 1), *outer;
	const struct binding *binding;
	struct ipv6 header;
	__u64 address[2];

	if ((void *)(inner + 1) > (void *)(long)context->data_end || ethernet->type != bpf_htons(ETHERTYPE_IPV6))
		return XDP_PASS;
	__builtin_memcpy(address, inner->destination, sizeof(address));
	binding = find(address);
	if (!binding || inner->hop_limit <= 1)
		return XDP_PASS;
	inner->hop_limit--;
	header = (struct ipv6){
		.version_class_label = bpf_htonl(0x60000000),
		.length = bpf_htons(bpf_ntohs(inner->length) + sizeof(*inner)),
		.next = IPV6_IN_IPV6,
		.hop_limit = 64,
		.source = {anchor.address[0], anchor.address[1]},
	};
	__builtin_memcpy(header.destination, binding->gateway, 16);
	if (bpf_xdp_adjust_head(context, -(int)sizeof(header)))
		return XDP_ABORTED;
	ethernet = (void *)(long)context->data;
	outer = (void *)(ethernet + 1);
	if ((void *)(outer + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	put_ethernet(ethernet, anchor.transport_macs);
	*outer = header;
	return bpf_redirect_map(&interfaces, TRANSPORT, 0);
}

SEC("xdp")
int uplink(struct xdp_md *context)
{
	struct ethernet *ethernet = (void *)(long)context->data;
	struct ipv6 *outer = (void *)(ethernet + 1), *inner = outer + 1;
	const struct binding *binding;
	__u64 address[2], gateway[2];

	if ((void *)(inner + 1) > (void *)(long)context->data_end || ethernet->type != bpf_htons(ETHERTYPE_IPV6) ||
	    outer->next != IPV6_IN_IPV6)
		return XDP_PASS;
	if (outer->destination[0] != anchor.address[0] || outer->destination[1] != anchor.address[1])
		return XDP_PASS;
	__builtin_memcpy(address, inner->source, sizeof(address));
	binding = find(address);
	if (!binding)
		return XDP_DROP;
	__builtin_memcpy(gateway, binding->gateway, sizeof(gateway));
	if (outer->source[0] != gateway[0] || outer->source[1] != gateway[1] || inner->hop_limit <= 1)
		return XDP_DROP;
	inner->hop_limit--;
	if (bpf_xdp_adjust_head(context, (int)sizeof(*outer)))
		return XDP_ABORTED;
	ethernet = (void *)(long)context->data;
	if ((void *)(ethernet + 1) > (void *)(long)context->data_end)
		return XDP_ABORTED;
	put_ethernet(ethernet, anchor.core_macs);
	return bpf_redirect_map(&interfaces, CORE, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
