import FlowTable

/// An address on the link of a port.
struct PortAddress: Hashable {
  let port: UInt8
  let address: IPAddress
}

/// Link-layer addresses on the links of ports; configured ones win over learned ones.
struct NeighborTable {
  struct Entry: Hashable {
    let mac: MACAddress
    let vlan: UInt16?
  }

  private struct Learned {
    let mac: MACAddress
    var epoch: UInt64
  }

  private var fixed: [PortAddress: Entry] = [:]
  private var learned: [PortAddress: Learned] = [:]

  init(_ neighbors: [StaticNeighbor]) {
    for neighbor in neighbors {
      fixed[PortAddress(port: neighbor.port, address: neighbor.address)] = Entry(mac: neighbor.mac, vlan: neighbor.vlan)
    }
  }

  subscript(key: PortAddress) -> Entry? {
    fixed[key] ?? learned[key].map { Entry(mac: $0.mac, vlan: nil) }
  }

  /// Whether the kernel's word counts for this address: it is known, and not configured.
  func isLearned(_ key: PortAddress) -> Bool { fixed[key] == nil && learned[key] != nil }

  /// Whether anything that counts has changed.
  mutating func learn(_ key: PortAddress, _ mac: MACAddress, epoch: UInt64) -> Bool {
    let before = self[key]
    learned[key] = Learned(mac: mac, epoch: epoch)
    return self[key] != before
  }

  mutating func forget(_ key: PortAddress) -> Bool {
    let before = self[key]
    learned[key] = nil
    return self[key] != before
  }

  /// Drops what the last dump did not show; returns the addresses whose entry has changed.
  mutating func sweep(before epoch: UInt64) -> [PortAddress] {
    let stale = learned.filter { $0.value.epoch < epoch }.map(\.key)
    return stale.filter { forget($0) }
  }

  /// Every address known on any port.
  var addresses: Set<IPAddress> {
    Set(fixed.keys.map(\.address)).union(learned.keys.map(\.address))
  }
}
