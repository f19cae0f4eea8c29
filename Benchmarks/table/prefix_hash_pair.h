/*
 * Two lengths in one search: one longer than 64 bits, and 64. A bucket has the tags of both, so a key reads one bucket
 * and one record, whichever it is. Keys that have neither go through the other lengths while the records come.
 */
#ifndef TABLE_PREFIX_HASH_PAIR_H
#define TABLE_PREFIX_HASH_PAIR_H

#include "prefix_hash_lookup.h"

struct pair {
	/* The upper half of the hash of the /64, the tag of the longer key, the tag of the /64. */
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	uint8_t passed[BATCH];
	/* A bit for each key whose candidate has the longer length. */
	uint64_t longer;
	int passed_count;
	uint8_t class;
};

static ALWAYS_INLINE void load_pair(const struct prefix_hash *table, const struct key *keys, int count,
				    struct pair *pair)
{
	uint64_t factor = class_factor(table, 64), own_factor = class_factor(table, pair->class);
	uint64_t mask = mask_of(pair->class).low;

	for (int i = 0; i < count; i++) {
		uint64_t upper = hash_upper(table, keys[i].high, factor);
		uint64_t first = fold(upper, table->seeds[1]), own = fold(upper ^ (keys[i].low & mask), own_factor);

		pair->hashes[i] = (first & 0xffffffff0000ffff) | (own & 0xffff) << 16 | 0x80008000;
		__builtin_prefetch(&table->buckets[home_of(table, first)], 0, 3);
	}
}

/* Puts a key off to the end of the pass, with the buckets that it may lie in under way. */
static __attribute__((noinline)) void put_off(const struct prefix_hash *table, const struct key *key, int i,
					      struct pair *pair)
{
	uint64_t hash = hash_of(table, key->high, key->low & mask_of(pair->class).low, pair->class);

	__builtin_prefetch(bucket_at(table, second_of(table, hash)), 0, 3);
	__builtin_prefetch(bucket_at(table, home_of(table, hash) + 1), 0, 3);
	pair->passed[pair->passed_count++] = i;
}

/* The slots that have one tag, or another: bit n for the upper half of `tags`, bit 16 + n for the lower one. */
static ALWAYS_INLINE uint32_t match_pair(const struct bucket *bucket, uint32_t tags)
{
	__m128i wanted = _mm_cvtsi32_si128((int)tags), *lines = (__m128i *)bucket;
	__m128i first = _mm_load_si128(lines), second = _mm_load_si128(lines + 1);
	__m128i twice = _mm_unpacklo_epi16(wanted, wanted);
	__m128i upper = _mm_shuffle_epi32(twice, 0x55), lower = _mm_shuffle_epi32(twice, 0);
	__m128i equal_upper = _mm_packs_epi16(_mm_cmpeq_epi16(first, upper), _mm_cmpeq_epi16(second, upper));
	__m128i equal_lower = _mm_packs_epi16(_mm_cmpeq_epi16(first, lower), _mm_cmpeq_epi16(second, lower));

	return (_mm_movemask_epi8(equal_upper) & 0x3ff) | (_mm_movemask_epi8(equal_lower) & 0x3ff) << 16;
}

/* Whether the filter has the bit of a tag, whose upper five bits are its number in the word's upper half. */
static ALWAYS_INLINE int has_passed(uint32_t passes, uint32_t number)
{
	return passes >> (number & 31) & 1;
}

/* The second pass, for one key; returns how many keys have neither length, with it. */
static ALWAYS_INLINE int select_one(const struct prefix_hash *table, const struct key *keys, int i, struct pair *pair,
				    uint8_t *neither, int count)
{
	uint32_t tags = pair->hashes[i], candidate = 0;
	const struct bucket *bucket = &table->buckets[home_of(table, pair->hashes[i])];
	uint32_t slots = match_pair(bucket, tags), passes = bucket->tags[2] >> 32;

	if (LIKELY(slots)) {
		candidate = __atomic_load_n(&bucket->records[slot_of(slots) & 15], __ATOMIC_ACQUIRE);
		pair->longer |= (uint64_t)(slot_of(slots) >> 4 ^ 1) << i;
	}
	__builtin_prefetch(&table->records[candidate], 0, 3);
	pair->candidates[i] = candidate;
	if ((has_passed(passes, tags >> 27) && !(slots & 0x3ff)) || (has_passed(passes, tags >> 11) && !slots)) {
		put_off(table, &keys[i], i, pair);
		return count;
	}
	neither[count] = i;
	return count + !slots;
}

/* The candidates of the keys that the second pass put off. */
static __attribute__((noinline)) int select_put_off(const struct prefix_hash *table, const struct key *keys,
						    struct pair *pair, uint8_t *neither, int count)
{
	for (int place = 0; place < pair->passed_count; place++) {
		int i = pair->passed[place];
		const struct key *key = &keys[i];
		uint64_t hash = hash_of(table, key->high, key->low & mask_of(pair->class).low, pair->class);
		const struct bucket *bucket = bucket_at(table, home_of(table, hash));
		uint32_t candidate = match_tags(bucket, tag_of(hash)).goes_on ? candidate_after(table, hash) : 0;

		if (candidate)
			pair->longer |= 1ull << i;
		else if (pair->candidates[i])
			continue;
		else if (match_tags(bucket, tag_of(pair->hashes[i])).goes_on)
			candidate = candidate_after(table, hash_key(table, key->high, 0, class_factor(table, 64)));
		__builtin_prefetch(&table->records[candidate], 0, 3);
		pair->candidates[i] = candidate;
		neither[count] = i;
		count += !candidate;
	}
	return count;
}

static ALWAYS_INLINE int select_pair(const struct prefix_hash *table, const struct key *keys, int count,
				     struct pair *pair, uint8_t *neither)
{
	int found = 0, i = 0;

	for (; i < count - BUCKETS_AHEAD; i++) {
		__builtin_prefetch(&table->buckets[home_of(table, pair->hashes[i + BUCKETS_AHEAD])], 0, 3);
		found = select_one(table, keys, i, pair, neither, found);
	}
	for (; i < count; i++)
		found = select_one(table, keys, i, pair, neither, found);
	return pair->passed_count ? select_put_off(table, keys, pair, neither, found) : found;
}

/* A key whose candidate is not its record. */
static __attribute__((noinline)) uint32_t search_pair(const struct prefix_hash *table, const struct key *key,
						      uint8_t class)
{
	uint32_t found = prefix_hash_search(table, key->high, key->low & mask_of(class).low, class);

	return found ? found : prefix_hash_search(table, key->high, 0, 64);
}

/* The third pass, for one key. */
static ALWAYS_INLINE uint32_t compare_one(const struct prefix_hash *table, const struct key *key, uint8_t class,
					  int is_longer, uint32_t candidate)
{
	const struct record *record = &table->records[candidate];
	uint64_t low = key->low & mask_of(class).low & -(uint64_t)is_longer;
	uint64_t differs =
		(record->high ^ key->high) | (record->low ^ low) | (uint64_t)(record->class ^ (is_longer ? class : 64));

	differs |= (table->generation - record->generation) >> 63 | (record->flags & 1);
	if (LIKELY(!differs || !candidate))
		return differs ? 0 : candidate;
	return search_pair(table, key, class);
}

/* The third pass from one key to another; returns how many have no match. */
static ALWAYS_INLINE int compare_pair(const struct prefix_hash *table, const struct key *keys, int count,
				      const struct pair *pair, int i, int end, uint32_t *results)
{
	uint64_t longer = pair->longer >> i;
	int left = 0;

	for (; i < end; i++, longer >>= 1) {
		if (i < count - RECORDS_AHEAD)
			__builtin_prefetch(&table->records[pair->candidates[i + RECORDS_AHEAD]], 0, 3);
		results[i] = compare_one(table, &keys[i], pair->class, longer & 1, pair->candidates[i]);
		left += !results[i];
	}
	return left;
}

/* All keys in order: the two longest lengths, then the others. Returns how many lengths have been looked for. */
static ALWAYS_INLINE int look_up_pair(const struct prefix_hash *table, const struct key *keys, int count,
				      uint32_t *results, struct together *rest)
{
	struct pair pair = {.class = table->lengths[0]};
	int neither, left, half = count / 2;

	load_pair(table, keys, count, &pair);
	neither = select_pair(table, keys, count, &pair, rest->pending);
	if (neither && neither <= BATCH / 2 && table->length_count > 2) {
		rest->count = neither;
		load_together(table, keys, rest, 2);
		left = compare_pair(table, keys, count, &pair, 0, half, results);
		select_together(table, rest);
		left += compare_pair(table, keys, count, &pair, half, count, results);
		if (left == neither) {
			rest->count = compare_together(table, keys, rest, results);
			return 2 + rest->used;
		}
	} else {
		left = compare_pair(table, keys, count, &pair, 0, count, results);
	}
	/* There is nothing shorter, nearly all have neither, or a candidate was not its key's record. */
	rest->count = 0;
	for (int i = 0; left && i < count; i++) {
		rest->pending[rest->count] = i;
		rest->count += !results[i];
	}
	return 2;
}

/* Longest match of at most BATCH keys: record numbers, 0 without one. The table has at least one prefix. */
static __attribute__((noinline, unused)) void prefix_hash_lookup(const struct prefix_hash *table,
								 const struct key *keys, int count, uint32_t *results)
{
	struct together rest;
	uint8_t foreign = 0, *pending = rest.pending;
	int left = 0, length = 0;

	for (int i = 0; i < count; i++)
		foreign |= keys[i].family ^ 6;
	if (LIKELY(!foreign) && table->length_count > 1 && table->lengths[0] > 64 && table->lengths[1] == 64) {
		length = look_up_pair(table, keys, count, results, &rest);
		left = rest.count;
	} else if (LIKELY(!foreign)) {
		uint8_t longest = table->lengths[length++];
		int missed = longest <= 64 ? look_up_in_order(table, keys, count, longest, 0, results)
					   : look_up_in_order(table, keys, count, longest, 1, results);

		for (int i = 0; missed && i < count; i++) {
			pending[left] = i;
			left += !results[i];
		}
	} else {
		for (int i = 0; i < count; i++) {
			results[i] = 0;
			pending[left] = i;
			left += keys[i].family == 6;
		}
	}
	while (left && length < table->length_count) {
		if (left <= BATCH / 2) {
			rest.count = left;
			load_together(table, keys, &rest, length);
			select_together(table, &rest);
			left = compare_together(table, keys, &rest, results);
			length += rest.used;
		} else {
			left = look_up_length(table, keys, pending, left, table->lengths[length++], results);
		}
	}
}

#endif
