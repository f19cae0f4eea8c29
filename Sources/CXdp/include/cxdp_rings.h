/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * libxdp's ring functions as functions that Swift can import and inline: no macros, no pointers into rings.
 *
 * One thread owns all four rings of a socket (they are single-producer, single-consumer). Positions are 32-bit and
 * wrap; callers treat `index` as opaque and add to it with wrapping arithmetic. What was reserved must be submitted in
 * full: libxdp advances its private position at the reservation, and a remainder would be lost for ever.
 */
#ifndef FASTPATH_CXDP_RINGS_H
#define FASTPATH_CXDP_RINGS_H

#include <stdint.h>
#include <xdp/xsk.h>

#define FP_INLINE static inline __attribute__((always_inline))

/* The four rings of one socket. Its address must stay the same while the socket or its UMEM lives. */
struct fp_rings {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod tx;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion;
};

/* Takes up to `n` received packets; they are readable from *index on until released. */
FP_INLINE uint32_t fp_rx_peek(struct fp_rings *rings, uint32_t n, uint32_t *index)
{
	return xsk_ring_cons__peek(&rings->rx, n, index);
}

/* Offset of the packet's first octet in the UMEM: frame start + kernel headroom + configured headroom. */
FP_INLINE uint64_t fp_rx_address(const struct fp_rings *rings, uint32_t index)
{
	return xsk_ring_cons__rx_desc(&rings->rx, index)->addr;
}

FP_INLINE uint32_t fp_rx_length(const struct fp_rings *rings, uint32_t index)
{
	return xsk_ring_cons__rx_desc(&rings->rx, index)->len;
}

FP_INLINE void fp_rx_release(struct fp_rings *rings, uint32_t n)
{
	xsk_ring_cons__release(&rings->rx, n);
}

/* Free entries of the tx ring; looks at the kernel's position only if fewer than `want` are known to be free. */
FP_INLINE uint32_t fp_tx_free(struct fp_rings *rings, uint32_t want)
{
	return xsk_prod_nb_free(&rings->tx, want);
}

/* Reserves exactly `n` entries from *index on and returns n, or none and returns 0. */
FP_INLINE uint32_t fp_tx_reserve(struct fp_rings *rings, uint32_t n, uint32_t *index)
{
	return xsk_ring_prod__reserve(&rings->tx, n, index);
}

FP_INLINE void fp_tx_set(struct fp_rings *rings, uint32_t index, uint64_t address, uint32_t length)
{
	struct xdp_desc *desc = xsk_ring_prod__tx_desc(&rings->tx, index);

	desc->addr = address;
	desc->len = length;
	desc->options = 0;
}

FP_INLINE void fp_tx_submit(struct fp_rings *rings, uint32_t n)
{
	xsk_ring_prod__submit(&rings->tx, n);
}

FP_INLINE int fp_tx_needs_wakeup(const struct fp_rings *rings)
{
	return xsk_ring_prod__needs_wakeup(&rings->tx) != 0;
}

FP_INLINE uint32_t fp_fill_free(struct fp_rings *rings, uint32_t want)
{
	return xsk_prod_nb_free(&rings->fill, want);
}

FP_INLINE uint32_t fp_fill_reserve(struct fp_rings *rings, uint32_t n, uint32_t *index)
{
	return xsk_ring_prod__reserve(&rings->fill, n, index);
}

/* Any offset within the frame; the kernel rounds it down to the frame's start. */
FP_INLINE void fp_fill_set(struct fp_rings *rings, uint32_t index, uint64_t address)
{
	*xsk_ring_prod__fill_addr(&rings->fill, index) = address;
}

FP_INLINE void fp_fill_submit(struct fp_rings *rings, uint32_t n)
{
	xsk_ring_prod__submit(&rings->fill, n);
}

FP_INLINE int fp_fill_needs_wakeup(const struct fp_rings *rings)
{
	return xsk_ring_prod__needs_wakeup(&rings->fill) != 0;
}

/* Takes up to `n` transmitted frames back. */
FP_INLINE uint32_t fp_completion_peek(struct fp_rings *rings, uint32_t n, uint32_t *index)
{
	return xsk_ring_cons__peek(&rings->completion, n, index);
}

/* The address given to fp_tx_set(). */
FP_INLINE uint64_t fp_completion_address(const struct fp_rings *rings, uint32_t index)
{
	return *xsk_ring_cons__comp_addr(&rings->completion, index);
}

FP_INLINE void fp_completion_release(struct fp_rings *rings, uint32_t n)
{
	xsk_ring_cons__release(&rings->completion, n);
}

#undef FP_INLINE
#endif
