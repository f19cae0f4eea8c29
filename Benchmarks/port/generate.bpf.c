// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The packet generator's program. BPF_PROG_TEST_RUN with live frames runs it once per frame on recycled pages, and what
 * the device under test wrote into a page comes back in a later lap: so every header octet is written anew for every
 * frame.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "frame.h"

/* Longest wait for a frame's time, in looks at the clock: seconds. */
#define PATIENCE (1 << 23)

volatile struct generator generator;

static long is_due(__u32 look, __u64 *due)
{
	return bpf_ktime_get_ns() >= *due;
}

/* Waits until the next frame is due, and says when that was: lateness of the generator counts as the device's. */
static __always_inline __u64 pace(void)
{
	__u64 due;

	if (generator.burst)
		return bpf_ktime_get_ns();
	if (!generator.gap)
		return 0;
	if (!generator.due) {
		generator.first = bpf_ktime_get_ns();
		generator.due = generator.first << 10;
	}
	due = generator.due >> 10;
	bpf_loop(PATIENCE, is_due, &due, 0);
	generator.due += generator.gap;
	generator.last = bpf_ktime_get_ns();
	return due;
}

/* Makes the frame as long as its turn in the mixture says; the template's lengths are those of the largest. */
static __always_inline int mix(struct xdp_md *context, __u64 number)
{
	/* Bits of the twelve: not one kind after the other. */
	const __u32 turn = number % MIX_LENGTH, middle = 0x24a, large = 0x800;

	if (!generator.mixed || (large >> turn & 1))
		return 0;
	if (bpf_xdp_adjust_tail(context, (int)(middle >> turn & 1 ? MIX_MIDDLE : MIX_SMALL) - MIX_LARGE))
		return 0;
	return (middle >> turn & 1 ? MIX_MIDDLE : MIX_SMALL) - MIX_LARGE;
}

static __always_inline void shorten(__u8 *length, int change)
{
	__u16 value = bpf_ntohs(*(__u16 *)length) + change;

	*(__u16 *)length = bpf_htons(value);
}

/* `inner`: where the inner IPv6 header begins; `node`: where in it the mobile node's address begins. */
static __always_inline int make(struct xdp_md *context, const int inner, const int node)
{
	const int written = inner + INNER_END;
	__u32 random = bpf_get_prandom_u32(), binding, prefix, host;
	__u64 stamp = pace(), number = generator.number++;
	int change = mix(context, number);
	__u8 *octets = (void *)(long)context->data;

	if ((void *)octets + written > (void *)(long)context->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < written / 2; i++)
		((__u16 *)octets)[i] = ((volatile __u16 *)generator.frame)[i];
	binding = ((__u64)random * generator.destinations) >> 32;
	if (generator.burst && number % generator.burst == 0)
		binding = generator.watched;
	prefix = prefix_number(binding);
	/* Bits 40 to 63 of the mobile node's address carry the number. */
	octets[inner + node + 5] = prefix >> 16;
	octets[inner + node + 6] = prefix >> 8;
	octets[inner + node + 7] = prefix;
	/* One of the hosts of that /64: where there are few bindings, there are many destinations nevertheless. */
	host = random * 0xc2b2ae35u;
	__builtin_memcpy(octets + inner + node + 12, &host, sizeof(host));
	if (inner > ETHERNET) {
		*(__u16 *)(octets + ETHERNET + 22) = bpf_htons(1 + binding % generator.gateways);
		shorten(octets + ETHERNET + 4, change);
	}
	shorten(octets + inner + 4, change);
	shorten(octets + inner + IPV6 + 4, change);
	/* Another source port for another flow: the multiplicative hash is independent of the destination's. */
	*(__u16 *)(octets + inner + IPV6) = (__u16)(random * 0x85ebca6bu >> 16) | bpf_htons(0x8000);
	__builtin_memcpy(octets + inner + NUMBER, &number, sizeof(number));
	__builtin_memcpy(octets + inner + STAMP, &stamp, sizeof(stamp));
	return bpf_redirect(generator.interface, 0);
}

SEC("xdp")
int downlink(struct xdp_md *context)
{
	/* Attached for the sake of short runs only (generate.c); a run's frames come from the loopback interface. */
	if (generator.burst && context->ingress_ifindex == generator.interface)
		return XDP_PASS;
	return make(context, ETHERNET, 24);
}

SEC("xdp")
int uplink(struct xdp_md *context)
{
	return make(context, ETHERNET + IPV6, 8);
}

char _license[] SEC("license") = "Dual BSD/GPL";
