// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends frames through an interface:
 * generate OBJECT IFACE SOURCE_MAC DESTINATION_MAC [-u] [-n DESTINATIONS] [-g GATEWAYS] [-t SECONDS] [-l SIZE|imix]
 *          [-r RATE [-b BURST [-w BINDING]]] [-o FIRST_NUMBER]
 *
 * As fast as one CPU can, or RATE frames a second, each at its time and stamped with that. Both take the whole CPU and
 * are one run of the program: the kernel needs 25 ms to end one and to begin another (Linux 6.18), in which no frame is
 * sent. With -b the CPU is free in between: BURST frames are sent together, the first of them to BINDING's mobile node,
 * all stamped with the time they were made. Short runs are cheap for a program that is attached somewhere (the kernel
 * keeps its XDP dispatcher as it is then), so this one is, at IFACE, where it passes on what arrives. Live frames of
 * BPF_PROG_TEST_RUN: no skb, no system call per packet. SIZE is the frame without the tunnel header that it has with -u
 * (uplink). Ends after SECONDS or on SIGTERM and prints
 * {"frames":N,"seconds":S}: frames offered, and (paced) the time from first to last; a full ring at the other end drops
 * some of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "frame.h"

enum { LARGEST = MIX_LARGE, BATCH = 256 };

struct load {
	uint8_t frame[LARGEST + IPV6];
	uint32_t size;
	double seconds, rate;
	int uplink;
	uint32_t burst;
	struct bpf_program *program;
	volatile struct generator *generator;
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

static uint8_t *put_ipv6(uint8_t *at, size_t payload, uint8_t next, const char *source, const char *destination)
{
	uint16_t length = htons((uint16_t)payload);

	at[0] = 0x60;
	memcpy(at + 4, &length, 2);
	at[6] = next;
	at[7] = 64;
	inet_pton(AF_INET6, source, at + 8);
	inet_pton(AF_INET6, destination, at + 24);
	return at + IPV6;
}

/* What the program does not fill in: everything but mobile node, gateway, source port, number and time. */
static void build(struct load *load)
{
	static const char node[] = "2001:db8:100::10", correspondent[] = "2001:db8:c::1";
	size_t datagram = load->size - ETHERNET - IPV6;
	uint16_t length = htons((uint16_t)datagram);
	uint8_t *at = load->frame + ETHERNET;

	load->frame[12] = 0x86;
	load->frame[13] = 0xdd;
	if (load->uplink) {
		at = put_ipv6(at, datagram + IPV6, TUNNELLED, "2001:db8:a::", "2001:db8:1::1");
		load->size += IPV6;
	}
	at = put_ipv6(at, datagram, IPPROTO_UDP, load->uplink ? node : correspondent,
		      load->uplink ? correspondent : node);
	at[3] = 9;
	memcpy(at + 4, &length, 2);
	/* A forwarder does not look at the UDP checksum, and nobody receives these: any value but zero. */
	at[6] = 0xfa;
	at[7] = 0x57;
}

static int prepare(struct load *load, const char *path, struct generator *settings)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map, *state = NULL;

	if (!object)
		return -errno;
	build(load);
	memcpy(settings->frame, load->frame, load->uplink ? UP_WRITTEN : DOWN_WRITTEN);
	if (load->rate > 0 && !load->burst)
		settings->gap = (uint64_t)(1024e9 / load->rate);
	/* The global `generator` is all there is in .bss. */
	bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), ".bss")) state = map;
	if (!state || bpf_map__set_initial_value(state, settings, sizeof(*settings)) != 0 ||
	    bpf_object__load(object) != 0)
		return -errno;
	load->generator =
		mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(state), 0);
	program = bpf_object__find_program_by_name(object, load->uplink ? "uplink" : "downlink");
	if (load->generator == MAP_FAILED || !program)
		return -errno;
	load->program = program;
	/* Until the end of the process. */
	return load->burst && !bpf_program__attach_xdp(program, (int)settings->interface) ? -errno : 0;
}

/* Runs of one burst each, and sleep until the next is due. 0 or -errno. */
static int send_bursts(struct load *load, double start)
{
	struct xdp_md context = {.data_end = load->size};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = load->frame, .data_size_in = load->size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = (int)load->burst, .batch_size = load->burst,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	double sent = 0;
	int error = 0;

	prctl(PR_SET_TIMERSLACK, 1UL);
	while (!stopped && !error && now() < start + load->seconds) {
		double wait = start + sent / load->rate - now();
		struct timespec pause = {.tv_sec = (time_t)wait,
					 .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};

		if (wait > 0)
			nanosleep(&pause, NULL);
		error = bpf_prog_test_run_opts(bpf_program__fd(load->program), &run);
		sent += load->burst;
	}
	return error == -EINTR ? 0 : error;
}

/* A signal ends it as well: the caller's, or the clock's after `seconds`. 0 or -errno. */
static int send_frames(struct load *load)
{
	uint64_t microseconds = (uint64_t)(load->seconds * 1e6) + 1;
	struct itimerval end = {.it_value = {.tv_sec = (time_t)(microseconds / 1000000),
					     .tv_usec = (suseconds_t)(microseconds % 1000000)},
				.it_interval.tv_usec = 10000};
	struct xdp_md context = {.data_end = load->size};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = load->frame, .data_size_in = load->size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = INT_MAX, .batch_size = load->rate > 0 ? 1 : BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int error = 0;

	setitimer(ITIMER_REAL, &end, NULL);
	while (!stopped && !error) {
		error = bpf_prog_test_run_opts(bpf_program__fd(load->program), &run);
		if (error == -EINTR)
			error = 0;
	}
	return error;
}

static int parse(struct load *load, struct generator *settings, int argc, char **argv)
{
	int option;

	*settings = (struct generator){.destinations = 1, .gateways = 64};
	load->size = MIX_SMALL;
	load->seconds = 1;
	if (argc < 5 || !parse_mac(argv[3], load->frame + 6) || !parse_mac(argv[4], load->frame))
		return 0;
	settings->interface = if_nametoindex(argv[2]);
	optind = 5;
	while ((option = getopt(argc, argv, "un:g:t:l:r:o:b:w:")) != -1) {
		if (option == 'u')
			load->uplink = 1;
		else if (option == 'n')
			settings->destinations = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'g')
			settings->gateways = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 't')
			load->seconds = strtod(optarg, NULL);
		else if (option == 'l' && strcmp(optarg, "imix") == 0)
			settings->mixed = 1;
		else if (option == 'l')
			load->size = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			load->rate = strtod(optarg, NULL);
		else if (option == 'b')
			settings->burst = load->burst = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			settings->watched = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'o')
			settings->number = strtoul(optarg, NULL, 10);
		else
			return 0;
	}
	if (settings->mixed)
		load->size = MIX_LARGE;
	return settings->interface && settings->destinations && settings->gateways && load->size >= MIX_SMALL &&
	       load->size <= LARGEST && load->burst <= BATCH && (!load->burst || (load->rate > 0 && !load->uplink));
}

int main(int argc, char **argv)
{
	static struct load load;
	struct generator settings;
	double start, seconds;
	int error;

	if (!parse(&load, &settings, argc, argv)) {
		fprintf(stderr, "usage: generate OBJECT IFACE SOURCE_MAC DESTINATION_MAC [-u] [-n DESTINATIONS]"
				" [-g GATEWAYS] [-t SECONDS] [-l SIZE|imix] [-r RATE [-b BURST [-w BINDING]]]"
				" [-o FIRST_NUMBER]\n"
				"IFACE must exist, SIZE be 78 to 1514, BURST at most 256\n");
		return 2;
	}
	error = prepare(&load, argv[1], &settings);
	if (error) {
		fprintf(stderr, "generate: %s: %s\n", argv[1], strerror(-error));
		return 1;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	signal(SIGALRM, stop);
	start = now();
	error = load.burst ? send_bursts(&load, start) : send_frames(&load);
	if (error) {
		fprintf(stderr, "generate: live frames: %s\n", strerror(-error));
		return 1;
	}
	if (load.rate > 0 && !load.burst)
		seconds = (double)(load.generator->last - load.generator->first) / 1e9;
	else
		seconds = now() - start;
	printf("{\"frames\":%llu,\"seconds\":%.6f}\n", (unsigned long long)load.generator->number - settings.number,
	       seconds);
	return 0;
}
