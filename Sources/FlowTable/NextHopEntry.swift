/// The record behind a next hop: 32 octets, immutable from its publication until it is freed. Entry 0 is unreachable.
@frozen
@usableFromInline
struct NextHopRecord: BitwiseCopyable {
  // The link-layer header as it stands in a frame, EtherType left zero: destination, source, then the tag if there is
  // one. Memory order is transmission order; 18 octets at most.
  @usableFromInline var header0: UInt64 = 0
  @usableFromInline var header1: UInt64 = 0
  @usableFromInline var header2: UInt16 = 0
  @usableFromInline var headerLength: UInt8 = 0
  @usableFromInline var kind = NextHopEntry.Kind.unreachable
  @usableFromInline var port: UInt8 = 0
  @usableFromInline var unused8: UInt8 = 0
  @usableFromInline var unused16: UInt16 = 0
  @usableFromInline var unused64: UInt64 = 0

  init() {}

  init(_ state: NextHopState) {
    switch state {
    case .unresolved: kind = .unresolved
    case .unreachable: kind = .unreachable
    case .kernel: kind = .kernel
    case .resolved(let adjacency):
      kind = .resolved
      port = adjacency.port
      headerLength = adjacency.vlan == nil ? 14 : 18
      let source = adjacency.source.value
      header0 = (adjacency.destination.value << 16 | source >> 32).bigEndian
      // Four octets of the source, then 0x8100 and the tag, or the EtherType left zero.
      let tag = adjacency.vlan.map { 0x8100_0000 | UInt64($0) } ?? 0
      header1 = (source << 32 | tag).bigEndian
    }
  }

  var state: NextHopState {
    switch kind {
    case .unresolved: .unresolved
    case .unreachable: .unreachable
    case .kernel: .kernel
    case .resolved:
      .resolved(
        Adjacency(
          port: port, destination: MACAddress(UInt64(bigEndian: header0) >> 16),
          source: MACAddress(UInt64(bigEndian: header0) << 32 | UInt64(bigEndian: header1) >> 32),
          vlan: headerLength == 14 ? nil : UInt16(truncatingIfNeeded: UInt64(bigEndian: header1))))
    }
  }
}

/// A next hop as a worker sees it: a pointer into the table, valid until the worker's next quiescent report.
@frozen
@safe
public struct NextHopEntry: BitwiseCopyable {
  /// `NextHopState` without its payload.
  @frozen
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    case unreachable = 0
    case unresolved
    case kernel
    case resolved
  }

  // Points at a record reached by an acquire load in the current turn; the grace period keeps it as it is.
  @usableFromInline let record: UnsafePointer<NextHopRecord>

  @inlinable
  init(record: UnsafePointer<NextHopRecord>) { unsafe self.record = unsafe record }

  @inlinable
  public var kind: Kind { unsafe record.pointee.kind }

  /// Egress port; meaningful when resolved, as all below.
  @inlinable
  public var port: UInt8 { unsafe record.pointee.port }

  /// Octets of the link-layer header: 14, or 18 with a VLAN tag. Its last two are the EtherType, for the caller to write.
  @inlinable
  public var headerLength: Int { Int(unsafe record.pointee.headerLength) }

  /// The header's first 16 octets and the two after them, to be stored as they are (memory order is transmission order).
  /// Only `headerLength` of them belong to the header; the EtherType within is zero.
  @inlinable
  public var headerWords: (UInt64, UInt64, UInt16) {
    (unsafe record.pointee.header0, unsafe record.pointee.header1, unsafe record.pointee.header2)
  }

  /// The readable form, for whatever is not per packet.
  public var state: NextHopState { unsafe record.pointee.state }
}
