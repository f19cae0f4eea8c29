/*
 * Updates existing bindings over the control socket: update SOCKET BINDINGS set COUNT | update SOCKET BINDINGS stream
 * SECONDS [RATE]
 *
 * set: one update after the other, each timed from its write to its acknowledgement, half a millisecond between them.
 * stream: frames of 512 updates, 16 of them unanswered at any time. Each turn moves every binding
 * to another tunnel. With RATE no more than so many updates a second are sent. Prints JSON.
 */
#include "client.h"

enum { FRAME = 512, AHEAD = 16, MOST = 1 << 20 };

static void set_one_by_one(int peer, uint32_t bindings, uint32_t count)
{
	static uint64_t latencies[MOST];
	uint32_t applied = 0, random = 1;

	for (uint32_t index = 0; index < count; index++) {
		random = random * 1664525u + 1013904223u;
		uint32_t binding = (uint32_t)((uint64_t)random * bindings >> 32);
		uint64_t start = nanoseconds();

		send_update(peer, FP_ATOMIC, binding, random);
		applied += fp_get32(reply(peer).applied);
		latencies[index] = nanoseconds() - start;
		pause_for(500000);
	}
	print_latencies(latencies, count);
	printf(",\"applied\":%u}\n", applied);
}

static void stream(int peer, uint32_t bindings, double seconds, double rate)
{
	static uint8_t payload[sizeof(struct fp_scope) + FRAME * RECORD] = {FP_BINDINGS};
	uint64_t start = nanoseconds(), now = start, end = start + (uint64_t)(seconds * 1e9), applied = 0, updates = 0;
	uint64_t sent = 0;
	uint32_t next = 0, turn = 1, waiting = 0;

	while (now < end || waiting) {
		uint64_t due = rate > 0 ? start + (uint64_t)((double)sent / rate * 1e9) : 0;

		if (due > now)
			pause_for(due - now);
		if (now < end) {
			for (uint32_t index = 0; index < FRAME; index++) {
				fill(payload + sizeof(struct fp_scope) + index * RECORD, next, next + turn);
				next = next + 1 < bindings ? next + 1 : 0;
				turn += next == 0;
			}
			send_frame(peer, FP_UPSERT, 0, payload, sizeof(payload), FRAME);
			sent += FRAME;
			waiting++;
		}
		if (waiting == AHEAD || now >= end) {
			applied += fp_get32(reply(peer).applied);
			updates += FRAME;
			waiting--;
		}
		now = nanoseconds();
	}
	printf("{\"updates\":%llu,\"applied\":%llu,\"seconds\":%.6f}\n", (unsigned long long)updates,
	       (unsigned long long)applied, (double)(now - start) / 1e9);
}

int main(int argc, char **argv)
{
	uint32_t bindings = argc >= 5 && argc <= 6 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	if (!bindings) {
		fprintf(stderr,
			"usage: update SOCKET BINDINGS set COUNT | update SOCKET BINDINGS stream SECONDS [RATE]\n");
		return 2;
	}
	if (!strcmp(argv[3], "stream")) {
		stream(connected(argv[1]), bindings, strtod(argv[4], NULL), argc == 6 ? strtod(argv[5], NULL) : 0);
	} else {
		uint32_t count = (uint32_t)strtoul(argv[4], NULL, 10);

		set_one_by_one(connected(argv[1]), bindings, count && count <= MOST ? count : 1);
	}
	return 0;
}
