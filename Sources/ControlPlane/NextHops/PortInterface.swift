import FlowTable

/// What the live interface of a port said when it was opened. Replay has none.
public struct PortInterface: Hashable, Sendable {
  /// Kernel interface index, above 0.
  public var index: UInt32
  public var mac: MACAddress
  /// Octets.
  public var mtu: Int

  public init(index: UInt32, mac: MACAddress, mtu: Int) {
    self.index = index
    self.mac = mac
    self.mtu = mtu
  }
}

/// One neighbour that packets wait for. The kernel is asked; its answer comes back as a `KernelEvent`.
public struct ResolutionRequest: Hashable, Sendable {
  /// Index of the port.
  public let port: UInt8
  /// Kernel interface index of the port.
  public let interface: UInt32
  public let address: IPAddress

  public init(port: UInt8, interface: UInt32, address: IPAddress) {
    self.port = port
    self.interface = interface
    self.address = address
  }
}

/// A port as adjacencies need it, kept up to date from link events.
struct PortLink {
  /// Nil in replay.
  let interface: UInt32?
  var mac: MACAddress
  var mtu: Int
  var up = true
  /// Configured values do not follow the interface.
  let followsMAC: Bool
  let followsMTU: Bool

  /// - Parameter interfaces: one for each port, in order; empty in replay.
  static func links(_ configuration: DaemonConfiguration, _ interfaces: [PortInterface]) -> [PortLink] {
    let purpose: ConfigurationPurpose = interfaces.isEmpty ? .replay : .daemon
    return configuration.ports.indices.map { index in
      let interface = index < interfaces.count ? interfaces[index] : nil
      let mac = configuration.effectiveMAC(ofPort: index, purpose: purpose)
      let mtu = configuration.effectiveMTU(ofPort: index, purpose: purpose)
      return PortLink(
        interface: interface?.index, mac: mac ?? interface?.mac ?? MACAddress(0),
        mtu: mtu ?? interface?.mtu ?? PortConfiguration.replayMTU, followsMAC: mac == nil, followsMTU: mtu == nil)
    }
  }
}
