// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Hands one mobile node over between two tunnels while packets for it arrive, and says how soon they followed:
 * handover OBJECT IFACE SOCKET BINDING
 *
 * Attaches the program `watch` to IFACE and prints "ready"; then a line "COUNT" on standard input is that many
 * handovers (JSON: microseconds from the write of the update to the first packet by the new tunnel; `late`: handovers
 * in which a packet that was sent after the quiesced acknowledgement still took the old one), and an empty line the
 * totals "PACKETS TUNNELLED". Ends with standard input. One clock: CLOCK_MONOTONIC, which is the program's, too.
 */
#include <errno.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "client.h"

/* As in watch.bpf.c. */
struct watched {
	uint64_t prefix, remote;
	uint64_t first_new, last_old, old_packets;
	uint64_t packets, tunnelled;
};

enum { MOST = 100000 };
static const uint64_t patience = 1000000000, between = 3000000;

static volatile struct watched *attach(const char *path, const char *name, struct bpf_link **link)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;
	void *shared = MAP_FAILED;

	if (!object || bpf_object__load(object) != 0)
		stop(path);
	bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), ".bss")) shared =
		mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	program = bpf_object__find_program_by_name(object, "watch");
	*link = program ? bpf_program__attach_xdp(program, (int)if_nametoindex(name)) : NULL;
	if (!*link || shared == MAP_FAILED)
		stop(name);
	return shared;
}

/* Waits for a packet by the new tunnel. Nanoseconds from the write to it. */
static uint64_t hand_over(int peer, volatile struct watched *watched, uint32_t binding, uint32_t gateway,
			  uint32_t *late)
{
	uint8_t record[RECORD];
	uint64_t remote, start, acknowledged;

	fill(record, binding, gateway);
	memcpy(&remote, record + offsetof(struct fp_binding, tunnel_remote) + 8, sizeof(remote));
	watched->remote = remote;
	watched->last_old = 0;
	watched->first_new = 0;
	start = nanoseconds();
	send_update(peer, FP_ATOMIC | FP_QUIESCED, binding, gateway);
	reply(peer);
	acknowledged = nanoseconds();
	while (!watched->first_new) {
		if (nanoseconds() - start > patience) {
			fprintf(stderr, "handover: no packet came by the new tunnel\n");
			exit(1);
		}
		pause_for(20000);
	}
	/* Whatever was under way has arrived after this pause, whose length keeps the handovers out of step. */
	pause_for(between + start % 1000000);
	*late += watched->last_old > acknowledged;
	return watched->first_new - start;
}

int main(int argc, char **argv)
{
	static uint64_t latencies[MOST];
	volatile struct watched *watched;
	struct bpf_link *link;
	uint8_t record[RECORD];
	uint64_t prefix;
	uint32_t binding, gateway = 0;
	char line[16];
	int peer;

	if (argc != 5) {
		fprintf(stderr, "usage: handover OBJECT IFACE SOCKET BINDING\n");
		return 2;
	}
	watched = attach(argv[1], argv[2], &link);
	binding = (uint32_t)strtoul(argv[4], NULL, 10);
	fill(record, binding, 0);
	memcpy(&prefix, record + offsetof(struct fp_binding, prefix), sizeof(prefix));
	watched->prefix = prefix;
	peer = connected(argv[3]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		uint32_t count = (uint32_t)strtoul(line, NULL, 10), late = 0;

		for (uint32_t index = 0; index < count && index < MOST; index++)
			latencies[index] = hand_over(peer, watched, binding, ++gateway, &late);
		if (count) {
			print_latencies(latencies, count < MOST ? count : MOST);
			printf(",\"late\":%u}\n", late);
		} else {
			printf("%llu %llu\n", (unsigned long long)watched->packets,
			       (unsigned long long)watched->tunnelled);
		}
		fflush(stdout);
	}
	bpf_link__destroy(link);
	return 0;
}
