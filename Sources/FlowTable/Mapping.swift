import Glibc

/// One anonymous memory mapping: zeroed by the kernel, page-aligned, its pages taken only when touched, given back with
/// its owner. The static half is for storages, which outlive no grace period and are named by their address.
final class Mapping: Sendable {
  let address: UInt
  let bytes: Int

  init(bytes: Int) throws(FlowTableError) {
    address = try Self.reserve(bytes: bytes)
    self.bytes = bytes
  }

  deinit { Self.release(address, bytes: bytes) }

  var base: UnsafeMutableRawPointer {
    // The address came from mmap and is not zero.
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  /// Transparent huge pages of x86-64; a table of random accesses needs them to stay within the TLB.
  private static let hugePage: UInt = 2 << 20

  private static func rounded(_ bytes: Int) -> Int {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    return (max(bytes, 1) + page - 1) / page * page
  }

  /// Reserves address space; `MAP_NORESERVE` keeps a large limit from being charged before it is used.
  ///
  /// Mappings of at least one huge page are aligned to it and ask for huge pages; where the kernel has none to give the
  /// advice is ignored, which costs speed only.
  static func reserve(bytes wanted: Int) throws(FlowTableError) -> UInt {
    let bytes = rounded(wanted)
    try MappingLedger.current?.take(bytes: bytes)
    let slack = bytes >= Int(hugePage) ? hugePage : 0
    // A fresh anonymous mapping at an address of the kernel's choice touches nothing that exists.
    let mapped = unsafe mmap(
      nil, bytes + Int(slack), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard unsafe mapped != MAP_FAILED, let start = unsafe mapped else { throw .mapping(errno: errno, bytes: bytes) }
    guard slack > 0 else { return UInt(bitPattern: start) }
    let first = UInt(bitPattern: start)
    let aligned = (first + slack - 1) & ~(slack - 1)
    let (before, after) = (Int(aligned - first), Int(slack - (aligned - first)))
    // Both ends that are trimmed lie inside the mapping just made, and nobody has their address.
    if before > 0 { unsafe munmap(start, before) }
    if after > 0 { unsafe munmap(start + before + bytes, after) }
    unsafe madvise(start + before, bytes, MADV_HUGEPAGE)
    return aligned
  }

  /// Gives back what `reserve` returned for the same number of octets; no pointer into it may be used again.
  static func release(_ address: UInt, bytes wanted: Int) {
    let bytes = rounded(wanted)
    // One whole mapping, so munmap cannot fail.
    unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), bytes)
    MappingLedger.current?.giveBack(bytes: bytes)
  }
}
