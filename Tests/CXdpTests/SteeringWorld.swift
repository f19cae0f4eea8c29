import CXdp
import FastPath
import FlowTable

/// One node of the reference topology (REQUIREMENTS 0.3) twice: as the loaded program with live sockets, and as the
/// Swift tables. Made and used on one thread of a private network.
final class SteeringNode {
  struct Port {
    let name: String
    let interface: String
    let mac: MACAddress
    let kinds: PortKinds
  }

  let ports: [Port]
  let program: SteeringProgram
  private(set) var tables = SteeringTables()
  private(set) var interfaces: [UInt32] = []
  private var sockets: [TestSocket] = []

  init(_ ports: [Port]) throws {
    self.ports = ports
    program = try SteeringProgram()
    for (index, port) in ports.enumerated() {
      try PrivateNetwork.joinedPair(port.interface, "\(port.interface)p")
      let interface = try SystemInterface.facts(of: port.interface).index
      let socket = try TestSocket(
        TestMemory(frames: 64, ringSize: 64), interface: port.interface, first: true)
      interfaces.append(interface)
      sockets.append(socket)
      try program.setPort(interface, index: index, mac: port.mac, kinds: port.kinds)
      try program.setSocket(port: index, descriptor: socket.descriptor)
      tables.setPort(index, mac: port.mac, kinds: port.kinds)
    }
  }

  func addLocal(_ text: String) throws {
    guard let address = IPAddress(text: text) else { throw PrivateNetwork.Failure(description: "address \(text)") }
    try program.setLocal(address, present: true)
    tables.setLocal(address, present: true)
  }

  func addPool(_ text: String) throws {
    let prefix = try Self.prefix(text)
    try program.setPool(prefix, present: true)
    tables.setPool(prefix, present: true)
  }

  func addSource(_ text: String, _ kind: SteeringSource) throws {
    let prefix = try Self.prefix(text)
    try program.setSource(prefix, kind: kind)
    tables.setSource(prefix, kind: kind)
  }

  private static func prefix(_ text: String) throws -> Prefix {
    guard let prefix = Prefix(text: text) else { throw PrivateNetwork.Failure(description: "prefix \(text)") }
    return prefix
  }

  /// What the loaded program does with a frame of 14 octets or more: verdict, and the one counter that moved.
  func decideInKernel(_ frame: [UInt8], port: Int) throws -> SteerReason? {
    let before = try program.counters(port: port)
    let verdict = try program.verdict(frame, interface: interfaces[port])
    let moved = zip(try program.counters(port: port), before).map { $0 - $1 }
    guard let reason = moved.firstIndex(of: 1), moved.reduce(0, +) == 1 else { return nil }
    // A frame is redirected exactly when it is counted so.
    guard (verdict == SteeringProgram.redirect) == (reason == SteerReason.redirected.rawValue),
      verdict == SteeringProgram.redirect || verdict == SteeringProgram.pass
    else { return nil }
    return SteerReason(rawValue: UInt32(reason))
  }

  /// What the Swift twin does with it; any length.
  func decideInSwift(_ frame: [UInt8], port: Int) -> SteerReason? {
    switch tables.decide(frame: frame.span, port: port) {
    case .redirect: .redirected
    case .pass(let reason): reason
    case .ignore: nil
    }
  }
}

/// Both nodes whose ports the fixtures name.
final class SteeringWorld {
  let lma: SteeringNode
  let mag: SteeringNode

  init() throws {
    lma = try SteeringNode([
      .init(name: "core", interface: "fp-lc", mac: MACAddress(0x0200_0000_0c02), kinds: .core),
      .init(name: "transport", interface: "fp-lt", mac: MACAddress(0x0200_0000_0101), kinds: .transport),
      .init(name: "stick", interface: "fp-ls", mac: MACAddress(0x0200_0000_0105), kinds: [.core, .transport]),
    ])
    for address in ["2001:db8:1::1", "2001:db8:1::2", "192.0.2.1"] { try lma.addLocal(address) }
    for pool in ["2001:db8:100::/48", "2001:db8:200::/64", "203.0.113.0/24"] { try lma.addPool(pool) }

    mag = try SteeringNode([
      .init(name: "transport", interface: "fp-mt", mac: MACAddress(0x0200_0000_0a01), kinds: .transport),
      .init(name: "access", interface: "fp-ma", mac: MACAddress(0x0000_5e00_5213), kinds: .access),
      .init(name: "access2", interface: "fp-mb", mac: MACAddress(0x0000_5e00_5213), kinds: .access),
    ])
    try mag.addLocal("2001:db8:a::1")
    for source in ["2001:db8:100:1::/64", "203.0.113.10/32", "2001:db8:aaaa::10/128"] {
      try mag.addSource(source, .bound)
    }
    for source in ["2001:db8:aaaa::/64", "10.9.0.0/16"] { try mag.addSource(source, .visitor(port: 1)) }
  }

  /// The node and port index of "lma/core".
  func find(_ name: String) -> (node: SteeringNode, port: Int)? {
    let parts = name.split(separator: "/")
    guard parts.count == 2 else { return nil }
    let node = parts[0] == "lma" ? lma : mag
    return node.ports.firstIndex { $0.name == parts[1] }.map { (node, $0) }
  }
}
