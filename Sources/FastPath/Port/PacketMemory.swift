import Glibc

/// The UMEM's memory: one anonymous mapping divided into chunks of equal size.
///
/// Owned by the plane, not by the worker: it must outlive the kernel's registration.
@safe
final class PacketMemory {
  let base: UnsafeMutableRawPointer
  let size: Int
  let chunkSize: Int
  let frames: Int

  /// Octets the kernel keeps free in front of a received packet (XDP_PACKET_HEADROOM): room for the tunnel header.
  static let headroom = 256
  /// MADV_POPULATE_WRITE of linux/mman.h, which Debian 12's C library headers do not name.
  private static let populateWrite: Int32 = 23

  /// - Throws: the errno of mmap.
  init(frames: Int, chunkSize: Int) throws(PlaneError) {
    self.frames = frames
    self.chunkSize = chunkSize
    size = frames * chunkSize
    // Safe: a fresh private mapping; nothing else knows its address.
    let mapping = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw .environment(operation: "allocate packet memory (\(size) octets)", code: errno)
    }
    // Asked for before the first touch, since pages that exist stay small; a refusal costs speed only. Populated here,
    // so that no worker takes a page fault in a turn; where the kernel cannot (before 5.14) the registration does it.
    _ = unsafe madvise(mapping, size, MADV_HUGEPAGE)
    _ = unsafe madvise(mapping, size, Self.populateWrite)
    unsafe base = mapping
  }

  // Safe: the mapping of init, unmapped once.
  deinit { unsafe munmap(base, size) }

  /// The chunk size for packets of `mtu` octets with two VLAN tags, headroom included; nil when none is large enough.
  static func chunkSize(mtu: Int) -> Int? {
    let needed = headroom + EthernetHeader.length + 2 * EthernetHeader.tagLength + mtu
    return [2048, 4096].first { needed <= $0 }
  }
}
