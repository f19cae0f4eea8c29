import FlowTable

/// One entry of `ports`. Its position is the port's index everywhere.
public struct PortConfiguration: Hashable, Sendable {
  /// The bits of the steering program and of the pipeline.
  public struct Kinds: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let core = Kinds(rawValue: 1)
    public static let transport = Kinds(rawValue: 2)
    public static let access = Kinds(rawValue: 4)

    /// The configuration's words, in the bits' order.
    public var names: [String] {
      [(Kinds.core, "core"), (.transport, "transport"), (.access, "access")].filter { contains($0.0) }.map(\.1)
    }
  }

  /// 1…15 octets, unique; names files, counters and records.
  public var name: String
  /// Nil only in a replay configuration.
  public var interface: String?
  public var kinds: Kinds
  /// Nil follows the interface, or the rules of `effectiveMAC`.
  public var mac: MACAddress?
  /// Largest IP packet in octets; nil follows the interface, or is 1500 in replay.
  public var mtu: Int?

  public init(name: String, interface: String?, kinds: Kinds, mac: MACAddress? = nil, mtu: Int? = nil) {
    self.name = name
    self.interface = interface
    self.kinds = kinds
    self.mac = mac
    self.mtu = mtu
  }

  /// Most ports a plane can have (the bound of the pipeline and of the steering program).
  public static let maximum = 8
  /// The one link-layer address of every MAG on every access link (RFC 6543 section 4, IANA's assignment).
  public static let mobileAccessGatewayMAC = MACAddress(0x0000_5e00_5213)
  /// IPv6's minimum (RFC 8200 section 5) to the largest value of an IP length field.
  static let mtuRange = 1280...65535
  static let replayMTU = 1500
}

extension DaemonConfiguration {
  /// The MAC address of port `index`; nil where only the live interface knows it.
  public func effectiveMAC(ofPort index: Int, purpose: ConfigurationPurpose) -> MACAddress? {
    let port = ports[index]
    if let mac = port.mac { return mac }
    if role == .mobileAccessGateway && port.kinds.contains(.access) { return PortConfiguration.mobileAccessGatewayMAC }
    // Locally administered (bit 1 of the first octet), fixed, so that replays can be compared.
    return purpose == .replay ? MACAddress(0x0200_5e10_0000 | UInt64(index + 1)) : nil
  }

  /// The MTU of port `index` in octets; nil where only the live interface knows it.
  public func effectiveMTU(ofPort index: Int, purpose: ConfigurationPurpose) -> Int? {
    ports[index].mtu ?? (purpose == .replay ? PortConfiguration.replayMTU : nil)
  }

  /// The index of the port with this name.
  public func portIndex(named name: String) -> UInt8? {
    ports.firstIndex { $0.name == name }.map { UInt8($0) }
  }
}
