/*
 * Instructions that Swift cannot say. Header only: the compiler puts the one instruction in place of each call.
 */
#ifndef FASTPATH_CINSTRUCTIONS_H
#define FASTPATH_CINSTRUCTIONS_H

#include <stdint.h>

/*
 * Starts loading a line. A relaxed atomic load would also bring it, but that must retire: with a miss to memory at its
 * head the reorder buffer fills, and what follows waits. Measured with one million random /64s on an AMD EPYC core, the
 * steps of a batched look-up with loads instead of prefetches: 0.35 of the rate (docs/adr/0003).
 *
 * Any address is allowed: a prefetch never faults.
 */
static inline __attribute__((always_inline)) void fp_prefetch(const void *address)
{
	__builtin_prefetch(address, 0, 3);
}

/* The same for a line that will be written: it comes in exclusive state. */
static inline __attribute__((always_inline)) void fp_prefetch_write(const void *address)
{
	__builtin_prefetch(address, 1, 3);
}

/*
 * The number of bits set. Swift's nonzeroBitCount is a dozen operations for the first x86-64 processors (FASTPATH_CPU
 * in Package.swift); every processor of the last fifteen years has the instruction.
 */
static inline __attribute__((always_inline)) uint64_t fp_bit_count(uint64_t word)
{
#if defined(__x86_64__)
	uint64_t count;
	/* Early processors wait for the old value of the result's register: it is the operand's. */
	__asm__("popcntq %0, %0" : "=r"(count) : "0"(word) : "cc");
	return count;
#else
	return (uint64_t)__builtin_popcountll(word);
#endif
}

/*
 * Which of the ten 16-bit words at `tags` equal one: bit n for word n. `tags` is a cache line, aligned to it.
 *
 * Two vector comparisons and their mask; Swift's vectors have no way from a comparison to its mask, and word arithmetic
 * takes five times the instructions (measured with one million prefixes: 0.77 of the rate).
 *
 * Safe beside one writer that stores 64 bits at a time: on x86-64 every load acquires, and the aligned halves of a
 * vector load are whole. Elsewhere each word is loaded by itself, and where ThreadSanitizer runs, which can follow
 * atomic loads only (scripts/sanitizers.py defines FP_TAGS_BY_WORD).
 */
static inline __attribute__((always_inline)) uint32_t fp_equal_tags(const void *tags, uint16_t tag)
{
#if defined(__SSE2__) && !defined(FP_TAGS_BY_WORD)
	typedef short fp_words __attribute__((vector_size(16), may_alias));
	typedef char fp_octets __attribute__((vector_size(16)));
	short wanted = (short)tag;
	fp_words all = {wanted, wanted, wanted, wanted, wanted, wanted, wanted, wanted};
	fp_words first = *(const volatile fp_words *)tags == all;
	fp_words second = *((const volatile fp_words *)tags + 1) == all;
	fp_octets equal = __builtin_ia32_packsswb128(first, second);

	return (uint32_t)__builtin_ia32_pmovmskb128(equal) & 0x3ff;
#else
	uint32_t equal = 0;

	for (int word = 0; word < 10; word++)
		equal |= (uint32_t)(__atomic_load_n((const uint16_t *)tags + word, __ATOMIC_ACQUIRE) == tag) << word;
	return equal;
#endif
}

/*
 * The same for two tags at once: bit n for the upper half of `both`, bit 16 + n for the lower one. A third fewer
 * instructions than by two calls, since the words are loaded and the tags are spread together.
 */
static inline __attribute__((always_inline)) uint32_t fp_equal_tag_pair(const void *tags, uint32_t both)
{
#if defined(__SSE2__) && !defined(FP_TAGS_BY_WORD)
	typedef short fp_words __attribute__((vector_size(16), may_alias));
	typedef int fp_pairs __attribute__((vector_size(16), may_alias));
	typedef char fp_octets __attribute__((vector_size(16)));
	fp_words first = *(const volatile fp_words *)tags;
	fp_words second = *((const volatile fp_words *)tags + 1);
	fp_words wanted = (fp_words)(fp_pairs){(int)both, 0, 0, 0};
	fp_words twice = __builtin_shufflevector(wanted, wanted, 0, 8, 1, 9, 2, 10, 3, 11);
	fp_words lower = (fp_words)__builtin_shufflevector((fp_pairs)twice, (fp_pairs)twice, 0, 0, 0, 0);
	fp_words upper = (fp_words)__builtin_shufflevector((fp_pairs)twice, (fp_pairs)twice, 1, 1, 1, 1);
	fp_octets equal_upper = __builtin_ia32_packsswb128(first == upper, second == upper);
	fp_octets equal_lower = __builtin_ia32_packsswb128(first == lower, second == lower);

	return ((uint32_t)__builtin_ia32_pmovmskb128(equal_upper) & 0x3ff) |
	       ((uint32_t)__builtin_ia32_pmovmskb128(equal_lower) & 0x3ff) << 16;
#else
	return fp_equal_tags(tags, (uint16_t)(both >> 16)) | fp_equal_tags(tags, (uint16_t)both) << 16;
#endif
}

#endif
