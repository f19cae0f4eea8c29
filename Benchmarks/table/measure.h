/*
 * How a contestant in C takes and gives its figures: it prints "ready", then answers each line of standard input, the
 * name of a measurement, with one line, the figure. Until asked it blocks, so that contestants do not disturb each
 * other.
 */
#ifndef TABLE_MEASURE_H
#define TABLE_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A figure is taken over at least this long. */
#define SECONDS 0.4
#define HUGE_PAGE ((size_t)2 << 20)

struct measurement {
	const char *name;
	/* Either a figure or a digest (a number that must be the same from all contestants). */
	double (*figure)(void);
	uint64_t (*digest)(void);
};

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

/* Zeroed memory for which huge pages are asked. */
static inline void *map_huge(size_t bytes)
{
	size_t rounded = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	char *start = mmap(NULL, rounded + HUGE_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *aligned;

	if (start == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	aligned = (char *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	madvise(aligned, rounded, MADV_HUGEPAGE);
	return aligned;
}

static inline void unmap_huge(void *memory, size_t bytes)
{
	munmap(memory, (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
}

/* Million operations a second: one pass to warm up, then passes until SECONDS are over. */
static inline double rate(uint64_t (*pass)(const void *), const void *argument, uint64_t operations)
{
	static volatile uint64_t sink;
	uint64_t passes = 0;
	double start, elapsed;

	sink += pass(argument);
	start = seconds();
	do {
		sink += pass(argument);
		passes++;
		elapsed = seconds() - start;
	} while (elapsed < SECONDS);
	return passes * operations / elapsed * 1e-6;
}

/* Order matters, so that two digests are the same only if every answer is. */
static inline uint64_t digest(uint64_t sum, uint64_t value)
{
	return sum * 0x100000001b3 + value;
}

static inline void wrong(const char *what, size_t position)
{
	fprintf(stderr, "%s: wrong answer to query %zu\n", what, position);
	exit(1);
}

/* Answers until standard input ends. A name that is not in the list ends the program with an error. */
static inline int answer(const struct measurement *list, size_t count)
{
	char name[64];

	printf("ready\n");
	fflush(stdout);
	while (scanf("%63s", name) == 1) {
		size_t at = 0;

		while (at < count && strcmp(list[at].name, name))
			at++;
		if (at == count) {
			fprintf(stderr, "no measurement %s\n", name);
			return 1;
		}
		if (list[at].figure)
			printf("%.6f\n", list[at].figure());
		else
			printf("%llu\n", (unsigned long long)list[at].digest());
		fflush(stdout);
	}
	return 0;
}

#endif
