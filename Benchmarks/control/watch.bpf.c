// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The gateways' end of the transport link: counts what arrives, and for one mobile node's prefix notes when its first
 * packet by the new tunnel came, and when the last one that still came by another tunnel had been sent.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* As in handover.c. Numbers of addresses are octets of the packet as they stand in memory. */
struct watched {
	/* The upper half of the mobile node's prefix, the lower half of the new tunnel's remote. */
	__u64 prefix, remote;
	__u64 first_new, last_old, old_packets;
	__u64 packets, tunnelled;
};

volatile struct watched watched;

/* Offsets behind Ethernet and the outer header; the time as in Benchmarks/port/frame.h. */
enum { OUTER_REMOTE = 46, INNER_DESTINATION = 78, SENT_AT = 110, LEAST = 118 };

SEC("xdp")
int watch(struct xdp_md *context)
{
	__u8 *octets = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;

	if ((void *)octets + 54 > end || octets[12] != 0x86 || octets[13] != 0xdd || octets[20] == 58)
		return XDP_PASS;
	__sync_fetch_and_add((__u64 *)&watched.packets, 1);
	if (octets[20] != 41 || (void *)octets + LEAST > end)
		return XDP_DROP;
	__sync_fetch_and_add((__u64 *)&watched.tunnelled, 1);
	if (*(__u64 *)(octets + INNER_DESTINATION) != watched.prefix)
		return XDP_DROP;
	if (*(__u64 *)(octets + OUTER_REMOTE) == watched.remote) {
		if (!watched.first_new)
			watched.first_new = bpf_ktime_get_ns();
	} else {
		__u64 sent = *(__u64 *)(octets + SENT_AT);

		watched.old_packets++;
		if (sent > watched.last_old)
			watched.last_old = sent;
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
