// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Loading and attaching the XDP program. libbpf alone: libxdp's dispatcher needs bpffs, and its own program would
 * redirect whole queues. Maps and links are reachable through descriptors of this process only, so the kernel takes
 * everything back when it ends, however it ends.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "program.h"

const uint8_t *fp_program_object(uint64_t *size)
{
	*size = fp_steer_object_size;
	return fp_steer_object;
}

/* A bpf_map or bpf_program of the object that libbpf cannot find means that the object is not ours. */
static int find_maps(struct fp_program *program)
{
	const struct {
		const char *name;
		int *fd;
	} maps[] = {
		{"ports", &program->ports}, {"local_addresses", &program->local_addresses},
		{"pools", &program->pools}, {"sources", &program->sources},
		{"xsks", &program->xsks},   {"counters", &program->counters},
	};
	struct bpf_program *xdp = bpf_object__find_program_by_name(program->object, FP_PROGRAM_NAME);

	if (!xdp)
		return -ENOENT;
	program->program = bpf_program__fd(xdp);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		*maps[i].fd = bpf_object__find_map_fd_by_name(program->object, maps[i].name);
		if (*maps[i].fd < 0)
			return *maps[i].fd;
	}
	return 0;
}

int fp_program_load_logged(struct fp_program **out, char *log, uint32_t log_size)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "fastpath");
	struct fp_program *program = calloc(1, sizeof(*program));
	int error;

	if (!program)
		return -ENOMEM;
	if (log && log_size > 0) {
		log[0] = '\0';
		options.kernel_log_buf = log;
		options.kernel_log_size = log_size;
	}
	/* Standard error is the daemon's log; what libbpf would print there comes back as errno and `log`. */
	libbpf_set_print(NULL);
	program->object = bpf_object__open_mem(fp_steer_object, fp_steer_object_size, &options);
	if (!program->object) {
		error = -errno;
		free(program);
		return error;
	}
	error = bpf_object__load(program->object);
	if (!error)
		error = find_maps(program);
	if (error) {
		fp_program_close(program);
		return error;
	}
	*out = program;
	return 0;
}

int fp_program_load(struct fp_program **out)
{
	return fp_program_load_logged(out, NULL, 0);
}

void fp_program_close(struct fp_program *program)
{
	if (!program)
		return;
	for (uint32_t i = 0; i < program->link_count; i++)
		close(program->links[i].fd);
	bpf_object__close(program->object);
	free(program);
}

static struct fp_link *find_link(struct fp_program *program, unsigned int ifindex)
{
	for (uint32_t i = 0; i < program->link_count; i++)
		if (program->links[i].ifindex == ifindex)
			return &program->links[i];
	return NULL;
}

int fp_program_attach(struct fp_program *program, unsigned int ifindex, int generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int fd;

	if (ifindex == 0)
		return -ENODEV;
	if (find_link(program, ifindex))
		return -EBUSY;
	if (program->link_count == STEER_MAX_PORTS)
		return -ENOSPC;
	options.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	fd = bpf_link_create(program->program, (int)ifindex, BPF_XDP, &options);
	if (fd < 0)
		return fd;
	program->links[program->link_count].ifindex = ifindex;
	program->links[program->link_count].fd = fd;
	program->link_count++;
	return 0;
}

int fp_program_detach(struct fp_program *program, unsigned int ifindex)
{
	struct fp_link *link = find_link(program, ifindex);

	if (!link)
		return -ENOENT;
	close(link->fd);
	*link = program->links[--program->link_count];
	return 0;
}
