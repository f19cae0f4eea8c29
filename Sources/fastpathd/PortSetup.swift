import CXdp
import ControlPlane
import FastPath
import FlowTable
import Glibc

/// One configured port with what its interface said.
struct PortFacts: Sendable {
  let name: String
  let interface: String
  let index: UInt32
  let driver: String
  let kinds: PortKinds
  /// The interface's own address.
  let interfaceMAC: MACAddress
  /// The one frames are sent from and accepted for.
  let mac: MACAddress
  /// The interface's own MTU in octets.
  let interfaceMTU: Int
  /// The largest packet that leaves here.
  let mtu: Int
  let queues: Int
}

/// Looks at the configured interfaces and at no other; changes nothing.
enum PortSetup {
  /// - Throws: status 2 naming the interface and what to do.
  static func inspect(_ configuration: DaemonConfiguration) throws(ExitFailure) -> [PortFacts] {
    var facts: [PortFacts] = []
    for index in configuration.ports.indices { facts.append(try inspect(configuration, index)) }
    try requireEqualQueues(facts)
    return facts
  }

  private static func inspect(_ configuration: DaemonConfiguration, _ index: Int) throws(ExitFailure) -> PortFacts {
    let port = configuration.ports[index]
    guard let interface = port.interface else {
      throw .configuration("ports[\(index)].interface: is needed by the daemon")
    }
    var raw = fp_interface()
    // An out parameter of this frame; the string lives for the call.
    let status = unsafe fp_interface_info(interface, &raw)
    guard status != -ENODEV else {
      throw .environment(
        "fastpathd: port \(port.name): there is no interface \(interface) here; create it or correct ports[\(index)].interface"
      )
    }
    guard status >= 0 else {
      throw .environment("fastpathd: port \(port.name): cannot ask interface \(interface): \(errorText(-status))")
    }
    guard raw.ethernet != 0 else {
      throw .environment(
        "fastpathd: port \(port.name): \(interface) is not an Ethernet interface; configure one that is")
    }
    guard raw.up != 0 else {
      throw .environment("fastpathd: port \(port.name): \(interface) is down; run `ip link set \(interface) up` first")
    }
    let own = address(raw)
    return PortFacts(
      name: port.name, interface: interface, index: raw.index, driver: driver(raw),
      kinds: PortKinds(rawValue: port.kinds.rawValue), interfaceMAC: own,
      mac: configuration.effectiveMAC(ofPort: index, purpose: .daemon) ?? own, interfaceMTU: Int(raw.mtu),
      mtu: configuration.effectiveMTU(ofPort: index, purpose: .daemon) ?? Int(raw.mtu), queues: Int(raw.rx_queues))
  }

  /// Worker *q* serves queue *q* of every port, so a queue that only some ports have would go unserved.
  private static func requireEqualQueues(_ ports: [PortFacts]) throws(ExitFailure) {
    guard let fewest = ports.min(by: { $0.queues < $1.queues }), let most = ports.max(by: { $0.queues < $1.queues }),
      fewest.queues != most.queues
    else { return }
    throw .environment(
      "fastpathd: \(most.interface) has \(most.queues) receive queues and \(fewest.interface) has \(fewest.queues), but all "
        + "ports need equally many; run `ethtool -L \(most.interface) combined \(fewest.queues)` (or rx, for a veth)")
  }

  private static func address(_ raw: fp_interface) -> MACAddress {
    let octets = raw.mac
    return MACAddress(
      [octets.0, octets.1, octets.2, octets.3, octets.4, octets.5].reduce(0) { $0 << 8 | UInt64($1) })
  }

  private static func driver(_ raw: fp_interface) -> String {
    // The 32 octets of a local copy, ended by a zero or by their number.
    unsafe withUnsafeBytes(of: raw.driver) { octets in
      unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// The system's words for an errno.
func errorText(_ code: Int32) -> String {
  // strerror's string stays valid until this thread's next call, and is copied at once.
  unsafe String(cString: strerror(code))
}
