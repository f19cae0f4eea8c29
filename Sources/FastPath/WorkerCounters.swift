import FlowTable
import Synchronization

/// One worker's counters: written by that worker alone, readable by anyone at any time.
///
/// Each is an atomic 64-bit word with one writer: a relaxed load and a relaxed store, two plain moves, instead of a
/// locked read-modify-write. Layout: drops, punts, then a cell for each port.
@safe
struct WorkerCounters: BitwiseCopyable, @unchecked Sendable {
  private let words: UnsafeMutableRawPointer

  private static let punts = DropReason.allCases.count
  private static let ports = punts + PuntReason.allCases.count
  private static let cell = 4
  static let wordCount = ports + cell * PlaneSettings.maximumPorts

  /// - Parameter words: `wordCount` zeroed words on cache lines of their own, alive as long as this value is used.
  init(words: UnsafeMutableRawPointer) { unsafe self.words = words }

  @inline(__always)
  private func add(_ index: Int, _ amount: Int) {
    // Safe: every caller's index is below wordCount, since reasons are enum values and ports below maximumPorts.
    let word = unsafe words.word64(index &* 8)
    let before = unsafe word.pointee.load(ordering: .relaxed)
    unsafe word.pointee.store(before &+ UInt64(truncatingIfNeeded: amount), ordering: .relaxed)
  }

  @inline(__always)
  func drop(_ reason: UInt8) { add(Int(reason), 1) }

  @inline(__always)
  func punt(_ reason: UInt8) { add(Self.punts + Int(reason), 1) }

  @inline(__always)
  func received(port: UInt8, packets: Int, octets: Int) {
    add(Self.ports + Self.cell * Int(port), packets)
    add(Self.ports + Self.cell * Int(port) + 1, octets)
  }

  @inline(__always)
  func transmitted(port: Int, packets: Int, octets: Int) {
    add(Self.ports + Self.cell * port + 2, packets)
    add(Self.ports + Self.cell * port + 3, octets)
  }

  private func read(_ index: Int) -> UInt64 {
    // Safe: as `add`.
    unsafe words.word64(index &* 8).pointee.load(ordering: .relaxed)
  }

  func drops(_ reason: DropReason) -> UInt64 { read(Int(reason.rawValue)) }
  func punts(_ reason: PuntReason) -> UInt64 { read(Self.punts + Int(reason.rawValue)) }
  func receivedPackets(port: Int) -> UInt64 { read(Self.ports + Self.cell * port) }
  func receivedOctets(port: Int) -> UInt64 { read(Self.ports + Self.cell * port + 1) }
  func transmittedPackets(port: Int) -> UInt64 { read(Self.ports + Self.cell * port + 2) }
  func transmittedOctets(port: Int) -> UInt64 { read(Self.ports + Self.cell * port + 3) }
}
