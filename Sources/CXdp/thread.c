// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "cxdp.h"

int fp_pin_thread(int cpu)
{
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

int fp_leave_cpus(const int *cpus, int count)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (int index = 0; index < count; index++)
		if (cpus[index] >= 0 && cpus[index] < CPU_SETSIZE)
			CPU_CLR(cpus[index], &set);
	if (!CPU_COUNT(&set))
		return 0;
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 1;
}

int fp_name_thread(const char *name)
{
	return -pthread_setname_np(pthread_self(), name);
}

int fp_unshare_network(void)
{
	int before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int error;

	if (before < 0)
		return -errno;
	if (!unshare(CLONE_NEWNET))
		return before;
	error = -errno;
	close(before);
	return error;
}

int fp_enter_network(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}
