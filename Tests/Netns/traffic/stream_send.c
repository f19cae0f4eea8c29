/* Sends a numbered UDP stream: stream_send ADDRESS PORT RATE SECONDS SIZE
 *
 * RATE in packets a second, 0 for as fast as the socket takes them; SIZE is the UDP payload. Ends after SECONDS or on
 * SIGTERM, and prints {"sent":N,"seconds":S}. The pace is kept against absolute times, in bursts of at most a
 * millisecond's share, so that a late wake-up is caught up and the mean rate holds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

enum { BATCH = 64, MAX_SIZE = 9000 };

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static int connect_to(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *found;
	int size = 4 << 20, fd;

	if (getaddrinfo(address, port, &hints, &found) != 0) {
		fprintf(stderr, "stream_send: %s port %s: not an address\n", address, port);
		return -1;
	}
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd < 0)
		perror("stream_send");
	else
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

/* Sends `count` (≤ BATCH) datagrams from `sequence`; returns how many left. */
static int send_batch(int fd, uint64_t sequence, int count, size_t size)
{
	static unsigned char bytes[BATCH][MAX_SIZE];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];
	uint64_t now = stream_now();
	int sent;

	for (int i = 0; i < count; i++) {
		struct stream_payload payload = {STREAM_MAGIC, sequence + (uint64_t)i, now};

		memcpy(bytes[i], &payload, sizeof(payload));
		parts[i] = (struct iovec){bytes[i], size};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
	}
	sent = sendmmsg(fd, messages, (unsigned int)count, 0);
	/* An ICMP error reported on the socket is not a packet lost here: the same number goes again. */
	return sent < 0 ? 0 : sent;
}

int main(int argc, char **argv)
{
	uint64_t sequence = 0, start, end, rate;
	size_t size;
	int fd;

	if (argc != 6) {
		fprintf(stderr, "usage: stream_send ADDRESS PORT RATE SECONDS SIZE\n");
		return 2;
	}
	rate = strtoull(argv[3], NULL, 10);
	size = strtoul(argv[5], NULL, 10);
	if (size < sizeof(struct stream_payload) || size > MAX_SIZE) {
		fprintf(stderr, "stream_send: SIZE is 24 to %d octets\n", MAX_SIZE);
		return 2;
	}
	fd = connect_to(argv[1], argv[2]);
	if (fd < 0)
		return 1;
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	start = stream_now();
	end = start + (uint64_t)(strtod(argv[4], NULL) * 1e9);
	while (!stopped && stream_now() < end) {
		uint64_t due = rate ? (uint64_t)((stream_now() - start) * (double)rate / 1e9) + 1 : sequence + BATCH;

		while (sequence < due && !stopped) {
			uint64_t want = due - sequence;

			sequence += (uint64_t)send_batch(fd, sequence, want < BATCH ? (int)want : BATCH, size);
		}
		if (rate) {
			struct timespec pause = {0, 500000};

			clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		}
	}
	printf("{\"sent\":%llu,\"seconds\":%.6f}\n", (unsigned long long)sequence,
	       (double)(stream_now() - start) / 1e9);
	close(fd);
	return 0;
}
