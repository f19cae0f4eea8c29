import FlowTable

/// What a stage has found out about one packet. Offsets count from the start of the received frame.
///
/// 64 octets: one cache line a packet and turn.
struct PacketState: BitwiseCopyable {
  /// UMEM address of the first received octet.
  var address: UInt64 = 0
  /// Received octets.
  var length: UInt32 = 0
  /// Offset of the outermost IP header.
  var network: UInt16 = 0
  /// Offset of the packet that is looked up and forwarded: `network`, or behind the tunnel headers.
  var inner: UInt16 = 0
  /// Octets of that packet by its own length field; Ethernet padding and trailing bytes are beyond it.
  var innerLength: UInt16 = 0
  /// VLAN identifier, `EthernetHeader.untagged` or `.stacked`.
  var vlan: UInt16 = EthernetHeader.untagged
  var family: AddressFamily = .ipv6
  var arrival: Arrival = .plain
  var origin: PacketOrigin = .wire
  var path: ForwardingPath = .none
  var verdict: Verdict = .undecided
  /// Raw value of the `DropReason` or `PuntReason` that belongs to `verdict`.
  var reason: UInt8 = 0
  /// Port index to transmit on.
  var port: UInt8 = 0
  /// Traffic class octet of the inner packet, and of the tunnel header it came in.
  var trafficClass: UInt8 = 0
  var outerTrafficClass: UInt8 = 0
  /// What becomes of the latter at the tunnel's exit.
  var exitRule: ExitRule = []
  /// Tunnel the packet came by, and the one it leaves by; 0 is none.
  var arrivalTunnel = TunnelID(0)
  var departureTunnel = TunnelID(0)
  /// Entry of the inner source's binding, and of the inner destination's; 0 is none.
  var source: UInt32 = 0
  var destination: UInt32 = 0
  /// Next hop of a routed packet; 0 is none.
  var nextHop = NextHopID(0)
  /// Offset of the first octet to transmit (may be below zero) and how many octets.
  var departure: Int16 = 0
  var departureLength: UInt16 = 0
  /// What the slow path is asked for, and the number that belongs to it.
  var exception: ExceptionKind = .none
  var detail: UInt16 = 0
  /// `nested`: entry of the binding by which the first tunnel's far end is reached.
  var outerBinding: UInt32 = 0

  /// Notes the tunnel a packet came by, and how that tunnel's exit treats the traffic class. False when nothing comes by
  /// it any more, or not for every binding.
  @inline(__always)
  mutating func arrive(by tunnel: TunnelEntry) -> Bool {
    arrivalTunnel = tunnel.id
    exitRule = ExitRule(tunnel)
    if tunnel.carriesAll { return true }
    drop(.peerDown)
    return false
  }

  @inline(__always)
  mutating func drop(_ why: DropReason) {
    verdict = .drop
    reason = why.rawValue
  }

  /// Drops the packet and asks the slow path to answer it.
  /// - Parameter detail: MTU or pointer, as `ExceptionKind` says.
  @inline(__always)
  mutating func except(_ kind: ExceptionKind, _ why: DropReason, detail: UInt16 = 0) {
    drop(why)
    exception = kind
    self.detail = detail
  }

  /// Leaves the packet to the slow path, which decides its fate; `why` is the drop reason where that cannot take it.
  @inline(__always)
  mutating func hold(_ kind: ExceptionKind, orDrop why: DropReason, detail: UInt16 = 0) {
    verdict = .hold
    reason = why.rawValue
    exception = kind
    self.detail = detail
  }

  /// Leaves the packet to the handover buffer of this worker.
  @inline(__always)
  mutating func keep() {
    verdict = .hold
    reason = DropReason.bufferFull.rawValue
    exception = .none
  }

  @inline(__always)
  mutating func punt(_ why: PuntReason) {
    verdict = .punt
    reason = why.rawValue
  }
}

/// How a packet came to this machine.
enum Arrival: UInt8, BitwiseCopyable {
  case plain
  case tunnelled
}

/// What the classifier decided to do if every check holds.
enum ForwardingPath: UInt8, BitwiseCopyable {
  case none
  /// LMA: core to mobile node. MAG: mobile node into its tunnel.
  case encapsulate
  /// LMA: tunnel to core, by route. MAG: only packets of this machine.
  case route
  /// LMA: tunnel to tunnel, between two mobile nodes.
  case hairpin
  /// MAG: to the access link of the inner destination.
  case deliver
  /// MAG: from the anchor's tunnel into that of the MAG that the mobile node has gone to.
  case redirect = 8
  /// MAG: from the tunnel of that MAG into the anchor's.
  case relay
  /// LMA: into a tunnel whose far end is anchored here, and so into another one; set when it is done.
  case nested

  /// The raw values from here on are of packets that go through more tunnels than one on the same way.
  static let detours: UInt8 = 8
  var isDetour: Bool { rawValue >= Self.detours }
}

/// One batch of packets and the scratch space of its lookups. Owned by a worker; nothing in it survives a turn.
struct PacketBatch: ~Copyable {
  /// Two cache-missing lookups a packet want many in flight; 64 packets keep all of a batch's lines within L1
  /// (64 × (64 state + 128 header octets) = 12 KiB of 32).
  static let capacity = 64

  var count = 0
  let packets = FixedArray(repeating: PacketState(), count: capacity)
  /// Keys of one bulk lookup, and which packet each belongs to.
  var keyCount = 0
  let keys = FixedArray(repeating: LookupKey(IPAddress(ipv4: 0)), count: capacity)
  let owners = FixedArray(repeating: 0 as UInt8, count: capacity)
  let results = FixedArray(repeating: 0 as UInt32, count: capacity)

  @inline(__always)
  mutating func request(_ address: IPAddress, for packet: Int) {
    keys[keyCount] = LookupKey(address)
    owners[keyCount] = UInt8(truncatingIfNeeded: packet)
    keyCount &+= 1
  }
}
