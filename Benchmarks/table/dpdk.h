/*
 * What both DPDK peers need: the environment without devices or hugetlbfs, and its memory on transparent huge pages.
 *
 * Without hugetlbfs the environment's memory is a memory file, for which the kernel gives no huge pages by default. So
 * each segment list is mapped again as anonymous memory with its content, and huge pages are asked for it: without this
 * the peers would pay a TLB miss for every line that the product gets without.
 */
#ifndef TABLE_DPDK_H
#define TABLE_DPDK_H

#define _GNU_SOURCE
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "measure.h"

#define SMALL_PAGE 4096

static char *environment_memory;

static inline int remap(const struct rte_memseg_list *list, void *argument)
{
	char *copy;

	(void)argument;
	if (list->external || list->len == 0)
		return 0;
	copy = mmap(NULL, list->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (copy == MAP_FAILED || madvise(copy, list->len, MADV_HUGEPAGE))
		return -1;
	/* Pages that were never written are not read either, or the copy would fill the memory. */
	for (size_t block = 0; block < list->len; block += HUGE_PAGE) {
		unsigned char present[HUGE_PAGE / SMALL_PAGE];
		size_t length = list->len - block < HUGE_PAGE ? list->len - block : HUGE_PAGE;

		if (mincore((char *)list->base_va + block, length, present))
			return -1;
		for (size_t page = 0; page < length / SMALL_PAGE; page++)
			if (present[page] & 1)
				memcpy(copy + block + page * SMALL_PAGE,
				       (char *)list->base_va + block + page * SMALL_PAGE, SMALL_PAGE);
	}
	environment_memory = list->base_va;
	return mremap(copy, list->len, list->len, MREMAP_MAYMOVE | MREMAP_FIXED, list->base_va) == MAP_FAILED ? -1 : 0;
}

/* Starts the environment on one CPU with so much memory. Ends the program when it cannot. */
static inline void start_environment(const char *program, const char *cpu, int megabytes)
{
	char memory[16];
	char *arguments[] = {
		(char *)program,  "-l",		 (char *)cpu,	      "-m", memory, "--no-huge", "--no-pci",
		"--no-telemetry", "--no-shconf", "--log-level=error", NULL};

	snprintf(memory, sizeof(memory), "%d", megabytes);
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]) - 1, arguments) < 0) {
		fprintf(stderr, "%s: the DPDK environment does not start: %s\n", program, rte_strerror(rte_errno));
		exit(1);
	}
	if (rte_memseg_list_walk(remap, NULL) < 0) {
		perror("mapping the DPDK memory again");
		exit(1);
	}
}

/* How much of the environment's resident memory lies on huge pages, 0 to 1. */
static inline double huge_page_share(void)
{
	char line[256];
	unsigned long long first, last, kilobytes, all = 0, huge = 0;
	int inside = 0;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &first, &last) == 2)
			inside = (uintptr_t)environment_memory >= first && (uintptr_t)environment_memory < last;
		if (inside && sscanf(line, "Rss: %llu", &kilobytes) == 1)
			all = kilobytes;
		if (inside && sscanf(line, "AnonHugePages: %llu", &kilobytes) == 1)
			huge = kilobytes;
	}
	if (file)
		fclose(file);
	return all ? (double)huge / all : 0;
}

#endif
