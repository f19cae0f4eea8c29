// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Puts the XDP peers in: encapsulate OBJECT trie|hash CORE TRANSPORT CORE_MAC CN_MAC TRANSPORT_MAC GATEWAY_MAC BINDINGS
 * GATEWAYS
 *
 * Fills the map with the bindings that the generator addresses, attaches `downlink` to CORE and `uplink` to TRANSPORT,
 * prints "ready" and waits for a line on standard input: a number of bindings to grow to, answered by "ready". Ends,
 * and detaches, with standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "encapsulate.h"
#include "frame.h"

struct peer {
	struct bpf_object *object;
	int map, use_trie;
	uint32_t bindings, gateways;
};

static int parse_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) == 6;
}

/* Adds the bindings up to `wanted`. */
static int grow(struct peer *peer, uint32_t wanted)
{
	struct prefix_key key = {.bits = 64};
	struct binding binding;
	uint32_t prefix;

	inet_pton(AF_INET6, "2001:db8:100::", key.address);
	inet_pton(AF_INET6, "2001:db8:a::", binding.gateway);
	for (; peer->bindings < wanted; peer->bindings++) {
		prefix = prefix_number(peer->bindings);
		key.address[5] = (uint8_t)(prefix >> 16);
		key.address[6] = (uint8_t)(prefix >> 8);
		key.address[7] = (uint8_t)prefix;
		binding.gateway[15] = (uint8_t)(1 + peer->bindings % peer->gateways);
		if (bpf_map_update_elem(peer->map, peer->use_trie ? (void *)&key : (void *)key.address, &binding,
					BPF_ANY) != 0)
			return -errno;
	}
	return 0;
}

static int attach(struct peer *peer, const char *name, const char *interface, uint32_t slot)
{
	struct bpf_program *program = bpf_object__find_program_by_name(peer->object, name);
	int devices = bpf_object__find_map_fd_by_name(peer->object, "interfaces");
	uint32_t index = if_nametoindex(interface);

	if (!program || !index || bpf_map_update_elem(devices, &slot, &index, BPF_ANY) != 0)
		return -errno;
	return bpf_program__attach_xdp(program, (int)index) ? 0 : -errno;
}

static int put_in(struct peer *peer, char **argv)
{
	struct anchor anchor = {.use_trie = (uint32_t)peer->use_trie};
	uint8_t *core = (uint8_t *)anchor.core_macs, *transport = (uint8_t *)anchor.transport_macs;
	struct bpf_map *map, *constants = NULL;
	int error;

	inet_pton(AF_INET6, "2001:db8:1::1", anchor.address);
	if (!parse_mac(argv[5], core + 6) || !parse_mac(argv[6], core) || !parse_mac(argv[7], transport + 6) ||
	    !parse_mac(argv[8], transport))
		return -EINVAL;
	peer->object = bpf_object__open_file(argv[1], NULL);
	if (!peer->object)
		return -errno;
	bpf_object__for_each_map(map, peer->object) if (strstr(bpf_map__name(map), ".rodata")) constants = map;
	/* What is not used must not take memory, and so cache, either. */
	map = bpf_object__find_map_by_name(peer->object, peer->use_trie ? "hash" : "trie");
	if (!constants || !map || bpf_map__set_initial_value(constants, &anchor, sizeof(anchor)) != 0 ||
	    bpf_map__set_max_entries(map, 1) != 0 || bpf_object__load(peer->object) != 0)
		return -errno;
	peer->map = bpf_object__find_map_fd_by_name(peer->object, peer->use_trie ? "trie" : "hash");
	error = grow(peer, (uint32_t)strtoul(argv[9], NULL, 10));
	error = error ? error : attach(peer, "downlink", argv[3], CORE);
	return error ? error : attach(peer, "uplink", argv[4], TRANSPORT);
}

int main(int argc, char **argv)
{
	static struct peer peer;
	char line[16];
	int error;

	if (argc != 11) {
		fprintf(stderr, "usage: encapsulate OBJECT trie|hash CORE TRANSPORT CORE_MAC CN_MAC TRANSPORT_MAC"
				" GATEWAY_MAC BINDINGS GATEWAYS\n");
		return 2;
	}
	peer.use_trie = strcmp(argv[2], "trie") == 0;
	peer.gateways = (uint32_t)strtoul(argv[10], NULL, 10);
	error = put_in(&peer, argv);
	while (!error) {
		printf("ready\n");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
		error = grow(&peer, (uint32_t)strtoul(line, NULL, 10));
	}
	if (error)
		fprintf(stderr, "encapsulate: %s on %s, %s: %s\n", argv[1], argv[3], argv[4], strerror(-error));
	/* The links, and so the attachments, end with the process. */
	return error ? 1 : 0;
}
