// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The far end: counts what arrives and drops it before the kernel builds anything. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct tally {
	__u64 packets;
	__u64 octets;
	/* IPv6 directly inside IPv6: a device that stopped encapsulating would otherwise look fast. */
	__u64 tunnelled;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

SEC("xdp")
int count(struct xdp_md *context)
{
	__u8 *octets = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	__u32 zero = 0;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &zero);

	if (!tally || (void *)octets + 54 > end)
		return XDP_PASS;
	/* Neighbour discovery of the bed itself must reach the kernel. */
	if (octets[12] != 0x86 || octets[13] != 0xdd || octets[20] == 58)
		return XDP_PASS;
	tally->packets++;
	tally->octets += (__u64)(end - (void *)octets);
	tally->tunnelled += octets[20] == 41;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
