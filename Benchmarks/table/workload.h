/*
 * The workload of the suite `table`: what every contestant holds and is asked, from fixed seeds.
 *
 * tablebench/Workload.swift makes the same; the digests that run.py compares prove it. Addresses are two host-order
 * words.
 */
#ifndef TABLE_WORKLOAD_H
#define TABLE_WORKLOAD_H

#include <arpa/inet.h>
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000
#define QUERIES (1 << 20)
#define BATCH 64
/* Tunnels that the bindings are spread over: the field that is read from every record found. */
#define TUNNELS 4096

enum seed { SEED_MEMBERS = 1, SEED_QUERIES = 2, SEED_MISSES = 3, SEED_MIXED = 4, SEED_ORDER = 5 };

struct key {
	uint64_t high, low;
	uint8_t family;
};

struct prefix {
	uint64_t high, low;
	uint32_t length, target;
};

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static inline uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A number below `count`. */
static inline uint64_t draw_below(uint64_t *state, uint64_t count)
{
	return (unsigned __int128)draw(state) * count >> 64;
}

/* A random address of 2000::/3. */
static inline struct prefix draw_address(uint64_t *state)
{
	uint64_t high = draw(state) >> 3 | 1ull << 61;

	return (struct prefix){.high = high, .low = draw(state)};
}

static inline uint64_t leading_ones(int count)
{
	return count <= 0 ? 0 : count >= 64 ? ~0ull : ~(~0ull >> count);
}

static inline uint32_t target_of(uint64_t member)
{
	return 1 + member % TUNNELS;
}

static inline void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory) {
		perror("out of memory");
		exit(1);
	}
	return memory;
}

/* Binding number `member` of the mixed set: 80 % /64, 15 % /128, 5 % spread over eight other lengths. */
static inline uint32_t mixed_length(uint64_t member)
{
	static const uint8_t others[8] = {40, 44, 48, 52, 54, 56, 60, 62};
	uint64_t kind = member % 20;

	return kind < 16 ? 64 : kind < 19 ? 128 : others[member / 20 % 8];
}

/* `count` random prefixes: all /64, or the mixed lengths. Random ones do not contain each other wholesale. */
static inline struct prefix *make_prefixes(size_t count, int mixed)
{
	uint64_t state = mixed ? SEED_MIXED : SEED_MEMBERS;
	struct prefix *prefixes = allocate(count, sizeof(*prefixes));

	for (size_t member = 0; member < count; member++) {
		struct prefix *made = &prefixes[member];

		*made = draw_address(&state);
		made->length = mixed ? mixed_length(member) : 64;
		made->high &= leading_ones(made->length);
		made->low &= leading_ones((int)made->length - 64);
		made->target = target_of(member);
	}
	return prefixes;
}

/* Random members with random host parts; `members` gets the number of each when it is not NULL. */
static inline struct key *make_queries(const struct prefix *prefixes, size_t count, uint32_t *members)
{
	uint64_t state = SEED_QUERIES;
	struct key *keys = allocate(QUERIES, sizeof(*keys));

	for (int query = 0; query < QUERIES; query++) {
		uint64_t member = draw_below(&state, count);
		const struct prefix *prefix = &prefixes[member];

		keys[query].high = prefix->high | (draw(&state) & ~leading_ones(prefix->length));
		keys[query].low = prefix->low | (draw(&state) & ~leading_ones((int)prefix->length - 64));
		keys[query].family = 6;
		if (members)
			members[query] = member;
	}
	return keys;
}

/* Random addresses; that none is in the table is checked before it is measured. */
static inline struct key *make_misses(void)
{
	uint64_t state = SEED_MISSES;
	struct key *keys = allocate(QUERIES, sizeof(*keys));

	for (int query = 0; query < QUERIES; query++) {
		struct prefix address = draw_address(&state);

		keys[query] = (struct key){address.high, address.low, 6};
	}
	return keys;
}

/* The numbers below `count`, shuffled (Fisher and Yates). */
static inline uint32_t *make_order(size_t count)
{
	uint64_t state = SEED_ORDER;
	uint32_t *order = allocate(count, sizeof(*order));

	for (size_t at = 0; at < count; at++) {
		size_t other = draw_below(&state, at + 1);

		order[at] = order[other];
		order[other] = at;
	}
	return order;
}

/* Reads lines "PREFIX/LENGTH NEXTHOP", as prefixes.py writes them. */
static inline struct prefix *read_prefixes(const char *path, size_t *count)
{
	struct prefix *prefixes = NULL;
	size_t room = 0;
	char text[64];
	unsigned length, target;
	FILE *file = fopen(path, "r");

	*count = 0;
	while (file && fscanf(file, "%63[^/]/%u %u ", text, &length, &target) == 3) {
		uint64_t words[2];

		if (inet_pton(AF_INET6, text, words) != 1 || length > 128)
			break;
		if (*count == room) {
			room = room ? 2 * room : 1 << 16;
			prefixes = reallocarray(prefixes, room, sizeof(*prefixes));
			if (!prefixes)
				break;
		}
		prefixes[(*count)++] = (struct prefix){be64toh(words[0]), be64toh(words[1]), length, target};
	}
	if (!file || !feof(file) || *count == 0) {
		fprintf(stderr, "%s: not a list of prefixes with next hops, at entry %zu\n", path, *count + 1);
		exit(1);
	}
	fclose(file);
	return prefixes;
}

#endif
