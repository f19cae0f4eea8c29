import FlowTable

/// The tunnel encapsulation limit that an outer header carries (RFC 2473 section 4.1.1): how many more tunnels the packet
/// may enter, or no such option.
struct EncapsulationLimit: BitwiseCopyable {
  /// -1 without an option.
  private let number: Int16

  @inline(__always)
  init(_ value: UInt8) { number = Int16(value) }

  /// No option.
  @inline(__always)
  init() { number = -1 }

  /// Rules (d) and (e): what the tunnel's configuration says.
  @inline(__always)
  init(of tunnel: TunnelEntry) {
    guard let value = tunnel.encapsulationLimit else {
      number = -1
      return
    }
    number = Int16(value)
  }

  @inline(__always)
  var isPresent: Bool { number >= 0 }

  /// Meaningful when `isPresent`.
  @inline(__always)
  var value: UInt8 { UInt8(truncatingIfNeeded: number) }
}
