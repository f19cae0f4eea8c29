// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * UMEM registration and AF_XDP sockets through libxdp, which keeps the fill and completion rings per (device, queue)
 * and takes the XDP_SHARED_UMEM road for every socket after the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <xdp/libxdp.h>
#include <xdp/xsk.h>

#include "cxdp.h"

/*
 * The kernel frees a closed socket's queue in a work item (xp_release_deferred()), so a bind right after a close, or
 * after a crash of the last owner, finds it busy for some milliseconds to seconds.
 */
#define BUSY_BUDGET_MS 5000
#define BUSY_STEP_MS 20

/* libxdp 1.3 leaves its sockets to child processes, where they would keep a queue busy and its program redirecting. */
static void close_on_exec(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC); /* cannot fail on an open descriptor */
}

int fp_umem_create(void *area, uint64_t size, const struct fp_umem_config *config, struct fp_rings *first,
		   struct xsk_umem **out)
{
	const struct xsk_umem_config umem_config = {
		.fill_size = config->fill_size,
		.comp_size = config->completion_size,
		.frame_size = config->frame_size,
		.frame_headroom = config->frame_headroom,
	};

	int error;

	libxdp_set_print(NULL);
	memset(first, 0, sizeof(*first));
	error = xsk_umem__create(out, area, size, &first->fill, &first->completion, &umem_config);
	if (error)
		return error;
	close_on_exec(xsk_umem__fd(*out));
	return 0;
}

int fp_umem_destroy(struct xsk_umem *umem)
{
	return xsk_umem__delete(umem);
}

/*
 * Without either flag the kernel tries zero-copy and falls back to copy by itself (xp_assign_dev()); what it chose is
 * read back by fp_socket_is_zero_copy().
 */
static uint16_t bind_flags(const struct fp_socket_config *config)
{
	if (config->generic || config->zero_copy == FP_ZERO_COPY_NEVER)
		return XDP_USE_NEED_WAKEUP | XDP_COPY;
	if (config->zero_copy == FP_ZERO_COPY_ONLY)
		return XDP_USE_NEED_WAKEUP | XDP_ZEROCOPY;
	return XDP_USE_NEED_WAKEUP;
}

/* Linux 6.17; absent from Debian's header. */
#define MAX_TX_SKB_BUDGET 9

/*
 * In copy mode a system call transmits 32 packets; newer kernels take another number, up to the ring's. Older ones
 * refuse the option, and need more calls.
 */
static void transmit_all_at_once(int fd, uint32_t tx_size)
{
	int budget = (int)tx_size;

	(void)setsockopt(fd, SOL_XDP, MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
}

static int check_socket_config(const struct fp_socket_config *config, const struct fp_rings *rings)
{
	if (config->zero_copy > FP_ZERO_COPY_TRY)
		return -EINVAL;
	if (config->generic && config->zero_copy == FP_ZERO_COPY_ONLY)
		return -EOPNOTSUPP;
	if (!config->first)
		return 0;
	/* libxdp would take strange rings for a shared UMEM's first socket and leave the ones made at registration
	 * unused. */
	return rings->fill.size == config->fill_size && rings->completion.size == config->completion_size ? 0 : -EINVAL;
}

int fp_socket_open(struct xsk_umem *umem, const char *interface, const struct fp_socket_config *config,
		   struct fp_rings *rings, struct xsk_socket **out)
{
	const struct timespec step = {.tv_nsec = BUSY_STEP_MS * 1000000L};
	const struct xsk_socket_config socket_config = {
		.rx_size = config->rx_size,
		.tx_size = config->tx_size,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = bind_flags(config),
	};
	int error = check_socket_config(config, rings);

	if (error)
		return error;
	if (!config->first)
		memset(rings, 0, sizeof(*rings));
	for (int waited = 0;; waited += BUSY_STEP_MS) {
		error = xsk_socket__create_shared(out, interface, config->queue, umem, &rings->rx, &rings->tx,
						  &rings->fill, &rings->completion, &socket_config);
		if (error != -EBUSY || waited >= BUSY_BUDGET_MS)
			break;
		nanosleep(&step, NULL);
	}
	if (error)
		return error;
	if (rings->fill.size != config->fill_size || rings->completion.size != config->completion_size) {
		xsk_socket__delete(*out);
		return -EINVAL;
	}
	close_on_exec(xsk_socket__fd(*out));
	transmit_all_at_once(xsk_socket__fd(*out), config->tx_size);
	return 0;
}

void fp_socket_close(struct xsk_socket *socket)
{
	xsk_socket__delete(socket);
}

int fp_socket_fd(struct xsk_socket *socket)
{
	return xsk_socket__fd(socket);
}

int fp_socket_is_zero_copy(int fd)
{
	struct xdp_options options;
	socklen_t length = sizeof(options);

	if (getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &length))
		return -errno;
	return (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

int fp_socket_statistics(int fd, struct xdp_statistics *out)
{
	socklen_t length = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockopt(fd, SOL_XDP, XDP_STATISTICS, out, &length) ? -errno : 0;
}

int fp_socket_kick_tx(int fd)
{
	return sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? -errno : 0;
}

int fp_socket_kick_rx(int fd)
{
	return recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? -errno : 0;
}

int fp_poll_readable(const int *fds, uint32_t count, int timeout_ms)
{
	struct pollfd polled[FP_MAX_POLL];
	int ready;

	if (count > FP_MAX_POLL)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	ready = poll(polled, count, timeout_ms);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready;
}
