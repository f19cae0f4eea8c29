/*
 * Sends packets to one mobile node at an even gap, each with the time it was sent (CLOCK_MONOTONIC) at octet 64:
 * probe IFACE SOURCE_MAC DESTINATION_MAC BINDING GAP_MICROSECONDS
 *
 * Ends on SIGTERM and prints {"packets":N}.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>

#include "client.h"

enum { SIZE = 78, SENT_AT = 64 };

static volatile sig_atomic_t stopped;

static void end(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static void build(uint8_t frame[SIZE], uint32_t binding)
{
	static const uint8_t ethernet_type_and_ip[] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, SIZE - 54, 17, 64};
	static const uint8_t udp[] = {0x80, 1, 0, 9, 0, SIZE - 54, 0xfa, 0x57};
	uint8_t record[RECORD];

	memcpy(frame + 12, ethernet_type_and_ip, sizeof(ethernet_type_and_ip));
	inet_pton(AF_INET6, "2001:db8:c::1", frame + 22);
	fill(record, binding, 0);
	memcpy(frame + 38, record + offsetof(struct fp_binding, prefix), 16);
	frame[53] = 0x10;
	memcpy(frame + 54, udp, sizeof(udp));
}

int main(int argc, char **argv)
{
	struct sockaddr_ll port = {.sll_family = AF_PACKET, .sll_protocol = htons(0x86dd)};
	uint8_t frame[SIZE] = {0};
	uint64_t gap, next, packets = 0;
	unsigned int mac[12];
	int sender = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc != 6 || sscanf(argv[3], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6 ||
	    sscanf(argv[2], "%x:%x:%x:%x:%x:%x", mac + 6, mac + 7, mac + 8, mac + 9, mac + 10, mac + 11) != 6) {
		fprintf(stderr, "usage: probe IFACE SOURCE_MAC DESTINATION_MAC BINDING GAP_MICROSECONDS\n");
		return 2;
	}
	for (int index = 0; index < 12; index++)
		frame[index] = (uint8_t)mac[index];
	build(frame, (uint32_t)strtoul(argv[4], NULL, 10));
	gap = strtoul(argv[5], NULL, 10) * 1000;
	port.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (sender < 0 || bind(sender, (const struct sockaddr *)&port, sizeof(port)) != 0)
		stop(argv[1]);
	signal(SIGTERM, end);
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (next = nanoseconds(); !stopped; next += gap) {
		uint64_t now = nanoseconds();

		if (now < next)
			pause_for(next - now);
		now = nanoseconds();
		memcpy(frame + SENT_AT, &now, sizeof(now));
		if (send(sender, frame, SIZE, 0) == SIZE)
			packets++;
		else if (errno != ENOBUFS && errno != EINTR)
			stop("send");
	}
	printf("{\"packets\":%llu}\n", (unsigned long long)packets);
	return 0;
}
