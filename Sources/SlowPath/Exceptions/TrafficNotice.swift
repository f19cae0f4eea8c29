import FastPath
import FlowTable

/// News of traffic that the control plane may want to act on.
public struct TrafficNotice: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// An anchored address without a binding was sent to.
    case unbound
    /// Somebody on an access link sends from an address that has no binding.
    case unknownSource(MACAddress)
    /// A packet for a mobile node in handover found the buffers full.
    case bufferOverflow
  }

  public var kind: Kind
  /// What was sent to, or from.
  public var address: IPAddress
  /// Index of the port that the packet came by.
  public var port: UInt8

  /// As in events.
  public var name: String {
    switch kind {
    case .unbound: "unbound"
    case .unknownSource: "unknown-source"
    case .bufferOverflow: "buffer-overflow"
    }
  }

  /// The prefix that stands for the address: one notice a second is enough for it, however many of it are sent to.
  public var prefix: Prefix { Prefix(covering: address, length: address.family == .ipv6 ? 64 : 32) }
}

extension TrafficNotice {
  /// - Parameter exception: a dropped packet; nil where it tells nothing.
  init?(_ exception: ExceptionPacket) {
    let octets = exception.octets
    switch exception.kind {
    case .unbound, .unboundNotice, .bufferOverflow:
      guard let destination = Self.address(octets, ipv6: 24, ipv4: 16) else { return nil }
      self.init(
        kind: exception.kind == .bufferOverflow ? .bufferOverflow : .unbound, address: destination,
        port: exception.port)
    case .unknownSource:
      let start = Int(exception.detail)
      guard octets.count >= 6, start >= 6, start <= octets.count,
        let source = Self.address(Array(octets[start...]), ipv6: 8, ipv4: 12)
      else { return nil }
      let mac = octets[0..<6].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      self.init(kind: .unknownSource(MACAddress(mac)), address: source, port: exception.port)
    default: return nil
    }
  }

  /// An address of an IP header, by its place in that of each family; nil when it is not there.
  private static func address(_ packet: [UInt8], ipv6: Int, ipv4: Int) -> IPAddress? {
    switch packet.first.map({ $0 >> 4 }) {
    case 6: packet.count < 40 ? nil : OuterHeader.address(packet, at: ipv6)
    case 4: packet.count < 20 ? nil : IPAddress(ipv4: OuterHeader.number(packet, at: ipv4, octets: 4))
    default: nil
    }
  }
}

/// Notices at a bearable rate: one a second for each prefix, or station that sends from unknown sources, and a hundred a
/// second of each kind.
///
/// Who is free to choose addresses, a station that spoofs or a sweep of the pool, silences neither the other kinds nor the
/// other stations.
struct NoticeLimit: Sendable {
  private enum Key: Hashable {
    case unbound(Prefix)
    case station(port: UInt8, MACAddress)
    case overflow(Prefix)
  }

  private static let second: UInt64 = 1_000_000_000
  /// Keys that are remembered: those of a few seconds.
  private static let memory = 1024

  private var unbound = Self.bucket
  private var unknownSources = Self.bucket
  private var overflows = Self.bucket
  private var last: [Key: UInt64] = [:]

  private static var bucket: TokenBucket { TokenBucket(rate: 100, burst: 100) }

  /// Whether a notice may be given now.
  mutating func allows(_ notice: TrafficNotice, now: UInt64) -> Bool {
    let key: Key =
      switch notice.kind {
      case .unbound: .unbound(notice.prefix)
      case .unknownSource(let mac): .station(port: notice.port, mac)
      case .bufferOverflow: .overflow(notice.prefix)
      }
    if let before = last[key], now < before &+ Self.second { return false }
    let isAllowed =
      switch notice.kind {
      case .unbound: unbound.take(now: now)
      case .unknownSource: unknownSources.take(now: now)
      case .bufferOverflow: overflows.take(now: now)
      }
    guard isAllowed else { return false }
    if last.count >= Self.memory { last = last.filter { now < $0.value &+ Self.second } }
    last[key] = now
    return true
  }
}
