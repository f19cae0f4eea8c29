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

  /// The prefix that stands for the address: one notice a second is enough for it.
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

/// Notices at a bearable rate: one a second for each kind and prefix, a hundred a second in all.
struct NoticeLimit: Sendable {
  private struct Key: Hashable {
    let name: String
    let prefix: Prefix
  }

  private static let second: UInt64 = 1_000_000_000
  /// Prefixes that are remembered: those of a few seconds.
  private static let memory = 512

  private var all = TokenBucket(rate: 100, burst: 100)
  private var last: [Key: UInt64] = [:]

  /// Whether a notice may be given now.
  mutating func allows(_ notice: TrafficNotice, now: UInt64) -> Bool {
    let key = Key(name: notice.name, prefix: notice.prefix)
    if let before = last[key], now < before &+ Self.second { return false }
    guard all.take(now: now) else { return false }
    if last.count >= Self.memory { last = last.filter { now < $0.value &+ Self.second } }
    last[key] = now
    return true
  }
}
