import FlowTable
import Glibc

/// What the kernel sends into the TUN device: this host's own packets for mobile nodes, which `PoolRoutes` leads there.
/// Read by the slow path's thread alone.
public struct OwnTraffic: Sendable {
  enum Reading {
    case packet(OwnPacket)
    /// Something that is not for a mobile node.
    case other
    case nothing
    /// The device was deleted: nothing will ever come again.
    case gone
  }

  /// Keeps the device.
  private let injector: KernelInjector
  private let pools: [Prefix]
  private let localAddresses: Set<IPAddress>
  /// The largest IP packet.
  private var room = [UInt8](repeating: 0, count: 1 << 16)

  public init(of injector: KernelInjector, pools: [Prefix], localAddresses: [IPAddress]) {
    self.injector = injector
    self.pools = pools
    self.localAddresses = Set(localAddresses)
  }

  /// For polling.
  var descriptor: Int32 { injector.descriptor }

  /// Takes the next packet. Does not block.
  mutating func read() -> Reading {
    let descriptor = descriptor
    while true {
      // The array's own octets, for the time of the call, with their true number.
      let count = unsafe room.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count < 0 && errno == EAGAIN ? .nothing : .gone }
      let packet = OwnPacket(Array(room[..<count]), pools: pools, localAddresses: localAddresses)
      return packet.map(Reading.packet) ?? .other
    }
  }
}
