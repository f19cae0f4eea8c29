/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the files of the program share; not part of the module. */
#ifndef FASTPATH_PROGRAM_H
#define FASTPATH_PROGRAM_H

#include <stdint.h>

#include "cxdp.h"

/* As the kernel shows it; fp_detach_interface() knows our program by it. */
#define FP_PROGRAM_NAME "fastpath_steer"

/* Generated/steer_object.c */
extern const uint8_t fp_steer_object[];
extern const uint64_t fp_steer_object_size;

struct fp_link {
	unsigned int ifindex;
	int fd; /* the bpf_link; closing it detaches */
};

struct fp_program {
	struct bpf_object *object;
	int program;
	int ports;
	int local_addresses;
	int pools;
	int sources;
	int xsks;
	int counters;
	uint32_t link_count;
	struct fp_link links[STEER_MAX_PORTS];
};

#endif
