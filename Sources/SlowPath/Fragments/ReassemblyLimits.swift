/// How much reassembly may hold, and for how long.
///
/// Octets are charged, not measured: a fragment costs its own octets and `fragmentCharge`, a packet in parts
/// `packetCharge`, so that many tiny fragments cannot hold more memory than few large ones.
public struct ReassemblyLimits: Hashable, Sendable {
  /// RFC 8200 section 4.5: sixty seconds from the first-arriving fragment.
  public static let timeout: UInt64 = 60_000_000_000
  /// What the bookkeeping of one held fragment costs, in octets: array header, allocator rounding, the piece itself.
  public static let fragmentCharge = 128
  /// What the bookkeeping of one packet in parts costs, in octets: its slot, key and links.
  public static let packetCharge = 512
  /// What an ignored duplicate costs, in octets: its token.
  public static let duplicateCharge = 16

  /// Octets held for all sources together.
  public var octets: Int
  /// Octets held for one source address.
  public var octetsPerSource: Int
  /// Fragments of one packet; a packet in more is given up. 65535 octets in fragments of 1280 are 54.
  public var fragmentsPerPacket: Int
  /// The largest reassembled packet in octets, header included; a larger one is given up without an answer.
  public var largestPacket: Int

  public init(
    octets: Int = 8 << 20, octetsPerSource: Int = 1 << 20, fragmentsPerPacket: Int = 64,
    largestPacket: Int = 40 + 65535
  ) {
    self.octets = octets
    self.octetsPerSource = octetsPerSource
    self.fragmentsPerPacket = fragmentsPerPacket
    self.largestPacket = largestPacket
  }
}
