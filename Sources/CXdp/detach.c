// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Taking our program off an interface without the process that attached it. The program is known by its name, its link
 * by the program's id: interface indices repeat across network namespaces, program ids do not.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "program.h"

/* A descriptor of the program `id` if it is ours, else -EPERM. */
static int open_our_program(uint32_t id)
{
	struct bpf_prog_info info = {0};
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	int error;

	if (fd < 0)
		return fd;
	error = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (!error && strcmp(info.name, FP_PROGRAM_NAME) != 0)
		error = -EPERM;
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* 1: this link held the program on the interface and is detached now; 0: another link. */
static int detach_if_ours(int link, uint32_t program_id, unsigned int ifindex)
{
	struct bpf_link_info info = {0};
	uint32_t length = sizeof(info);
	int error = bpf_obj_get_info_by_fd(link, &info, &length);

	if (error)
		return error;
	if (info.type != BPF_LINK_TYPE_XDP || info.prog_id != program_id || info.xdp.ifindex != ifindex)
		return 0;
	error = bpf_link_detach(link);
	return error ? error : 1;
}

/* 1 when the link was found and detached, 0 when no link holds the program. Ids are finite and only grow. */
static int detach_link(uint32_t program_id, unsigned int ifindex)
{
	uint32_t id = 0;
	int error;

	while (!(error = bpf_link_get_next_id(id, &id))) {
		int link = bpf_link_get_fd_by_id(id);
		int result;

		if (link == -ENOENT) /* went away since */
			continue;
		if (link < 0)
			return link;
		result = detach_if_ours(link, program_id, ifindex);
		close(link);
		if (result)
			return result;
	}
	return error == -ENOENT ? 0 : error;
}

int fp_detach_interface(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	uint32_t id = 0;
	int error;
	int program;

	libbpf_set_print(NULL);
	error = bpf_xdp_query_id((int)ifindex, 0, &id);
	if (error)
		return error;
	if (id == 0)
		return -ENOENT;
	program = open_our_program(id);
	if (program < 0)
		return program;
	error = detach_link(id, ifindex);
	if (error == 0) { /* attached without a link; only if it is still the same program */
		options.old_prog_fd = program;
		error = bpf_xdp_detach((int)ifindex, 0, &options);
	}
	close(program);
	return error < 0 ? error : 0;
}
