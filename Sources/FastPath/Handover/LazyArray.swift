import Glibc

/// A fixed number of plain values in a mapping of their own, all zero at first: memory that was never written to takes
/// none. Bounds are checked.
@safe
struct LazyArray<Element: BitwiseCopyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  private let bytes: Int
  let count: Int

  /// - Precondition: all bits zero is a value of the elements.
  init(count: Int) throws(PlaneError) {
    self.count = count
    bytes = max(count * MemoryLayout<Element>.stride, 1)
    // Safe: a fresh private mapping, zeroed by the kernel; it is not charged before it is used.
    let mapping = unsafe mmap(
      nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw .environment(operation: "allocate \(bytes) octets for packets in handover", code: errno)
    }
    // Safe: page-aligned, with room for `count` elements.
    unsafe base = mapping.bindMemory(to: Element.self, capacity: count)
  }

  // Safe: the mapping of init, unmapped once.
  deinit { unsafe munmap(base, bytes) }

  @inline(__always)
  subscript(index: Int) -> Element {
    _read {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      // Safe: the index is in bounds.
      yield unsafe base[index]
    }
    nonmutating _modify {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      // Safe: the index is in bounds; the owner is one thread's.
      yield unsafe &base[index]
    }
  }

  /// The octets from an element on; valid while this value lives.
  @unsafe
  func pointer(_ index: Int) -> UnsafeMutableRawPointer {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return unsafe UnsafeMutableRawPointer(base + index)
  }
}
