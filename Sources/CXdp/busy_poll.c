// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Busy polling of an AF_XDP socket: its system calls run the receive path of its queue.
 */
#include <errno.h>
#include <sys/socket.h>

#include "cxdp.h"

/*
 * How long a call that waits may poll, in microseconds. None of ours waits, and one that does not polls once whatever
 * the number (napi_busy_loop()); 0 would be off.
 */
#define POLL_TIME 20
#define LARGEST_BUDGET 65535

static int set(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) ? -errno : 0;
}

static int get(int fd, int option, int *value)
{
	socklen_t length = sizeof(*value);

	return getsockopt(fd, SOL_SOCKET, option, value, &length) ? -errno : 0;
}

int fp_socket_poll_busily(int fd, uint32_t budget)
{
	int preferred = 0, time = 0, error;

	if (budget < 1 || budget > LARGEST_BUDGET)
		return -EINVAL;
	error = set(fd, SO_PREFER_BUSY_POLL, 1);
	if (!error)
		error = set(fd, SO_BUSY_POLL, POLL_TIME);
	if (!error)
		error = set(fd, SO_BUSY_POLL_BUDGET, (int)budget); /* cannot be read back */
	if (!error)
		error = get(fd, SO_PREFER_BUSY_POLL, &preferred);
	if (!error)
		error = get(fd, SO_BUSY_POLL, &time);
	if (error)
		return error;
	return preferred && time == POLL_TIME ? 0 : -EIO;
}

int fp_socket_polled_instance(int fd)
{
	int instance = 0;
	int error = get(fd, SO_INCOMING_NAPI_ID, &instance);

	return error ? error : instance;
}
