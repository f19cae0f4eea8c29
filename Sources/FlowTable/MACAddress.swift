/// A 48-bit link-layer address as a number: 02:00:00:00:00:01 is 0x0200_0000_0001.
@frozen
public struct MACAddress: Hashable, Sendable, BitwiseCopyable {
  /// The six octets, first one most significant; the upper 16 bits are zero.
  public let value: UInt64

  /// Keeps the low 48 bits of `value`.
  @inlinable
  public init(_ value: UInt64) { self.value = value & 0xffff_ffff_ffff }
}
