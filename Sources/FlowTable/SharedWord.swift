import Synchronization

// Names for the atomic words inside mapped memory. Every shared word of the table is reached through these two, so that
// an access to it cannot be a plain one by mistake. The memory is zeroed and aligned, and `Atomic` is laid out as its
// value is.

extension UnsafeMutableRawPointer {
  /// The atomic 64-bit word at `offset` octets.
  @inlinable @inline(__always)
  package func word64(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // Callers pass offsets that are multiples of 8 inside a mapping they own.
    unsafe (self + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The atomic 32-bit word at `offset` octets.
  @inlinable @inline(__always)
  package func word32(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    // Callers pass offsets that are multiples of 4 inside a mapping they own.
    unsafe (self + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }
}
