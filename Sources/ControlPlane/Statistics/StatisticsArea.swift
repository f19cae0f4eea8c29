import ControlProtocol
import FlowTable
import Glibc
import Synchronization

/// Why there is no shared memory for statistics: the kernel's errno.
struct StatisticsAreaError: Error, CustomStringConvertible {
  let call: String
  let code: Int32
  var description: String { "\(call): \(unsafe String(cString: strerror(code)))" }
}

/// One memory file of STATS: names that never change, and values that the writer's loop refreshes (`StatisticsLayout`).
///
/// The file is sealed: nobody can resize it, and nobody but this mapping can write it. Clients map it for themselves, so
/// reading it asks nothing of the daemon. The sequence is a seqlock: odd while values change.
@safe
final class StatisticsArea: Sendable {
  // memfd_create(2) and fcntl(2) of linux/memfd.h and linux/fcntl.h, which Glibc's Swift overlay does not name.
  private static let closeOnExec: UInt32 = 1
  private static let allowSealing: UInt32 = 2
  private static let addSeals: Int32 = 1033
  /// SEAL, SHRINK, GROW, FUTURE_WRITE (Linux 5.1).
  private static let seals: Int32 = 0x1 | 0x2 | 0x4 | 0x10

  /// Open as long as this object.
  let descriptor: Int32
  /// Octets.
  let size: Int
  let names: [String]
  private let valuesOffset: Int
  /// Mapped from `init` to `deinit`; written on the writer's loop only, read by other processes by the seqlock's rules.
  private nonisolated(unsafe) let memory: UnsafeMutableRawPointer

  /// - Throws: errno of the call that failed.
  init(names: [String]) throws(StatisticsAreaError) {
    self.names = names
    let content = Self.content(names)
    valuesOffset = content.count
    size = content.count + 8 * names.count
    descriptor = Self.createMemoryFile()
    guard descriptor >= 0 else { throw StatisticsAreaError(call: "memfd_create", code: errno) }
    guard ftruncate(descriptor, size) == 0 else { throw Self.failure("ftruncate", descriptor) }
    // Safe: a new mapping of exactly the file's size, which seals keep.
    let mapping = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { throw Self.failure("mmap", descriptor) }
    unsafe memory = mapping
    // Safe: the content is shorter than the mapping.
    unsafe content.withUnsafeBytes { octets in
      unsafe UnsafeMutableRawBufferPointer(start: mapping, count: content.count).copyMemory(from: octets)
    }
    guard fcntl(descriptor, Self.addSeals, Self.seals) == 0 else {
      let failure = Self.failure("fcntl F_ADD_SEALS", descriptor)
      unsafe munmap(mapping, size)
      throw failure
    }
  }

  deinit {
    // Nobody else has the mapping.
    unsafe munmap(memory, size)
    close(descriptor)
  }

  /// Refreshes all values; on the writer's loop.
  /// - Parameters:
  ///   - values: as many as names, in their order.
  ///   - time: nanoseconds of the daemon's clock.
  func write(_ values: some Collection<UInt64>, time: UInt64) {
    // Safe, also below: all words are aligned and inside the mapping (`content`), and shared by atomic accesses only.
    let sequence = unsafe memory.word64(StatisticsLayout.sequenceOffset)
    let before = unsafe sequence.pointee.load(ordering: .relaxed)
    unsafe sequence.pointee.store(before &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    unsafe memory.word64(StatisticsLayout.timeOffset).pointee.store(time, ordering: .relaxed)
    var offset = valuesOffset
    for value in values.prefix(names.count) {
      unsafe memory.word64(offset).pointee.store(value, ordering: .relaxed)
      offset += 8
    }
    unsafe sequence.pointee.store(before &+ 2, ordering: .releasing)
  }

  /// Tells readers that another area has taken this one's place.
  func supersede() {
    // Safe: an aligned word inside the mapping, shared by atomic accesses only.
    unsafe memory.word32(StatisticsLayout.flagsOffset).pointee.store(1, ordering: .releasing)
  }

  /// Header, directory and names, up to where the values begin.
  private static func content(_ names: [String]) -> [UInt8] {
    let directory = StatisticsLayout.headerSize
    let namesOffset = directory + StatisticsLayout.entrySize * names.count
    let texts = names.map { Array($0.utf8.prefix(Int(UInt16.max))) }
    let end = namesOffset + texts.reduce(0) { $0 + $1.count }
    let values = (end + 7) / 8 * 8
    var octets = [UInt8](repeating: 0, count: values)
    func put(_ number: UInt64, _ size: Int, at offset: Int) {
      for index in 0..<size { octets[offset + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
    }
    put(StatisticsLayout.magic, 8, at: StatisticsLayout.magicOffset)
    put(UInt64(StatisticsLayout.version), 4, at: StatisticsLayout.versionOffset)
    put(UInt64(directory), 8, at: StatisticsLayout.directoryOffset)
    put(UInt64(names.count), 8, at: StatisticsLayout.countOffset)
    var text = namesOffset
    for (index, name) in texts.enumerated() {
      let entry = directory + StatisticsLayout.entrySize * index
      put(UInt64(text), 4, at: entry)
      put(UInt64(name.count), 2, at: entry + 4)
      put(UInt64(values + 8 * index), 8, at: entry + 8)
      octets.replaceSubrange(text..<text + name.count, with: name)
      text += name.count
    }
    return octets
  }

  /// memfd_create(2), which Glibc declares for `_GNU_SOURCE` only and its Swift overlay therefore does not have; -1 with
  /// errno if there is none.
  private static func createMemoryFile() -> Int32 {
    typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    // Safe: a look-up by name in what is loaded already.
    guard let symbol = unsafe dlsym(nil, "memfd_create") else {
      errno = ENOSYS
      return -1
    }
    // Safe: the function has this type (memfd_create(2)), and the name is passed as a terminated string for the call.
    return unsafe unsafeBitCast(symbol, to: Create.self)("fastpath-statistics", closeOnExec | allowSealing)
  }

  private static func failure(_ call: String, _ descriptor: Int32) -> StatisticsAreaError {
    let failure = StatisticsAreaError(call: call, code: errno)
    close(descriptor)
    return failure
  }
}
