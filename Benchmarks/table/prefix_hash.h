/*
 * The peer `c`: the product's prefix table written by hand in C, for one reader. Same buckets (a line of ten 16-bit
 * tags and ten record numbers; those longer than 64 bits begin with the /64 over them), same 64-octet records, same
 * keyed hash, same three passes over a batch. Records are versioned as the product's are, but only ever written once:
 * what the peer leaves out is the writer's side.
 */
#ifndef TABLE_PREFIX_HASH_H
#define TABLE_PREFIX_HASH_H

#include <emmintrin.h>

#include "measure.h"
#include "workload.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

struct record {
	uint64_t high, low, generation, link;
	uint32_t previous, target, counter, peer;
	uint8_t class, flags, state, port;
	uint32_t unused32;
	uint64_t unused64;
};

/*
 * The last word of tags has two of them, then how many keys went on to the next bucket (8 bits) and to their second one
 * (8 bits), then a filter of their tags.
 */
struct bucket {
	uint64_t tags[3];
	uint32_t records[10];
};

_Static_assert(sizeof(struct record) == 64 && sizeof(struct bucket) == 64, "one cache line each");

struct prefix_hash {
	struct bucket *buckets;
	struct record *records;
	uint64_t generation, seeds[2];
	/* The lengths in use, longest first. */
	uint8_t lengths[129];
	int length_count;
	uint32_t used;
	int log_buckets;
};

/* The slots that have a key's tag, and whether the key may lie further on. */
struct match {
	uint32_t slots;
	int goes_on;
};

static inline uint64_t fold(uint64_t left, uint64_t right)
{
	unsigned __int128 product = (unsigned __int128)left * right;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline uint64_t class_factor(const struct prefix_hash *table, uint32_t class)
{
	return (table->seeds[1] ^ class * 0x9e3779b97f4a7c15) | 1;
}

/* Set in the hash of a key longer than 64 bits, in whose tag the bit is always set. */
#define HAS_SECOND 0x8000u
#define OWN_BITS 0xffff7fffu

/* The first round: of the upper word. */
static inline uint64_t hash_upper(const struct prefix_hash *table, uint64_t high, uint64_t factor)
{
	return fold(high ^ table->seeds[0], factor);
}

/* The hash of a key with one bucket to begin at. */
static inline uint64_t hash_key(const struct prefix_hash *table, uint64_t high, uint64_t low, uint64_t factor)
{
	return fold(fold(high ^ table->seeds[0], low ^ factor), table->seeds[1]) & ~(uint64_t)HAS_SECOND;
}

/* The hash of a key longer than 64 bits: the upper half, which says the first bucket, is that of the /64 over it. */
static inline uint64_t hash_longer(uint64_t first, uint64_t own)
{
	return (first & ~0xffffffffull) | (own & OWN_BITS) | HAS_SECOND;
}

static inline uint64_t hash_of(const struct prefix_hash *table, uint64_t high, uint64_t low, uint8_t class)
{
	uint64_t upper;

	if (class <= 64)
		return hash_key(table, high, low, class_factor(table, class));
	upper = hash_upper(table, high, class_factor(table, 64));
	return hash_longer(fold(upper, table->seeds[1]), fold(upper ^ low, class_factor(table, class)));
}

static inline struct bucket *bucket_at(const struct prefix_hash *table, uint64_t number)
{
	return &table->buckets[number & ((1ull << table->log_buckets) - 1)];
}

static inline uint64_t home_of(const struct prefix_hash *table, uint64_t hash)
{
	return hash >> (64 - table->log_buckets);
}

/* The bucket after a key's first: the next one, or where the key's own hash says. */
static inline uint64_t second_of(const struct prefix_hash *table, uint64_t hash)
{
	uint64_t distance;

	if (!(hash & HAS_SECOND))
		return home_of(table, hash) + 1;
	distance = (hash & OWN_BITS) * 0x9e3779b97f4a7c15 >> (64 - table->log_buckets);
	return home_of(table, hash) ^ (distance ? distance : 1);
}

static inline uint16_t tag_of(uint64_t hash)
{
	return hash | 0x8000;
}

/* The bit of a tag in the filter of those that went on. */
static inline uint64_t filter_bit(uint16_t tag)
{
	return 1ull << (48 + (tag >> 11 & 15));
}

/*
 * All ten tags at once: a bit for each slot. On x86 every load is an acquire load, and the halves of a vector are
 * whole, so a vector is as good as three words; with a million prefixes it is 1.3 times as fast as word arithmetic.
 */
static inline struct match match_tags(const struct bucket *bucket, uint16_t tag)
{
	__m128i wanted = _mm_set1_epi16((short)tag), *lines = (__m128i *)bucket;
	__m128i first = _mm_cmpeq_epi16(_mm_load_si128(lines), wanted);
	__m128i second = _mm_cmpeq_epi16(_mm_load_si128(lines + 1), wanted);

	return (struct match){_mm_movemask_epi8(_mm_packs_epi16(first, second)) & 0x3ff,
			      (bucket->tags[2] & filter_bit(tag)) != 0};
}

static inline int slot_of(uint32_t slots)
{
	return __builtin_ctz(slots);
}

static inline void use_length(struct prefix_hash *table, uint8_t length)
{
	int at = 0;

	while (at < table->length_count && table->lengths[at] > length)
		at++;
	if (at < table->length_count && table->lengths[at] == length)
		return;
	memmove(&table->lengths[at + 1], &table->lengths[at], table->length_count++ - at);
	table->lengths[at] = length;
}

/* One more key has gone on past a bucket, to the next or to its second. */
static inline void count_passed(struct bucket *bucket, uint64_t hash, int is_first)
{
	uint64_t one = hash & HAS_SECOND && is_first ? 1ull << 40 : 1ull << 32;

	if ((bucket->tags[2] & 0xff * one) != 0xff * one)
		bucket->tags[2] += one;
	bucket->tags[2] |= filter_bit(tag_of(hash));
}

/*
 * The bucket that a new key goes to: the first of its search with a free slot. A key that has a second bucket leaves
 * the last slot of its first one to others.
 */
static inline struct bucket *make_place(struct prefix_hash *table, uint64_t hash)
{
	uint64_t home = home_of(table, hash), number = second_of(table, hash);
	struct bucket *bucket = bucket_at(table, home);
	uint32_t free_slots = match_tags(bucket, 0).slots;

	if (hash & HAS_SECOND)
		free_slots &= free_slots - 1;
	if (free_slots)
		return bucket;
	count_passed(bucket, hash, 1);
	while (bucket = bucket_at(table, number), bucket == bucket_at(table, home) || !match_tags(bucket, 0).slots) {
		count_passed(bucket, hash, 0);
		number++;
	}
	return bucket;
}

/* Adds a prefix that is not in the table. */
static inline void prefix_hash_insert(struct prefix_hash *table, const struct prefix *prefix)
{
	uint64_t hash = hash_of(table, prefix->high, prefix->low, prefix->length);
	struct bucket *bucket = make_place(table, hash);
	uint32_t index = ++table->used;
	int slot = slot_of(match_tags(bucket, 0).slots);

	table->records[index] = (struct record){.high = prefix->high,
						.low = prefix->low,
						.target = prefix->target,
						.generation = table->generation,
						.class = prefix->length};
	bucket->records[slot] = index;
	__atomic_store_n(&bucket->tags[slot >> 2], bucket->tags[slot >> 2] | (uint64_t)tag_of(hash) << (slot & 3) * 16,
			 __ATOMIC_RELEASE);
	use_length(table, prefix->length);
}

/* A table with room for `count` prefixes, sized as the product grows: at most 80 % of the slots are used. */
static inline struct prefix_hash prefix_hash_create(size_t count)
{
	struct prefix_hash table = {
		.generation = 1, .seeds = {0x5bd1e995a7c3f1d9, 0x2545f4914f6cdd1d}, .log_buckets = 6};

	while ((10ull << table.log_buckets) / 10 * 8 < count)
		table.log_buckets++;
	table.buckets = map_huge(sizeof(struct bucket) << table.log_buckets);
	table.records = map_huge((count + 1) * sizeof(struct record));
	table.records[0].class = 255;
	return table;
}

/* One key, all the way. */
static __attribute__((noinline, unused)) uint32_t prefix_hash_search(const struct prefix_hash *table, uint64_t high,
								     uint64_t low, uint8_t class)
{
	uint64_t hash = hash_of(table, high, low, class), number = home_of(table, hash), next = second_of(table, hash);
	struct match found;

	do {
		const struct bucket *bucket = bucket_at(table, number);

		for (found = match_tags(bucket, tag_of(hash)); found.slots; found.slots &= found.slots - 1) {
			uint32_t index = bucket->records[slot_of(found.slots)];
			const struct record *record = &table->records[index];

			if (record->high != high || record->low != low || record->class != class)
				continue;
			while (index && table->records[index].generation > table->generation)
				index = table->records[index].previous;
			return table->records[index].flags & 1 ? 0 : index;
		}
		number = next++;
	} while (found.goes_on);
	return 0;
}

#endif
