import FlowTable

/// The secret of the outer flow label's hash (RFC 6438 section 3: hard to predict).
public struct FlowLabelKey: Hashable, Sendable, BitwiseCopyable {
  public let first: UInt64
  public let second: UInt64
  public init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }
}

/// The outer flow label: a keyed 20-bit hash of the inner flow, never 0 (RFC 6437 section 2, RFC 6438 section 3).
///
/// Ports count only where every packet of the flow shows them: TCP or UDP directly after the IP header of a packet that
/// is no fragment. A datagram in fragments is labelled by addresses and protocol alone, the first fragment included.
enum FlowLabel {
  @inline(__always)
  static func ofIPv6(_ frame: FrameView, _ offset: Int, length: Int, key: FlowLabelKey) -> UInt32 {
    let next = frame.octet(offset + 6)
    var last = UInt64(next)
    if (next == IPv6Header.nextHeaderTCP || next == IPv6Header.nextHeaderUDP) && length >= IPv6Header.length + 4 {
      last |= UInt64(frame.word32(offset + IPv6Header.length)) << 8
    }
    // The inner label is part of the flow's identity when its sender set one.
    last |= UInt64(frame.word32(offset) & 0xf_ffff) << 40
    let sources = mix(frame.word64(offset + 8) ^ key.first, frame.word64(offset + 16) ^ key.second)
    let destinations = mix(frame.word64(offset + 24) ^ key.second, frame.word64(offset + 32) ^ sources)
    return label(mix(destinations ^ key.first, last ^ key.second))
  }

  @inline(__always)
  static func ofIPv4(_ frame: FrameView, _ offset: Int, length: Int, key: FlowLabelKey) -> UInt32 {
    let proto = frame.octet(offset + 9)
    let header = IPv4Header.headerLength(frame, offset)
    var last = UInt64(proto)
    let carriesPorts = proto == IPv4Header.protocolTCP || proto == IPv4Header.protocolUDP
    if carriesPorts && !IPv4Header.isFragment(frame, offset) && length >= header + 4 {
      last |= UInt64(frame.word32(offset + header)) << 8
    }
    let addresses = mix(frame.word64(offset + 12) ^ key.first, key.second)
    return label(mix(addresses ^ key.first, last ^ key.second))
  }

  /// Multiply-fold: the two halves of the 128-bit product, exclusive-ored.
  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  @inline(__always)
  private static func label(_ hash: UInt64) -> UInt32 {
    let folded = UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    let value = (folded ^ folded >> 12) & 0xf_ffff
    return value == 0 ? 1 : value
  }
}
