// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The far end: counts what arrives and drops it before the kernel builds anything. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "frame.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LATENCY_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAMPLES);
	__type(key, __u32);
	__type(value, struct sample);
} samples SEC(".maps");

/* How many samples there are; written to 0 for more. */
volatile __u32 sampled;

static __always_inline void keep(struct xdp_md *context)
{
	__u32 index = sampled, length = bpf_xdp_get_buff_len(context);
	struct sample *sample;

	if (index >= SAMPLES)
		return;
	sample = bpf_map_lookup_elem(&samples, &index);
	if (!sample)
		return;
	sample->length = length;
	if (bpf_xdp_load_bytes(context, 0, sample->octets, length < SAMPLED ? DOWN_WRITTEN : SAMPLED))
		return;
	/* Never half: the short ones are read as far as they go. */
	if (length < SAMPLED && length >= UP_WRITTEN)
		bpf_xdp_load_bytes(context, 0, sample->octets, UP_WRITTEN);
	sampled = index + 1;
}

/* Which bucket (frame.h). */
static __always_inline __u32 bucket(__u64 nanoseconds)
{
	__u64 units = nanoseconds / LATENCY_UNIT;
	__u32 shift = 0;

#pragma unroll
	for (int step = 16; step; step /= 2)
		if (units >> (shift + step) >= 32)
			shift += step;
	if (shift >= LATENCY_BUCKETS / 32 - 1)
		return LATENCY_BUCKETS - 1;
	return shift * 32 + (__u32)(units >> shift);
}

static __always_inline void note_latency(__u64 stamp)
{
	__u64 now = bpf_ktime_get_ns(), *cell;
	__u32 index = bucket(now > stamp ? now - stamp : 0);

	cell = bpf_map_lookup_elem(&latencies, &index);
	if (cell)
		*cell += 1;
}

SEC("xdp")
int count(struct xdp_md *context)
{
	__u8 *octets = (void *)(long)context->data, *inner;
	void *end = (void *)(long)context->data_end;
	__u64 number, stamp;
	__u32 zero = 0;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &zero);

	if (!tally || (void *)octets + ETHERNET + IPV6 > end)
		return XDP_PASS;
	/* What the bed's kernels say to each other (ICMPv6, also behind options) is not counted. */
	if (octets[12] != 0x86 || octets[13] != 0xdd || (octets[20] != DATAGRAM && octets[20] != TUNNELLED))
		return XDP_PASS;
	if (sampled < SAMPLES)
		keep(context);
	tally->packets++;
	tally->octets += (__u64)(end - (void *)octets);
	inner = octets + ETHERNET;
	if (octets[20] == TUNNELLED) {
		tally->tunnelled++;
		inner += IPV6;
	}
	if ((void *)inner + INNER_END > end)
		return XDP_DROP;
	__builtin_memcpy(&number, inner + NUMBER, sizeof(number));
	__builtin_memcpy(&stamp, inner + STAMP, sizeof(stamp));
	if (number > tally->highest)
		tally->highest = number;
	else
		tally->late++;
	if (stamp)
		note_latency(stamp);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
