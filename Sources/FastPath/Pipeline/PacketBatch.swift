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
///
/// In this order, so that one comparison says whether a tunnel header is put in front of the packet.
enum ForwardingPath: UInt8, BitwiseCopyable {
  case none
  /// LMA: tunnel to core, by route. MAG: only packets of this machine.
  case route
  /// MAG: to the access link of the inner destination.
  case deliver
  /// LMA: into a tunnel whose far end is anchored here, and so into another one; set when it is done.
  case nested
  /// LMA: core to mobile node. MAG: mobile node into its tunnel.
  case encapsulate
  /// LMA: tunnel to tunnel, between two mobile nodes.
  case hairpin
  /// MAG: from the anchor's tunnel into that of the MAG that the mobile node has gone to.
  case redirect
  /// MAG: from the tunnel of that MAG into the anchor's.
  case relay

  /// Whether a tunnel header is put in front of the packet.
  @inline(__always)
  var entersTunnel: Bool { rawValue >= Self.encapsulate.rawValue }

  /// Whether the packet goes through more tunnels than one on the same way.
  var isDetour: Bool { self == .redirect || self == .relay || self == .nested }
}

/// One batch of packets and the scratch space of its lookups. Owned by a worker; nothing in it survives a turn.
struct PacketBatch: ~Copyable {
  /// Two cache-missing lookups a packet want many in flight; 64 packets keep all of a batch's lines within L1
  /// (64 × (64 state + 128 header octets) = 12 KiB of 32).
  static let capacity = 64

  var count = 0
  let packets = FixedArray<64, PacketState>(repeating: PacketState())
  /// Keys of one bulk lookup, at most two a packet, and which packet each belongs to.
  private(set) var keyCount = 0
  private let keys = FixedArray<128, LookupKey>(repeating: LookupKey(IPAddress(ipv4: 0)))
  private let owners = FixedArray<128, KeyOwner>(repeating: KeyOwner(packet: 0, isSource: false))
  private let results = FixedArray<128, UInt32>(repeating: 0)

  /// How many packets there are, at most the capacity. The compiler knows that and checks no index in a loop up to it;
  /// the iterator of a range would check its own bound in every step (seen in the disassembly).
  @inline(__always)
  var end: Int { Int(min(UInt(bitPattern: count), 64)) }

  /// Asks for the binding of the packet's destination, or for its route.
  @inline(__always)
  mutating func requestDestination(_ address: IPAddress, for packet: Int) {
    request(address, KeyOwner(packet: packet, isSource: false))
  }

  /// Asks for the binding of the packet's source.
  @inline(__always)
  mutating func requestSource(_ address: IPAddress, for packet: Int) {
    request(address, KeyOwner(packet: packet, isSource: true))
  }

  @inline(__always)
  private mutating func request(_ address: IPAddress, _ owner: KeyOwner) {
    keys[keyCount] = LookupKey(address)
    owners[keyCount] = owner
    keyCount &+= 1
  }

  /// Looks the requested addresses up in the binding tables and hands each result to its packet.
  @inline(__always)
  mutating func resolveBindings(_ snapshot: TableSnapshot) {
    guard keyCount > 0 else { return }
    // Safe: both hold as many elements, and no more keys than that were requested.
    unsafe snapshot.lookupBindings(keys.pointer, count: keyCount, into: results.pointer)
    let end = keyEnd
    var position = 0
    while position < end {
      let owner = owners[position]
      if owner.isSource {
        packets[owner.packet].source = results[position]
      } else {
        packets[owner.packet].destination = results[position]
      }
      position &+= 1
    }
    keyCount = 0
  }

  /// As `resolveBindings`, in the mirror of the kernel's routes.
  @inline(__always)
  mutating func resolveRoutes(_ snapshot: TableSnapshot) {
    guard keyCount > 0 else { return }
    // Safe: as in `resolveBindings`.
    unsafe snapshot.lookupRoutes(keys.pointer, count: keyCount, into: results.pointer)
    for position in 0..<keyEnd { packets[owners[position].packet].nextHop = NextHopID(results[position]) }
    keyCount = 0
  }

  @inline(__always)
  private var keyEnd: Int { Int(min(UInt(bitPattern: keyCount), 128)) }
}

/// Which packet of a batch a key belongs to, and for which of its addresses.
private struct KeyOwner: BitwiseCopyable {
  private let number: UInt8

  @inline(__always)
  init(packet: Int, isSource: Bool) { number = UInt8(truncatingIfNeeded: packet) & 0x3f | (isSource ? 0x80 : 0) }

  /// Below `PacketBatch.capacity`.
  @inline(__always)
  var packet: Int { Int(number & 0x3f) }

  @inline(__always)
  var isSource: Bool { number & 0x80 != 0 }
}
