// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends frames through a veth: generate OBJECT IFACE SOURCE_MAC DESTINATION_MAC DESTINATIONS SECONDS SIZE [RATE]
 *
 * As fast as one CPU can, or RATE frames a second in bursts of 32. Live frames of BPF_PROG_TEST_RUN: no skb, no system
 * call per packet. SIZE is the Ethernet frame. Ends after SECONDS or on SIGTERM and prints {"frames":N,"seconds":S}:
 * frames offered; a full ring at the other end of the veth drops some of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { REWRITTEN = 72, SMALLEST = 78, LARGEST = 1514, LAP = 1 << 20, BATCH = 256, BURST = 32 };

/* As in generate.bpf.c. */
struct settings {
	uint8_t template[REWRITTEN];
	uint32_t ifindex;
	uint32_t destinations;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int parse_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) == 6;
}

/* Ethernet, IPv6 from the correspondent node, UDP; the program fills in prefix and source port. */
static void build(uint8_t frame[LARGEST], unsigned int size)
{
	uint16_t payload = htons((uint16_t)(size - 14 - 40));

	frame[12] = 0x86;
	frame[13] = 0xdd;
	frame[14] = 0x60;
	memcpy(frame + 18, &payload, 2);
	frame[20] = 17;
	frame[21] = 64;
	inet_pton(AF_INET6, "2001:db8:c::1", frame + 22);
	inet_pton(AF_INET6, "2001:db8:100::10", frame + 38);
	frame[57] = 9;
	memcpy(frame + 58, &payload, 2);
	/* A forwarder does not look at the UDP checksum, and nobody receives these: any value but zero. */
	frame[60] = 0xfa;
	frame[61] = 0x57;
}

static int load(const char *path, const struct settings *settings, struct bpf_object **object)
{
	struct bpf_map *map;
	struct bpf_program *program;

	*object = bpf_object__open_file(path, NULL);
	if (!*object)
		return -errno;
	/* The global `settings` is all there is in .bss. */
	bpf_object__for_each_map(map, *object) if (strstr(bpf_map__name(map), ".bss") &&
						   bpf_map__set_initial_value(map, settings, sizeof(*settings)) !=
							   0) return -errno;
	if (bpf_object__load(*object) != 0)
		return -errno;
	program = bpf_object__find_program_by_name(*object, "generate");
	return program ? bpf_program__fd(program) : -ENOENT;
}

/* One lap: a long one without a rate, else the next burst when it is due. Returns how many frames, or -errno. */
static long send_lap(int program, const uint8_t *frame, unsigned long size, double start, unsigned long sent,
		     double rate)
{
	struct xdp_md context = {.data_end = (uint32_t)size};
	uint32_t lap = rate > 0 ? BURST : LAP;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (uint32_t)size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = lap, .batch_size = rate > 0 ? BURST : BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	double wait = rate > 0 ? start + (double)sent / rate - now() : 0;
	struct timespec pause = {.tv_nsec = (long)(wait * 1e9)};
	int error;

	if (wait > 0)
		nanosleep(&pause, NULL);
	error = bpf_prog_test_run_opts(program, &run);
	return error && error != -EINTR ? error : (long)lap;
}

int main(int argc, char **argv)
{
	static uint8_t frame[LARGEST];
	struct settings settings = {0};
	struct bpf_object *object;
	unsigned long frames = 0, size;
	double start, end, rate;
	int program;

	if (argc < 8 || argc > 9 || !parse_mac(argv[3], frame + 6) || !parse_mac(argv[4], frame)) {
		fprintf(stderr,
			"usage: generate OBJECT IFACE SOURCE_MAC DESTINATION_MAC DESTINATIONS SECONDS SIZE [RATE]\n");
		return 2;
	}
	size = strtoul(argv[7], NULL, 10);
	rate = argc == 9 ? strtod(argv[8], NULL) : 0;
	settings.ifindex = if_nametoindex(argv[2]);
	settings.destinations = (uint32_t)strtoul(argv[5], NULL, 10);
	if (!settings.ifindex || size < SMALLEST || size > LARGEST || !settings.destinations) {
		fprintf(stderr, "generate: IFACE must exist, DESTINATIONS be at least 1, SIZE %d to %d\n", SMALLEST,
			LARGEST);
		return 2;
	}
	build(frame, (unsigned int)size);
	memcpy(settings.template, frame, REWRITTEN);
	program = load(argv[1], &settings, &object);
	if (program < 0) {
		fprintf(stderr, "generate: %s: %s\n", argv[1], strerror(-program));
		return 1;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	prctl(PR_SET_TIMERSLACK, 1UL);
	start = now();
	end = start + strtod(argv[6], NULL);
	while (!stopped && now() < end) {
		long sent = send_lap(program, frame, size, start, frames, rate);

		if (sent < 0) {
			fprintf(stderr, "generate: live frames: %s\n", strerror((int)-sent));
			return 1;
		}
		frames += (unsigned long)sent;
	}
	printf("{\"frames\":%lu,\"seconds\":%.6f}\n", frames, now() - start);
	bpf_object__close(object);
	return 0;
}
