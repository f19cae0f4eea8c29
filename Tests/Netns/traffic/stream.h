/* The payload of one datagram of the numbered stream, and the record a receiver keeps of it. Host byte order: both ends
 * run on one machine. Times are CLOCK_MONOTONIC nanoseconds, the clock that the test's own program reads too.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdint.h>
#include <time.h>

#define STREAM_MAGIC 0x66702d7374726d31ULL

struct stream_payload {
	uint64_t magic;
	uint64_t sequence;
	uint64_t sent;
};
_Static_assert(sizeof(struct stream_payload) == 24, "payload layout");

struct stream_record {
	uint64_t sequence;
	uint64_t sent;
	uint64_t received;
	uint32_t interface;
	uint32_t length;
};
_Static_assert(sizeof(struct stream_record) == 32, "record layout, read by traffic.py");

static inline uint64_t stream_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

#endif
