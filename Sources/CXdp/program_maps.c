// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The program's tables: one system call per change. Keys and values are steer_abi.h's.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "program.h"

static int set_entry(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY);
}

static int remove_entry(int map, const void *key)
{
	int error = bpf_map_delete_elem(map, key);

	return error == -ENOENT ? 0 : error;
}

static int set_member(int map, const void *key, int present)
{
	const uint8_t member = 1;

	return present ? set_entry(map, key, &member) : remove_entry(map, key);
}

int fp_program_set_port(struct fp_program *program, unsigned int ifindex, const struct steer_port *port)
{
	const uint32_t key = ifindex;

	if (!port)
		return remove_entry(program->ports, &key);
	if (port->index >= STEER_MAX_PORTS)
		return -EINVAL;
	return set_entry(program->ports, &key, port);
}

int fp_program_set_socket(struct fp_program *program, unsigned int port, unsigned int queue, int xsk_fd)
{
	const uint32_t key = port * STEER_MAX_QUEUES + queue;

	if (port >= STEER_MAX_PORTS || queue >= STEER_MAX_QUEUES)
		return -EINVAL;
	return xsk_fd < 0 ? remove_entry(program->xsks, &key) : set_entry(program->xsks, &key, &xsk_fd);
}

int fp_program_set_local(struct fp_program *program, const struct steer_address *address, int present)
{
	return set_member(program->local_addresses, address, present);
}

int fp_program_set_pool(struct fp_program *program, const struct steer_prefix *prefix, int present)
{
	return set_member(program->pools, prefix, present);
}

int fp_program_set_source(struct fp_program *program, const struct steer_prefix *prefix,
			  const struct steer_source *source)
{
	if (!source)
		return remove_entry(program->sources, prefix);
	if (source->kind != STEER_SOURCE_BOUND && source->kind != STEER_SOURCE_VISITOR)
		return -EINVAL;
	if (source->port >= STEER_MAX_PORTS)
		return -EINVAL;
	return set_entry(program->sources, prefix, source);
}

int fp_program_counters(struct fp_program *program, unsigned int port, uint64_t counters[STEER_REASONS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values;
	int error = 0;

	if (port >= STEER_MAX_PORTS)
		return -EINVAL;
	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t reason = 0; reason < STEER_REASONS && !error; reason++) {
		const uint32_t key = port * STEER_REASONS + reason;

		error = bpf_map_lookup_elem(program->counters, &key, values);
		counters[reason] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			counters[reason] += values[cpu];
	}
	free(values);
	return error;
}

int fp_program_test_run(struct fp_program *program, const void *frame, uint32_t length, unsigned int ifindex,
			uint32_t *verdict)
{
	struct xdp_md context = {.data_end = length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	int error = bpf_prog_test_run_opts(program->program, &options);

	if (error)
		return error;
	*verdict = options.retval;
	return 0;
}

/* Most significant octet first. */
static void store_word(uint8_t *octets, uint64_t word, int count)
{
	for (int i = 0; i < count; i++)
		octets[i] = (uint8_t)(word >> (8 * (count - 1 - i)));
}

struct steer_address fp_address_key(uint8_t family, uint64_t high, uint64_t low)
{
	struct steer_address key = {.family = family};

	if (family == 4) {
		store_word(key.octets, low, 4);
	} else {
		store_word(key.octets, high, 8);
		store_word(key.octets + 8, low, 8);
	}
	return key;
}

struct steer_prefix fp_prefix_key(uint8_t family, uint64_t high, uint64_t low, uint8_t length)
{
	struct steer_prefix key = {.bits = STEER_FAMILY_BITS + length, .address = fp_address_key(family, high, low)};

	return key;
}

struct steer_port fp_port_value(uint32_t index, uint8_t kinds, uint64_t mac)
{
	struct steer_port value = {.kinds = kinds, .index = index};

	store_word(value.mac, mac, 6);
	return value;
}
