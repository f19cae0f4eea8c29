import Synchronization

/// Packets and octets in both directions.
public struct Traffic: Hashable, Sendable {
  public struct Count: Hashable, Sendable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
      self.packets = packets
      self.bytes = bytes
    }

    // Counters wrap like those of every network device.
    public static func + (left: Count, right: Count) -> Count {
      Count(packets: left.packets &+ right.packets, bytes: left.bytes &+ right.bytes)
    }
  }

  /// From the mobile node.
  public var up: Count
  /// To the mobile node.
  public var down: Count

  public init(up: Count = Count(), down: Count = Count()) {
    self.up = up
    self.down = down
  }

  public static func + (left: Traffic, right: Traffic) -> Traffic {
    Traffic(up: left.up + right.up, down: left.down + right.down)
  }
}

/// One worker's traffic cells: 32 octets for each tunnel identifier and each binding's counter index.
///
/// Only that worker adds, with plain loads and stores of relaxed atomics (no lock prefix, no line shared with another
/// worker); anyone may read at any time. A cell is zeroed by the writer while no worker adds to it: none finds its index in
/// the tables any more, and what is remembered for longer than a turn is only used when they still name it.
@frozen
@safe
public struct TrafficCounters: @unchecked Sendable {
  // Cells of the owner's mapping, which outlives every worker. Indices come from the table's records only, and those
  // are below the capacities that the mapping was made for.
  @usableFromInline let tunnels: UnsafeMutableRawPointer
  @usableFromInline let bindings: UnsafeMutableRawPointer

  @usableFromInline static let cellBytes = 32

  init(tunnels: UnsafeMutableRawPointer, bindings: UnsafeMutableRawPointer) {
    unsafe self.tunnels = unsafe tunnels
    unsafe self.bindings = unsafe bindings
  }

  /// The cell of a binding, to be prefetched: among millions it is the one line of a packet that is surely cold.
  @unsafe @inlinable
  public func cell(binding counter: UInt32) -> UnsafeMutableRawPointer {
    // In bounds as for every index of a record.
    unsafe bindings + Int(counter) &* Self.cellBytes
  }

  /// Counts packets from a mobile node through a tunnel.
  @inlinable
  public func countUp(tunnel: TunnelID, packets: UInt64 = 1, bytes: UInt64) {
    unsafe Self.add(tunnels + Int(tunnel.rawValue) &* Self.cellBytes, packets, bytes)
  }

  /// Counts packets to a mobile node through a tunnel.
  @inlinable
  public func countDown(tunnel: TunnelID, packets: UInt64 = 1, bytes: UInt64) {
    unsafe Self.add(tunnels + Int(tunnel.rawValue) &* Self.cellBytes + 16, packets, bytes)
  }

  /// Counts packets from a mobile node under its binding's `counter`.
  @inlinable
  public func countUp(binding counter: UInt32, packets: UInt64 = 1, bytes: UInt64) {
    unsafe Self.add(bindings + Int(counter) &* Self.cellBytes, packets, bytes)
  }

  /// Counts packets to a mobile node under its binding's `counter`.
  @inlinable
  public func countDown(binding counter: UInt32, packets: UInt64 = 1, bytes: UInt64) {
    unsafe Self.add(bindings + Int(counter) &* Self.cellBytes + 16, packets, bytes)
  }

  @inlinable @inline(__always)
  static func add(_ cell: UnsafeMutableRawPointer, _ packets: UInt64, _ bytes: UInt64) {
    // Relaxed: one thread adds, and a reader needs each word whole, not the two together.
    let packetsBefore = unsafe cell.word64(0).pointee.load(ordering: .relaxed)
    unsafe cell.word64(0).pointee.store(packetsBefore &+ packets, ordering: .relaxed)
    let bytesBefore = unsafe cell.word64(8).pointee.load(ordering: .relaxed)
    unsafe cell.word64(8).pointee.store(bytesBefore &+ bytes, ordering: .relaxed)
  }

  func traffic(tunnel: TunnelID) -> Traffic { unsafe Self.read(tunnels + Int(tunnel.rawValue) * Self.cellBytes) }

  func traffic(binding counter: UInt32) -> Traffic { unsafe Self.read(bindings + Int(counter) * Self.cellBytes) }

  func clear(tunnel: TunnelID) { unsafe Self.clear(tunnels + Int(tunnel.rawValue) * Self.cellBytes) }

  func clear(binding counter: UInt32) { unsafe Self.clear(bindings + Int(counter) * Self.cellBytes) }

  private static func read(_ cell: UnsafeMutableRawPointer) -> Traffic {
    let words = (0..<4).map { unsafe cell.word64($0 * 8).pointee.load(ordering: .relaxed) }
    return Traffic(
      up: Traffic.Count(packets: words[0], bytes: words[1]), down: Traffic.Count(packets: words[2], bytes: words[3]))
  }

  private static func clear(_ cell: UnsafeMutableRawPointer) {
    // What names this cell is published later (a slot's or a generation's release store), so its readers find zeros.
    for offset in stride(from: 0, to: cellBytes, by: 8) {
      unsafe cell.word64(offset).pointee.store(0, ordering: .relaxed)
    }
  }
}
