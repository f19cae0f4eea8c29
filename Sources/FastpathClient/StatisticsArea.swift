import ControlProtocol
import Glibc
import Synchronization

/// The daemon's counters in shared memory: reading them asks nothing of the daemon and disturbs no worker.
///
/// It maps the memory that STATS passes; names and places are read and checked once, values as often as asked for.
@safe
public final class StatisticsArea {
  private let base: UnsafeRawPointer
  private let size: Int
  /// Names in the area's order, with the offset of each value.
  private let directory: [(name: String, offset: Int)]

  /// Takes the descriptor over.
  init(descriptor: Int32, size: UInt64) throws(ClientError) {
    defer { close(descriptor) }
    var facts = stat()
    // Safe: fstat fills this one structure.
    guard unsafe fstat(descriptor, &facts) == 0, size >= UInt64(StatisticsLayout.headerSize),
      size <= UInt64(facts.st_size), size <= Self.largest
    else { throw .notUnderstood("the statistics are not \(size) octets long") }
    self.size = Int(size)
    // Safe: a new mapping of octets that the file has; sealed against shrinking, so that no read can fault.
    guard let mapped = unsafe mmap(nil, self.size, PROT_READ, MAP_SHARED, descriptor, 0), unsafe mapped != MAP_FAILED
    else { throw .unreachable("cannot map the statistics: \(UnixSocket.text(errno))") }
    unsafe base = UnsafeRawPointer(mapped)
    guard let directory = unsafe Self.directory(UnsafeRawBufferPointer(start: mapped, count: self.size)) else {
      _ = unsafe munmap(mapped, self.size)
      throw .notUnderstood("the statistics have another layout than version \(StatisticsLayout.version)")
    }
    self.directory = directory
  }

  deinit {
    // Safe: the mapping is this object's own, and nothing of it leaves the object.
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: base), size)
  }

  /// Above any number of counters a daemon can have.
  private static let largest: UInt64 = 1 << 28

  /// All names and offsets, or nil when one of them is not inside the area.
  private static func directory(_ area: UnsafeRawBufferPointer) -> [(name: String, offset: Int)]? {
    // Safe here and below: bounds are checked before each read, and these parts never change once they are published.
    guard unsafe area.number(at: StatisticsLayout.magicOffset) == StatisticsLayout.magic,
      unsafe area.number(at: StatisticsLayout.versionOffset) & 0xffff_ffff == UInt64(StatisticsLayout.version)
    else { return nil }
    let start = unsafe area.number(at: StatisticsLayout.directoryOffset)
    let count = unsafe area.number(at: StatisticsLayout.countOffset)
    let entry = UInt64(StatisticsLayout.entrySize)
    guard start <= UInt64(area.count), count <= (UInt64(area.count) - start) / entry else { return nil }
    var directory: [(name: String, offset: Int)] = []
    for index in 0..<Int(count) {
      let place = Int(start) + index * StatisticsLayout.entrySize
      let first = unsafe area.number(at: place)
      let (nameStart, length) = (Int(first & 0xffff_ffff), Int(first >> 32 & 0xffff))
      let value = unsafe area.number(at: place + 8)
      guard nameStart + length <= area.count, value % 8 == 0, value <= UInt64(area.count - 8) else { return nil }
      let octets = unsafe area[nameStart..<nameStart + length]
      guard let name = unsafe String(validating: octets, as: UTF8.self) else { return nil }
      directory.append((name, Int(value)))
    }
    return directory
  }

  /// All counters as they were at one refresh; nil when the daemon was writing each time they were read.
  public func counters() -> [CounterItem]? {
    for _ in 0..<1000 {
      let before = sequence
      guard before % 2 == 0 else { continue }
      // Safe: the offsets were found to be inside the mapping, which this object keeps.
      let items = directory.map { entry in
        CounterItem(name: entry.name, value: unsafe base.load(fromByteOffset: entry.offset, as: UInt64.self))
      }
      atomicMemoryFence(ordering: .acquiring)
      if sequence == before { return items }
    }
    return nil
  }

  /// Nanoseconds of CLOCK_MONOTONIC when the daemon wrote last: seconds ago, and the daemon has ended.
  public var refreshed: UInt64 {
    // Safe: in the header, which the mapping has.
    unsafe base.load(fromByteOffset: StatisticsLayout.timeOffset, as: UInt64.self)
  }

  /// The names have changed and this area is not refreshed any more: ask for `statistics` again.
  public var isRetired: Bool {
    // Safe: as above.
    unsafe base.load(fromByteOffset: StatisticsLayout.flagsOffset, as: UInt32.self) & 1 == 1
  }

  private var sequence: UInt64 {
    // Safe: eight aligned octets of the header, which the other process writes atomically too.
    unsafe base.advanced(by: StatisticsLayout.sequenceOffset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
      .load(ordering: .acquiring)
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func number(at offset: Int) -> UInt64 {
    // Safe: loadUnaligned preconditions on bounds.
    UInt64(littleEndian: unsafe loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension DaemonConnection {
  /// The daemon's counters in shared memory.
  public func statistics() throws(ClientError) -> StatisticsArea {
    guard case .statistics(let reply) = try call(.statistics).reply else { throw unexpected(.statistics) }
    guard let descriptor = takeDescriptor() else { throw .notUnderstood("no memory came with the reply to STATS") }
    return try StatisticsArea(descriptor: descriptor, size: reply.size)
  }
}
