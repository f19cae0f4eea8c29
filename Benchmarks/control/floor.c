/*
 * What the machine itself takes: floor echo COUNT | floor pauses SECONDS
 *
 * echo: a process on the same CPU answers 96 octets with 56 over a Unix socket, epoll as in any server, and does
 * nothing else: the way of the row `set`. Half a millisecond between two. pauses: how often, and for what share of the
 * time, a thread that only reads the clock is away for 0.1 ms or more, with one on each CPU. Prints JSON; the
 * caller pins it to its CPU, but for pauses.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

enum { MOST = 100000, REQUEST = 96, ANSWER = 56 };
static const uint64_t PAUSE = 100000;

/* Of one CPU, in a second. */
struct pauses {
	double count, share;
};

static void answer(int peer)
{
	struct epoll_event event = {.events = EPOLLIN};
	int poller = epoll_create1(0);
	uint8_t octets[REQUEST];

	epoll_ctl(poller, EPOLL_CTL_ADD, peer, &event);
	while (epoll_wait(poller, &event, 1, -1) == 1 && recv(peer, octets, REQUEST, 0) == REQUEST)
		if (send(peer, octets, ANSWER, MSG_NOSIGNAL) != ANSWER)
			break;
	exit(0);
}

static void echo(uint32_t count)
{
	static uint64_t latencies[MOST];
	uint8_t octets[REQUEST] = {0};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		stop("socketpair");
	if (fork() == 0) {
		close(pair[0]);
		answer(pair[1]);
	}
	close(pair[1]);
	for (uint32_t index = 0; index < count; index++) {
		uint64_t start = nanoseconds();

		if (send(pair[0], octets, REQUEST, MSG_NOSIGNAL) != REQUEST ||
		    recv(pair[0], octets, ANSWER, MSG_WAITALL) != ANSWER)
			stop("echo");
		latencies[index] = nanoseconds() - start;
		pause_for(500000);
	}
	close(pair[0]);
	wait(NULL);
	print_latencies(latencies, count);
	printf("}\n");
}

static struct pauses look(long cpu, double seconds)
{
	struct pauses seen = {0};
	uint64_t start, last, now;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		stop("sched_setaffinity");
	for (start = last = nanoseconds(); (double)(last - start) < seconds * 1e9; last = now) {
		now = nanoseconds();
		if (now - last < PAUSE)
			continue;
		seen.count += 1 / seconds;
		seen.share += (double)(now - last) / (seconds * 1e9);
	}
	return seen;
}

static void look_everywhere(double seconds)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	struct pauses *seen =
		mmap(NULL, sizeof(*seen) * (size_t)count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (seen == MAP_FAILED)
		stop("mmap");
	for (long cpu = 0; cpu < count; cpu++)
		if (fork() == 0) {
			seen[cpu] = look(cpu, seconds);
			exit(0);
		}
	while (wait(NULL) > 0)
		;
	for (long cpu = 0; cpu < count; cpu++)
		printf("%s{\"count\":%.1f,\"share\":%.4f}", cpu ? "," : "[", seen[cpu].count, seen[cpu].share);
	printf("]\n");
}

int main(int argc, char **argv)
{
	double number = argc == 3 ? strtod(argv[2], NULL) : 0;

	if (number > 0 && number <= MOST && !strcmp(argv[1], "echo")) {
		echo((uint32_t)number);
	} else if (number > 0 && number <= 60 && !strcmp(argv[1], "pauses")) {
		look_everywhere(number);
	} else {
		fprintf(stderr, "usage: floor echo COUNT | floor pauses SECONDS\n");
		return 2;
	}
	return 0;
}
