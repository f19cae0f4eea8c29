import Glibc

/// One anonymous memory mapping: zeroed by the kernel, page-aligned, its pages taken only when touched.
///
/// The handle is plain data; whoever holds the last copy calls `unmap`. It is the only place that maps memory.
struct Mapping: Sendable, BitwiseCopyable {
  let address: UInt
  let bytes: Int

  /// Transparent huge pages of x86-64; a table of random accesses needs them to stay within the TLB.
  private static let hugePage = 2 << 20

  /// Reserves address space; `MAP_NORESERVE` keeps a large limit from being charged before it is used.
  ///
  /// Mappings of at least one huge page are aligned to it and ask for huge pages; where the kernel has none to give the
  /// advice is ignored, which costs speed only.
  init(bytes wanted: Int) throws(FlowTableError) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = (max(wanted, 1) + page - 1) / page * page
    let slack = bytes >= Self.hugePage ? Self.hugePage : 0
    // A fresh anonymous mapping at an address of the kernel's choice touches nothing that exists.
    let mapped = unsafe mmap(
      nil, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard unsafe mapped != MAP_FAILED, let start = unsafe mapped else { throw .mapping(errno: errno, bytes: bytes) }
    let first = UInt(bitPattern: start)
    let aligned = slack == 0 ? first : (first + UInt(slack) - 1) & ~(UInt(slack) - 1)
    self.address = aligned
    self.bytes = bytes
    guard slack > 0 else { return }
    // The trimmed ends lie inside the mapping just made and nobody has their address.
    if aligned > first { unsafe munmap(start, Int(aligned - first)) }
    let tail = slack - Int(aligned - first)
    if tail > 0 { unsafe munmap(base + bytes, tail) }
    unsafe madvise(base, bytes, MADV_HUGEPAGE)
  }

  var base: UnsafeMutableRawPointer {
    // The address came from mmap and is not zero.
    unsafe UnsafeMutableRawPointer(bitPattern: address)!
  }

  /// Gives the memory back; no pointer into it may be used again.
  func unmap() {
    // Address and length are those of one mapping, so munmap cannot fail.
    unsafe munmap(base, bytes)
  }
}
