import ControlProtocol
import FlowTable

// The protocol's value types and the forwarding table's have the same meaning and layout (IPv4 as ::ffff:a.b.c.d);
// they are two types because the protocol package depends on nothing.

extension IPAddress {
  package init(_ wire: WireAddress) {
    switch wire.family {
    case .ipv4: self.init(ipv4: wire.ipv4Value)
    case .ipv6: self.init(ipv6High: wire.high, low: wire.low)
    }
  }

  package var wire: WireAddress {
    switch family {
    case .ipv4: WireAddress(ipv4: ipv4Value)
    case .ipv6: WireAddress(ipv6High: high, low: low)
    }
  }
}

extension Prefix {
  /// A `WirePrefix` has no host bits, so nothing is masked.
  package init(_ wire: WirePrefix) {
    self.init(covering: IPAddress(wire.address), length: Int(wire.length))
  }

  package var wire: WirePrefix {
    guard let wire = WirePrefix(address: address.wire, length: Int(length)) else {
      preconditionFailure("a Prefix has no host bits and a valid length, which is all a WirePrefix asks")
    }
    return wire
  }
}

extension TunnelEndpoints {
  package init(_ wire: WireTunnel) {
    self.init(local: IPAddress(wire.local), remote: IPAddress(wire.remote))
  }

  package var wire: WireTunnel { WireTunnel(local: local.wire, remote: remote.wire) }
}

extension Prefix {
  init(_ plain: PlainBinding) { self.init(plain.prefix) }
}

extension TunnelEndpoints {
  @inline(__always)
  init(_ plain: PlainBinding) { self.init(plain.tunnel) }
}

extension PackedKey {
  @inline(__always)
  init(_ plain: PlainBinding) { self.init(table: BindingTable(plain.table), Prefix(plain)) }
}

extension BindingTable {
  init(_ wire: BindingRecord.Table) {
    switch wire {
    case .proxy: self = .proxy
    case .mobile: self = .mobile
    }
  }

  var wire: BindingRecord.Table {
    switch self {
    case .proxy: .proxy
    case .mobile: .mobile
    }
  }
}

extension BindingState {
  init(_ wire: BindingRecord.State) {
    switch wire {
    case .active: self = .active
    case .pending: self = .pending
    case .deregistering: self = .deregistering
    case .redirecting: self = .redirecting
    case .buffering: self = .buffering
    case .flushing: self = .flushing
    case .relaying: self = .relaying
    }
  }

  /// States of a handover between two MAGs (RFC 5949).
  var isHandover: Bool {
    switch self {
    case .active, .pending, .deregistering: false
    case .redirecting, .buffering, .flushing, .relaying: true
    }
  }

  var wire: BindingRecord.State {
    switch self {
    case .active: .active
    case .pending: .pending
    case .deregistering: .deregistering
    case .redirecting: .redirecting
    case .buffering: .buffering
    case .flushing: .flushing
    case .relaying: .relaying
    }
  }
}
