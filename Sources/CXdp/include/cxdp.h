/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The whole C surface of the plane: AF_XDP memory, sockets and rings (libxdp), the XDP program and its maps (libbpf),
 * interface facts (ethtool), and what a thread and a CPU can do that Swift cannot say.
 *
 * Every function that can fail returns 0 (or a count) or a negative errno. Nothing here decides, logs or keeps state
 * of its own; the one loop over time is the wait for EBUSY in fp_socket_open().
 */
#ifndef FASTPATH_CXDP_H
#define FASTPATH_CXDP_H

#if !__has_include(<xdp/xsk.h>) || !__has_include(<bpf/libbpf.h>)
#error "fastpath needs the headers of libxdp and libbpf: apt-get install libxdp-dev libbpf-dev"
#else

#include <stdint.h>
#include <xdp/xsk.h>

#include "cxdp_rings.h"
#include "steer_abi.h"

/* ---- UMEM and sockets (socket.c) ---- */

struct fp_umem_config {
	uint32_t frame_size;	 /* octets, a power of two of at least 2048 */
	uint32_t frame_headroom; /* octets the kernel leaves free in front of a received packet, besides its own 256 */
	uint32_t fill_size;	 /* entries, powers of two; every socket of the UMEM gets rings of these sizes */
	uint32_t completion_size;
};

/* fp_socket_config.zero_copy */
#define FP_ZERO_COPY_NEVER 0
#define FP_ZERO_COPY_ONLY 1
#define FP_ZERO_COPY_TRY 2

struct fp_socket_config {
	uint32_t rx_size; /* entries, powers of two */
	uint32_t tx_size;
	uint32_t fill_size; /* must be the UMEM's: libxdp sizes the rings of later sockets from there */
	uint32_t completion_size;
	uint32_t queue;
	/*
	 * FP_ZERO_COPY_*. Counts for the first socket of a UMEM; the kernel gives later ones the mode of the first
	 * (xp_assign_dev_shared()), and refuses the bind where their driver cannot follow.
	 */
	uint8_t zero_copy;
	uint8_t generic; /* the program runs in generic mode, where only copies exist */
	uint8_t first;	 /* first socket of its UMEM: `rings` is the one given to fp_umem_create() */
};

/*
 * Registers `size` octets at page-aligned `area` and makes the fill and completion ring of *first*, which must keep its
 * address until the UMEM is destroyed. The area must outlive the UMEM.
 */
int fp_umem_create(void *area, uint64_t size, const struct fp_umem_config *config, struct fp_rings *first,
		   struct xsk_umem **out);
/* -EBUSY while a socket uses it. Releases the queue of the first socket, too. */
int fp_umem_destroy(struct xsk_umem *umem);

/*
 * Binds one queue of `interface` (looked up in the calling thread's network namespace). EBUSY, which an asynchronous
 * release of the previous owner explains, is retried for 5 s. The XDP program is not touched.
 */
int fp_socket_open(struct xsk_umem *umem, const char *interface, const struct fp_socket_config *config,
		   struct fp_rings *rings, struct xsk_socket **out);
void fp_socket_close(struct xsk_socket *socket);
int fp_socket_fd(struct xsk_socket *socket);
/* 1, 0, or -errno */
int fp_socket_is_zero_copy(int fd);
int fp_socket_statistics(int fd, struct xdp_statistics *out);
/* One system call, never blocking: makes the kernel transmit (in copy mode it *is* the transmission). */
int fp_socket_kick_tx(int fd);
/* One system call, never blocking: makes the driver look at the fill ring. */
int fp_socket_kick_rx(int fd);
/* Blocks until one of at most 64 descriptors is readable; how many are, 0 on timeout or signal. -1 ms: no timeout. */
#define FP_MAX_POLL 64
int fp_poll_readable(const int *fds, uint32_t count, int timeout_ms);

/* ---- busy polling (busy_poll.c) ---- */

/*
 * From here on fp_socket_kick_tx() and fp_socket_kick_rx() also run the receive path of the socket's queue, `budget`
 * packets (1 to 65535) at a time; where the interface defers its interrupts, nobody else does. Reads back what it has
 * set. -EPERM: this takes CAP_NET_ADMIN. -ENOPROTOOPT: the kernel is older than 5.11 or has no busy polling. -EIO: it
 * was taken and is not in force.
 */
int fp_socket_poll_busily(int fd, uint32_t budget);
/*
 * The NAPI instance that they run, or -errno. 0: none is known, since the kernel learns it only when the first packet
 * comes (older ones) or the socket is bound (newer ones, from drivers that say it; a veth does not).
 */
int fp_socket_polled_instance(int fd);

/* ---- the XDP program and its maps (program.c, program_maps.c) ---- */

struct fp_program;

/* Opens the embedded object and loads it. Nothing is pinned: all of it is gone when the process is. */
int fp_program_load(struct fp_program **out);
/* The same, with the kernel verifier's words in `log` when it refuses. */
int fp_program_load_logged(struct fp_program **out, char *log, uint32_t log_size);
/* Closes links, program and maps. */
void fp_program_close(struct fp_program *program);
/*
 * Attaches by bpf_link, so that a killed process leaves nothing behind. Native mode is asked for by name unless
 * `generic`: the kernel's own choice would fall back to generic silently. -EBUSY: another program is attached.
 */
int fp_program_attach(struct fp_program *program, unsigned int ifindex, int generic);
int fp_program_detach(struct fp_program *program, unsigned int ifindex);

/* NULL removes. */
int fp_program_set_port(struct fp_program *program, unsigned int ifindex, const struct steer_port *port);
/* -1 removes. The kernel removes a closed socket by itself. */
int fp_program_set_socket(struct fp_program *program, unsigned int port, unsigned int queue, int xsk_fd);
/* Removing what is absent succeeds. */
int fp_program_set_local(struct fp_program *program, const struct steer_address *address, int present);
int fp_program_set_pool(struct fp_program *program, const struct steer_prefix *prefix, int present);
/* NULL removes. */
int fp_program_set_source(struct fp_program *program, const struct steer_prefix *prefix,
			  const struct steer_source *source);
/* Packets per reason of a port, summed over CPUs. */
int fp_program_counters(struct fp_program *program, unsigned int port, uint64_t counters[STEER_REASONS]);

/*
 * Runs the loaded program once on `frame` (at least 14 octets) as if received on queue 0 of `ifindex`; nothing is sent.
 * `verdict` is an XDP_* action: 2 pass, 4 redirect.
 */
int fp_program_test_run(struct fp_program *program, const void *frame, uint32_t length, unsigned int ifindex,
			uint32_t *verdict);
/* The embedded object file. */
const uint8_t *fp_program_object(uint64_t *size);

/* ---- keys (host-order words of a 128-bit address to the octets of a map key) ---- */

/* IPv4: the address is the low 32 bits of `low`, as in ::ffff:a.b.c.d. */
struct steer_address fp_address_key(uint8_t family, uint64_t high, uint64_t low);
struct steer_prefix fp_prefix_key(uint8_t family, uint64_t high, uint64_t low, uint8_t length);
/* mac: first octet most significant in the low 48 bits. */
struct steer_port fp_port_value(uint32_t index, uint8_t kinds, uint64_t mac);

/* ---- interfaces (interface.c), in the calling thread's network namespace ---- */

struct fp_interface {
	uint32_t index;
	uint32_t mtu;
	uint8_t mac[6];
	uint8_t up;	  /* administratively */
	uint8_t ethernet; /* link type is Ethernet */
	uint32_t rx_queues;
	char driver[32]; /* "veth", "ice", …; empty if the driver does not say */
};

/* -ENODEV: no such interface. */
int fp_interface_info(const char *interface, struct fp_interface *out);
int fp_interface_queues(const char *interface, uint32_t *rx_queues);

/*
 * Emergency: removes this project's program from the interface, whoever attached it (needs CAP_SYS_ADMIN). -ENOENT:
 * nothing is attached. -EPERM: what is attached is not ours, and stays.
 */
int fp_detach_interface(unsigned int ifindex);

/* ---- the thread and its CPU (thread.c) ---- */

/* Binds the calling thread to one CPU. */
int fp_pin_thread(int cpu);

/*
 * Keeps the calling thread, and those that it makes from now on, off these CPUs. Returns 1, or 0 when no other CPU
 * would be left to it: then nothing is changed.
 */
int fp_leave_cpus(const int *cpus, int count);
/* What `ps -L` shows of the calling thread; -ERANGE: longer than 15 octets. */
int fp_name_thread(const char *name);
/*
 * Moves the calling thread into a new, empty network namespace, which ends with its last thread, child and descriptor.
 * Sockets opened from there on belong to it, and so do threads started from there on. Returns a descriptor of the
 * namespace left behind, for fp_enter_network(). (Swift cannot import unshare(2) and setns(2).)
 */
int fp_unshare_network(void);
int fp_enter_network(int fd);

#endif /* headers present */
#endif
