/* A blocking client for the suite's programs, on the layouts of clients/c; any failure ends the program. */
#ifndef CLIENT_H
#define CLIENT_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "../../clients/c/fastpath_protocol.h"

enum { MAGS = 64, RECORD = 64, OWNER = 7 };

static inline void stop(const char *what)
{
	perror(what);
	exit(1);
}

static inline uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void pause_for(uint64_t duration)
{
	struct timespec time = {.tv_sec = (time_t)(duration / 1000000000u), .tv_nsec = (long)(duration % 1000000000u)};

	nanosleep(&time, NULL);
}

/* Binding i, whose prefix is scattered as in Benchmarks/port/generate.bpf.c, by the gateway of this number. */
static inline void fill(uint8_t record[RECORD], uint32_t binding, uint32_t gateway)
{
	uint32_t number = (binding * 0x9e3779b1u) & 0xffffff;
	struct fp_binding made = {.cache = FP_PMIP, .family = 6, .prefix_length = 64};

	inet_pton(AF_INET6, "2001:db8:100::", &made.prefix);
	inet_pton(AF_INET6, "2001:db8:1::1", &made.tunnel_local);
	inet_pton(AF_INET6, "2001:db8:a::", &made.tunnel_remote);
	made.prefix.octets[5] = (uint8_t)(number >> 16);
	made.prefix.octets[6] = (uint8_t)(number >> 8);
	made.prefix.octets[7] = (uint8_t)number;
	made.tunnel_remote.octets[15] = (uint8_t)(1 + gateway % MAGS);
	memcpy(record, &made, RECORD);
}

static inline void send_frame(int peer, uint16_t type, uint16_t flags, const void *payload, size_t length,
			      uint32_t count)
{
	static uint32_t request;
	struct fp_header header = {.length = fp_put32((uint32_t)length),
				   .type = fp_put16(type),
				   .flags = fp_put16(flags),
				   .request_id = fp_put32(++request),
				   .count = fp_put32(count),
				   .record_size = fp_put16(count ? RECORD : 0)};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)payload, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent = sendmsg(peer, &message, MSG_NOSIGNAL);

	if (sent < 0)
		stop("send");
	for (size_t done = (size_t)sent; done < sizeof(header) + length; done += (size_t)sent) {
		sent = send(peer, (const uint8_t *)payload + done - sizeof(header), sizeof(header) + length - done,
			    MSG_NOSIGNAL);
		if (sent < 0)
			stop("send");
	}
}

/* The next reply, which must be ok; its outcome, if it is one. */
static inline struct fp_outcome reply(int peer)
{
	static uint8_t payload[1 << 16];
	struct fp_header header;
	struct fp_outcome outcome = {0};

	if (recv(peer, &header, sizeof(header), MSG_WAITALL) != sizeof(header))
		stop("reply");
	size_t length = fp_get32(header.length);

	if (length > sizeof(payload) || recv(peer, payload, length, MSG_WAITALL) != (ssize_t)length)
		stop("reply");
	if (fp_get32(header.status) != FP_OK) {
		fprintf(stderr, "refused: status %u: %.*s\n", fp_get32(header.status), (int)(length - sizeof(outcome)),
			(const char *)payload + sizeof(outcome));
		exit(1);
	}
	memcpy(&outcome, payload, length < sizeof(outcome) ? length : sizeof(outcome));
	return outcome;
}

static inline int connected(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fp_hello_request hello = {
		.major = fp_put16(FP_MAJOR), .minor = fp_put16(FP_MINOR), .owner = fp_put32(OWNER)};
	int peer = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (peer < 0 || connect(peer, (const struct sockaddr *)&address, sizeof(address)) != 0)
		stop(path);
	send_frame(peer, FP_HELLO, 0, &hello, sizeof(hello), 0);
	reply(peer);
	return peer;
}

/* An UPSERT of one binding. */
static inline void send_update(int peer, uint16_t flags, uint32_t binding, uint32_t gateway)
{
	uint8_t payload[sizeof(struct fp_scope) + RECORD] = {FP_BINDINGS};

	fill(payload + sizeof(struct fp_scope), binding, gateway);
	send_frame(peer, FP_UPSERT, flags, payload, sizeof(payload), 1);
}

static inline int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Sorts, and prints median, 99th percentile and maximum in microseconds, without the last brace. */
static inline void print_latencies(uint64_t *latencies, uint32_t count)
{
	qsort(latencies, count, sizeof(*latencies), by_size);
	printf("{\"count\":%u,\"median\":%.2f,\"p99\":%.2f,\"max\":%.2f", count, (double)latencies[count / 2] / 1e3,
	       (double)latencies[(uint64_t)count * 99 / 100] / 1e3, (double)latencies[count - 1] / 1e3);
}

#endif
