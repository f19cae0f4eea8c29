/* Receives the numbered UDP stream: stream_receive ADDRESS PORT FILE
 *
 * Writes one struct stream_record for each datagram to FILE ("-": counts only), prints "ready" when it listens, ends on
 * SIGTERM after the socket is empty, and prints
 * {"received":N,"octets":N,"foreign":N,"overflow":N,"first":NS,"last":NS}. "overflow" is what this socket lost because
 * the program was too slow: a test that counts loss must see 0 there.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

enum { BATCH = 64, ROOM = 9216, CONTROL = 256 };

struct tally {
	uint64_t received, octets, foreign, first, last;
	uint32_t overflow;
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static int listen_on(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM}, *found;
	int size = 128 << 20, one = 1, fd;

	if (getaddrinfo(address, port, &hints, &found) != 0) {
		fprintf(stderr, "stream_receive: %s port %s: not an address\n", address, port);
		return -1;
	}
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
		if (found->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
		else
			setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
		if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd < 0)
		perror("stream_receive");
	return fd;
}

static uint32_t arrival_interface(struct msghdr *message, struct tally *tally)
{
	uint32_t interface = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			interface = info.ipi6_ifindex;
		} else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(part), sizeof(info));
			interface = (uint32_t)info.ipi_ifindex;
		} else if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&tally->overflow, CMSG_DATA(part), sizeof(tally->overflow));
		}
	}
	return interface;
}

/* Takes one batch; returns how many datagrams it had. */
static int receive_batch(int fd, FILE *log, struct tally *tally)
{
	static unsigned char bytes[BATCH][ROOM], control[BATCH][CONTROL];
	static struct iovec parts[BATCH];
	static struct mmsghdr messages[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){bytes[i], ROOM};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i],
							   .msg_iovlen = 1,
							   .msg_control = control[i],
							   .msg_controllen = CONTROL}};
	}
	count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		struct stream_record record = {.received = stream_now(), .length = messages[i].msg_len};
		struct stream_payload payload = {0};

		record.interface = arrival_interface(&messages[i].msg_hdr, tally);
		if (messages[i].msg_len >= sizeof(payload))
			memcpy(&payload, bytes[i], sizeof(payload));
		if (payload.magic != STREAM_MAGIC) {
			tally->foreign++;
			continue;
		}
		record.sequence = payload.sequence;
		record.sent = payload.sent;
		tally->first = tally->received++ ? tally->first : record.received;
		tally->last = record.received;
		tally->octets += record.length;
		if (log)
			fwrite(&record, sizeof(record), 1, log);
	}
	return count < 0 ? 0 : count;
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	struct pollfd waiting = {.events = POLLIN};
	FILE *log = NULL;

	if (argc != 4) {
		fprintf(stderr, "usage: stream_receive ADDRESS PORT FILE\n");
		return 2;
	}
	if (strcmp(argv[3], "-") != 0 && !(log = fopen(argv[3], "wb"))) {
		perror(argv[3]);
		return 1;
	}
	waiting.fd = listen_on(argv[1], argv[2]);
	if (waiting.fd < 0)
		return 1;
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int count = receive_batch(waiting.fd, log, &tally);

		if (count == 0 && stopped)
			break;
		if (count == 0)
			poll(&waiting, 1, 50);
	}
	if (log && fclose(log) != 0) {
		perror(argv[3]);
		return 1;
	}
	printf("{\"received\":%llu,\"octets\":%llu,\"foreign\":%llu,\"overflow\":%u,\"first\":%llu,\"last\":%llu}\n",
	       (unsigned long long)tally.received, (unsigned long long)tally.octets, (unsigned long long)tally.foreign,
	       tally.overflow, (unsigned long long)tally.first, (unsigned long long)tally.last);
	close(waiting.fd);
	return 0;
}
