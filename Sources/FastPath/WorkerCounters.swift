import FlowTable
import Synchronization

/// One worker's counters: written by that worker alone, readable by anyone at any time.
///
/// Each is an atomic 64-bit word with one writer: a relaxed load and a relaxed store, two plain moves, instead of a
/// locked read-modify-write. Layout: drops, punts, what went to the slow path and came from it,
/// unusual ECN fields, what went through the handover buffer, then a cell for each port.
@safe
struct WorkerCounters: BitwiseCopyable, @unchecked Sendable {
  private let words: UnsafeMutableRawPointer

  private static let punts = DropReason.allCases.count
  /// Packets whose fate was left to the slow path.
  static let handedOver = punts + PuntReason.allCases.count
  /// Packets taken from the slow path.
  static let injected = handedOver + 1
  /// Packets whose answer was given up because the ring towards the slow path was full.
  static let unanswered = handedOver + 2
  /// Packets whose source nobody may answer.
  static let unanswerable = handedOver + 3
  /// Unusual pairs of ECN fields at a tunnel's exit, by `ExplicitCongestion.cell`.
  static let congestion = handedOver + 4
  /// Packets that went into the handover buffer, and that left it, whatever became of them.
  static let buffered = congestion + 16
  static let unbuffered = buffered + 1
  private static let ports = buffered + 2
  private static let cellLength = 4
  static let wordCount = ports + cellLength * PlaneSettings.maximumPorts

  @inline(__always)
  static func word(of reason: DropReason) -> Int { Int(reason.rawValue) }
  @inline(__always)
  static func word(of reason: PuntReason) -> Int { punts + Int(reason.rawValue) }
  /// First word of a port's cell: packets and octets received, then transmitted.
  @inline(__always)
  static func cell(port: Int) -> Int { ports + cellLength * port }

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

  /// - Parameter cell: 0…15.
  func congestion(cell: Int) { add(Self.congestion + (cell & 15), 1) }

  @inline(__always)
  func handOver() { add(Self.handedOver, 1) }

  func buffer() { add(Self.buffered, 1) }
  func unbuffer() { add(Self.unbuffered, 1) }

  @inline(__always)
  func inject() { add(Self.injected, 1) }

  @inline(__always)
  func giveUpAnswer() { add(Self.unanswered, 1) }

  func refuseAnswer() { add(Self.unanswerable, 1) }

  @inline(__always)
  func received(port: UInt8, packets: Int, octets: Int) {
    add(Self.cell(port: Int(port)), packets)
    add(Self.cell(port: Int(port)) + 1, octets)
  }

  @inline(__always)
  func transmitted(port: Int, packets: Int, octets: Int) {
    add(Self.cell(port: port) + 2, packets)
    add(Self.cell(port: port) + 3, octets)
  }

  /// - Precondition: `index` is below `wordCount`.
  func read(_ index: Int) -> UInt64 {
    // Safe: by the precondition.
    unsafe words.word64(index &* 8).pointee.load(ordering: .relaxed)
  }
}
