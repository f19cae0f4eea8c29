import Glibc
import Synchronization

/// Gives IP packets to the kernel as if they had been received on an interface of this program.
///
/// For what the fast path took off the wire but the kernel must have: inner packets for the host's own addresses, and
/// packets whose route leaves by an interface that is not a port.
public final class KernelInjector: Sendable {
  private let device: TunDevice
  private let injectedPackets = Atomic<UInt64>(0)
  private let refusedPackets = Atomic<UInt64>(0)

  /// The interface that the packets seem to come from, for example `fpk0`.
  public var interface: String { device.name }
  /// For `OwnTraffic`.
  var descriptor: Int32 { device.descriptor }
  /// Packets the kernel took.
  public var injected: UInt64 { injectedPackets.load(ordering: .relaxed) }
  /// Packets the kernel refused: not IPv4 or IPv6, interface set down by somebody, no memory.
  public var refused: UInt64 { refusedPackets.load(ordering: .relaxed) }

  /// Opens the way in the calling thread's network namespace.
  public init() throws(InjectionError) { device = try TunDevice() }

  /// Hands one packet over. Does not block.
  /// - Parameter packet: from its IP header on.
  /// - Returns: false if the kernel refused it; it is dropped and counted, there is nothing to wait for.
  @discardableResult
  public func inject(_ packet: UnsafeRawBufferPointer) -> Bool {
    while true {
      // The caller's buffer, for the time of the call, with its true length.
      let written = unsafe write(device.descriptor, packet.baseAddress, packet.count)
      if written < 0 && errno == EINTR { continue }
      guard written >= 0 else {
        refusedPackets.wrappingAdd(1, ordering: .relaxed)
        return false
      }
      injectedPackets.wrappingAdd(1, ordering: .relaxed)
      return true
    }
  }
}
