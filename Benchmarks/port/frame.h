/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The frames of the suite `port`, for the generator, its program, the counter and its program alike: IPv6 and UDP
 * between a correspondent node and the mobile node of a binding, going up in the tunnel that the binding is in.
 *
 * Behind the UDP header stand the frame's number and, of paced frames, the time it was due (CLOCK_MONOTONIC).
 */
#ifndef FASTPATH_BENCH_FRAME_H
#define FASTPATH_BENCH_FRAME_H

#include <linux/types.h>

/* Octets of headers, and where the inner IPv6 header begins. */
enum { ETHERNET = 14, IPV6 = 40, UDP = 8, DATAGRAM = 17, TUNNELLED = 41 };
/* Behind the inner IPv6 header. */
enum { NUMBER = IPV6 + UDP, STAMP = NUMBER + 8, INNER_END = STAMP + 8 };
/* What is written for every frame: going down, and in a tunnel. Multiples of 2. */
enum { DOWN_WRITTEN = ETHERNET + INNER_END, UP_WRITTEN = ETHERNET + IPV6 + INNER_END };
/* The mixture of sizes: of 12 frames 7 small, 4 middle, 1 large ones (simple IMIX, fitted to Ethernet's 1514). */
enum { MIX_SMALL = 78, MIX_MIDDLE = 594, MIX_LARGE = 1514, MIX_LENGTH = 12 };

/* What the generator's program needs and keeps; all of its .bss. */
struct generator {
	__u8 frame[UP_WRITTEN + 2]; /* the frame without what differs */
	__u32 interface;
	__u32 destinations; /* bindings 0 … destinations-1, one after another in a random order */
	__u32 gateways;	    /* binding i is in the tunnel of gateway 1 + i % gateways */
	__u32 mixed;	    /* sizes as above, else as they come */
	__u32 burst;	    /* frames sent together; 0: one after the other */
	__u32 watched;	    /* the binding that the first frame of each burst goes to */
	__u64 gap;	    /* between two frames, in 1/1024 ns; 0: as fast as it goes */
	__u64 due;	    /* when the next one is, in 1/1024 ns; 0: now */
	__u64 first, last;  /* when frames were sent, of paced ones (CLOCK_MONOTONIC) */
	__u64 number;	    /* of the next frame, which is how many there have been */
};

/* What the counter's program counts on one CPU. */
struct tally {
	__u64 packets, octets;
	/* IPv6 directly in IPv6: a device that stopped encapsulating would otherwise look fast. */
	__u64 tunnelled;
	/* Arrived behind a frame with a higher number. */
	__u64 late;
	__u64 highest;
};

/*
 * Latencies: 32 steps to each power of two (an error of 3 % at most), from 32 ns to 4 s. Bucket i is of the values
 * i × 32 ns below 64, and further up of (i % 32 + 32) << (i / 32 - 1) times that.
 */
enum { LATENCY_BUCKETS = 768, LATENCY_UNIT = 32 };

/* Some of what arrived first, to be decoded by somebody else. */
enum { SAMPLES = 64, SAMPLED = 192 };

struct sample {
	__u32 length;
	__u8 octets[SAMPLED];
};

/* Binding i has the prefix 2001:db8:1PP:PPPP::/64 with the 24-bit number i·odd: scattered, and no two alike. */
static inline __u32 prefix_number(__u32 binding)
{
	return (binding * 0x9e3779b1u) & 0xffffff;
}

#endif
