// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The yardstick: an AF_XDP forwarder that only rewrites MAC addresses. l2fwd OBJECT IFACE_A IFACE_B MAC_A MAC_B CPU
 * BUDGET BATCH
 *
 * What arrives at A leaves at B with source B's own address and destination MAC_B, and the other way round. One thread
 * on CPU, one UMEM shared by both interfaces (no packet is copied between them), need-wakeup, rings of 2048, copies
 * where zero-copy cannot be had, up to BATCH frames between two transmit calls. BUDGET sets how many frames one
 * transmit call may send where the kernel has an option for that (0: its default of 32). Prints "ready", ends on
 * SIGTERM with {"received":N,"sent":N,"dropped":N}.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/xsk.h>

enum { RING = 2048, BATCH = 256, CHUNK = 2048, PORTS = 2, FRAMES = 2 * PORTS * RING + 2 * BATCH };
/* Linux 6.17; absent from Debian's header. */
enum { XDP_MAX_TX_SKB_BUDGET_OPTION = 9, SOL_XDP_LEVEL = 283, KERNEL_BUDGET = 32 };

struct port {
	struct xsk_ring_cons rx, completion;
	struct xsk_ring_prod tx, fill;
	struct xsk_socket *socket;
	struct bpf_object *object;
	struct bpf_link *link;
	uint8_t macs[12]; /* as frames leave here: destination, then source */
	uint32_t outstanding;
};

struct forwarder {
	struct xsk_umem *umem;
	uint8_t *memory;
	struct port ports[PORTS];
	uint64_t free[FRAMES];
	uint32_t free_count, budget, batch;
	uint64_t received, sent, dropped;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static int set_macs(struct port *port, const char *interface, const char *destination)
{
	struct ifreq request = {0};
	uint8_t *mac = port->macs;
	int fd, error;

	if (sscanf(destination, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		   &mac[5]) != 6)
		return -EINVAL;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	error = ioctl(fd, SIOCGIFHWADDR, &request) == 0 ? 0 : -errno;
	memcpy(mac + 6, request.ifr_hwaddr.sa_data, 6);
	close(fd);
	return error;
}

static int open_umem(struct forwarder *forwarder)
{
	const struct xsk_umem_config config = {.fill_size = RING, .comp_size = RING, .frame_size = CHUNK};
	const size_t size = (size_t)FRAMES * CHUNK;

	forwarder->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (forwarder->memory == MAP_FAILED)
		return -errno;
	madvise(forwarder->memory, size, MADV_HUGEPAGE);
	memset(forwarder->memory, 0, size);
	for (uint32_t i = 0; i < FRAMES; i++)
		forwarder->free[i] = (uint64_t)i * CHUNK;
	forwarder->free_count = FRAMES;
	return xsk_umem__create(&forwarder->umem, forwarder->memory, size, &forwarder->ports[0].fill,
				&forwarder->ports[0].completion, &config);
}

static int open_port(struct forwarder *forwarder, struct port *port, const char *path, const char *interface)
{
	const struct xsk_socket_config config = {
		.rx_size = RING,
		.tx_size = RING,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	struct bpf_program *program;
	int budget = (int)forwarder->budget, error;

	error = xsk_socket__create_shared(&port->socket, interface, 0, forwarder->umem, &port->rx, &port->tx,
					  &port->fill, &port->completion, &config);
	if (error)
		return error;
	/* Older kernels have no such option, and take 32 frames a call. */
	if (budget > 0 && setsockopt(xsk_socket__fd(port->socket), SOL_XDP_LEVEL, XDP_MAX_TX_SKB_BUDGET_OPTION, &budget,
				     sizeof(budget)) != 0)
		forwarder->budget = 0;
	port->object = bpf_object__open_file(path, NULL);
	if (!port->object || bpf_object__load(port->object) != 0)
		return -errno;
	error = xsk_socket__update_xskmap(port->socket, bpf_object__find_map_fd_by_name(port->object, "sockets"));
	if (error)
		return error;
	program = bpf_object__find_program_by_name(port->object, "redirect");
	port->link = program ? bpf_program__attach_xdp(program, (int)if_nametoindex(interface)) : NULL;
	return port->link ? 0 : -errno;
}

static void reclaim(struct forwarder *forwarder, struct port *port)
{
	uint32_t index, count = xsk_ring_cons__peek(&port->completion, RING, &index);

	for (uint32_t i = 0; i < count; i++)
		forwarder->free[forwarder->free_count++] = *xsk_ring_cons__comp_addr(&port->completion, index + i);
	xsk_ring_cons__release(&port->completion, count);
	port->outstanding -= count;
}

static void refill(struct forwarder *forwarder, struct port *port)
{
	uint32_t index, count = xsk_prod_nb_free(&port->fill, forwarder->batch);

	if (count > forwarder->free_count)
		count = forwarder->free_count;
	if (count < forwarder->batch || xsk_ring_prod__reserve(&port->fill, count, &index) != count)
		return;
	for (uint32_t i = 0; i < count; i++)
		*xsk_ring_prod__fill_addr(&port->fill, index + i) = forwarder->free[--forwarder->free_count];
	xsk_ring_prod__submit(&port->fill, count);
}

/* Copy mode: the system call is the transmission, `budget` frames each. */
static void transmit(struct forwarder *forwarder, struct port *port)
{
	uint32_t each = forwarder->budget ? forwarder->budget : KERNEL_BUDGET;

	for (uint32_t sent = 0; xsk_ring_prod__needs_wakeup(&port->tx) && sent < port->outstanding; sent += each)
		if (sendto(xsk_socket__fd(port->socket), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY)
			break;
	reclaim(forwarder, port);
}

/* Moves one batch from one port to the other; returns its size. */
static uint32_t turn(struct forwarder *forwarder, struct port *from, struct port *to)
{
	uint32_t in, out, room, count;

	refill(forwarder, from);
	count = xsk_ring_cons__peek(&from->rx, forwarder->batch, &in);
	if (count == 0) {
		if (to->outstanding)
			transmit(forwarder, to);
		return 0;
	}
	forwarder->received += count;
	room = xsk_prod_nb_free(&to->tx, count);
	room = xsk_ring_prod__reserve(&to->tx, room < count ? room : count, &out);
	for (uint32_t i = 0; i < count; i++) {
		const struct xdp_desc *frame = xsk_ring_cons__rx_desc(&from->rx, in + i);

		if (i >= room) {
			forwarder->free[forwarder->free_count++] = frame->addr / CHUNK * CHUNK;
			forwarder->dropped++;
			continue;
		}
		memcpy(forwarder->memory + frame->addr, to->macs, sizeof(to->macs));
		*xsk_ring_prod__tx_desc(&to->tx, out + i) = (struct xdp_desc){.addr = frame->addr, .len = frame->len};
	}
	xsk_ring_cons__release(&from->rx, count);
	xsk_ring_prod__submit(&to->tx, room);
	to->outstanding += room;
	forwarder->sent += room;
	transmit(forwarder, to);
	return count;
}

static void run(struct forwarder *forwarder)
{
	struct pollfd waiting[PORTS];

	for (int i = 0; i < PORTS; i++)
		waiting[i] = (struct pollfd){xsk_socket__fd(forwarder->ports[i].socket), POLLIN, 0};
	while (!stopped) {
		uint32_t moved = turn(forwarder, &forwarder->ports[0], &forwarder->ports[1]);

		moved += turn(forwarder, &forwarder->ports[1], &forwarder->ports[0]);
		if (moved == 0)
			poll(waiting, PORTS, 100);
	}
}

int main(int argc, char **argv)
{
	static struct forwarder forwarder;
	cpu_set_t cpus;
	int error;

	if (argc != 9) {
		fprintf(stderr, "usage: l2fwd OBJECT IFACE_A IFACE_B MAC_A MAC_B CPU BUDGET BATCH\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[6]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	forwarder.budget = (uint32_t)atoi(argv[7]);
	forwarder.batch = (uint32_t)atoi(argv[8]);
	if (forwarder.batch < 1 || forwarder.batch > BATCH) {
		fprintf(stderr, "l2fwd: BATCH is 1 to %d\n", BATCH);
		return 2;
	}
	error = open_umem(&forwarder);
	for (int i = 0; i < PORTS && !error; i++) {
		error = set_macs(&forwarder.ports[i], argv[2 + i], argv[4 + i]);
		/* Frames must be in the fill ring before the first redirect. */
		error = error ? error : open_port(&forwarder, &forwarder.ports[i], argv[1], argv[2 + i]);
		for (uint32_t batch = 0; batch < RING / forwarder.batch && !error; batch++)
			refill(&forwarder, &forwarder.ports[i]);
	}
	if (error) {
		fprintf(stderr, "l2fwd: %s, %s: %s\n", argv[2], argv[3], strerror(-error));
		return 1;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	printf("ready\n");
	fflush(stdout);
	run(&forwarder);
	printf("{\"received\":%llu,\"sent\":%llu,\"dropped\":%llu}\n", (unsigned long long)forwarder.received,
	       (unsigned long long)forwarder.sent, (unsigned long long)forwarder.dropped);
	for (int i = 0; i < PORTS; i++) {
		bpf_link__destroy(forwarder.ports[i].link);
		xsk_socket__delete(forwarder.ports[i].socket);
		bpf_object__close(forwarder.ports[i].object);
	}
	return 0;
}
