// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Attaches the counting program to an interface: count OBJECT IFACE
 *
 * Prints "ready"; then for each line on standard input one line:
 *   (empty)    NANOSECONDS PACKETS OCTETS TUNNELLED LATE, running totals
 *   latencies  {"count":N,"p50":US,"p99":US,"p999":US,"most":US} of the stamped frames since the last such line
 *   samples    the first frames since the last such line as hexadecimal words
 * Ends, and detaches, when standard input ends.
 */
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "frame.h"

enum { MOST_CPUS = 1024 };

struct counter {
	int tallies, latencies, samples, cpus;
	volatile uint32_t *sampled;
	/* Since numbers start again with every generator. */
	uint64_t seen[LATENCY_BUCKETS];
};

static int print_totals(const struct counter *counter)
{
	static struct tally values[MOST_CPUS];
	struct tally sum = {0};
	struct timespec now;
	uint32_t zero = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (bpf_map_lookup_elem(counter->tallies, &zero, values) != 0)
		return -errno;
	for (int cpu = 0; cpu < counter->cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.octets += values[cpu].octets;
		sum.tunnelled += values[cpu].tunnelled;
		sum.late += values[cpu].late;
	}
	printf("%llu %llu %llu %llu %llu\n",
	       (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec,
	       (unsigned long long)sum.packets, (unsigned long long)sum.octets, (unsigned long long)sum.tunnelled,
	       (unsigned long long)sum.late);
	return 0;
}

/* The upper end of a bucket in microseconds. */
static double upper_end(uint32_t bucket)
{
	uint64_t units = bucket < 64 ? bucket + 1 : (uint64_t)(bucket % 32 + 33) << (bucket / 32 - 1);

	return (double)units * LATENCY_UNIT / 1e3;
}

static double quantile(const uint64_t *counts, uint64_t total, double share)
{
	uint64_t rank = (uint64_t)((double)total * share), below = 0;

	for (uint32_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
		below += counts[bucket];
		if (below > rank || (below == total && total))
			return upper_end(bucket);
	}
	return 0;
}

static int print_latencies(struct counter *counter)
{
	static uint64_t values[MOST_CPUS], counts[LATENCY_BUCKETS];
	uint64_t total = 0;

	for (uint32_t bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
		uint64_t sum = 0;

		if (bpf_map_lookup_elem(counter->latencies, &bucket, values) != 0)
			return -errno;
		for (int cpu = 0; cpu < counter->cpus; cpu++)
			sum += values[cpu];
		counts[bucket] = sum - counter->seen[bucket];
		counter->seen[bucket] = sum;
		total += counts[bucket];
	}
	printf("{\"count\":%llu,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"most\":%.3f}\n", (unsigned long long)total,
	       quantile(counts, total, 0.5), quantile(counts, total, 0.99), quantile(counts, total, 0.999),
	       quantile(counts, total, 1));
	return 0;
}

static int print_samples(const struct counter *counter)
{
	struct sample sample;

	for (uint32_t index = 0; index < *counter->sampled; index++) {
		if (bpf_map_lookup_elem(counter->samples, &index, &sample) != 0)
			return -errno;
		for (uint32_t octet = 0; octet < SAMPLED && octet < sample.length; octet++)
			printf("%02x", sample.octets[octet]);
		printf(" ");
	}
	printf("\n");
	*counter->sampled = 0;
	return 0;
}

static int attach(struct counter *counter, const char *path, const char *interface, struct bpf_link **link)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	counter->cpus = libbpf_num_possible_cpus();
	if (!object || counter->cpus < 1 || counter->cpus > MOST_CPUS || bpf_object__load(object) != 0)
		return -errno;
	counter->tallies = bpf_object__find_map_fd_by_name(object, "tallies");
	counter->latencies = bpf_object__find_map_fd_by_name(object, "latencies");
	counter->samples = bpf_object__find_map_fd_by_name(object, "samples");
	counter->sampled = MAP_FAILED;
	bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), ".bss")) counter->sampled =
		mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	program = bpf_object__find_program_by_name(object, "count");
	*link = program ? bpf_program__attach_xdp(program, (int)if_nametoindex(interface)) : NULL;
	return *link && counter->sampled != MAP_FAILED ? 0 : -errno;
}

int main(int argc, char **argv)
{
	static struct counter counter;
	struct bpf_link *link = NULL;
	char line[16];
	int error;

	if (argc != 3) {
		fprintf(stderr, "usage: count OBJECT IFACE\n");
		return 2;
	}
	error = attach(&counter, argv[1], argv[2], &link);
	if (error) {
		fprintf(stderr, "count: %s on %s: %s\n", argv[1], argv[2], strerror(-error));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (!error && fgets(line, sizeof(line), stdin)) {
		if (line[0] == 'l')
			error = print_latencies(&counter);
		else if (line[0] == 's')
			error = print_samples(&counter);
		else
			error = print_totals(&counter);
		fflush(stdout);
	}
	bpf_link__destroy(link);
	return error ? 1 : 0;
}
