// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Attaches the counting program to an interface: count OBJECT IFACE
 *
 * Prints "ready"; then for each line on standard input one line "NANOSECONDS PACKETS OCTETS TUNNELLED" of running
 * totals; ends, and detaches, when standard input ends.
 */
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* As in count.bpf.c. */
struct tally {
	uint64_t packets, octets, tunnelled;
};

static int print_totals(int map, int cpus, struct tally *values)
{
	struct tally sum = {0};
	struct timespec now;
	uint32_t zero = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (bpf_map_lookup_elem(map, &zero, values) != 0)
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.octets += values[cpu].octets;
		sum.tunnelled += values[cpu].tunnelled;
	}
	printf("%llu %llu %llu %llu\n",
	       (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec,
	       (unsigned long long)sum.packets, (unsigned long long)sum.octets, (unsigned long long)sum.tunnelled);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_link *link;
	struct tally *values;
	unsigned int ifindex;
	char line[16];
	int cpus = libbpf_num_possible_cpus();

	if (argc != 3) {
		fprintf(stderr, "usage: count OBJECT IFACE\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[2]);
	object = bpf_object__open_file(argv[1], NULL);
	values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	if (!ifindex || !object || !values || bpf_object__load(object) != 0) {
		fprintf(stderr, "count: %s on %s: %s\n", argv[1], argv[2], strerror(errno));
		return 1;
	}
	program = bpf_object__find_program_by_name(object, "count");
	link = program ? bpf_program__attach_xdp(program, (int)ifindex) : NULL;
	if (!link) {
		fprintf(stderr, "count: attach to %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		if (print_totals(bpf_object__find_map_fd_by_name(object, "tallies"), cpus, values) != 0)
			return 1;
	bpf_link__destroy(link);
	bpf_object__close(object);
	free(values);
	return 0;
}
