import FlowTable

/// Stage 1: all lengths and header chains checked, headers located, nothing written.
///
/// After it every undecided packet has `network`, `inner`, `innerLength`, `family` and `vlan` right, its inner header
/// complete within the frame, and forwardable addresses.
enum Parse {
  @inline(__always)
  static func run(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let length = Int(packet.length)
    guard let type = network(&packet, frame: frame, length: length) else { return packet.drop(.truncated) }
    let offset = Int(packet.network)
    packet.inner = packet.network
    switch type {
    case EthernetHeader.typeIPv6:
      packet.family = .ipv6
      guard validateIPv6(&packet, frame: frame, available: length - offset) else { return }
      let isTunnelPort = !context.kinds.isDisjoint(with: .decapsulating)
      if isTunnelPort && context.settings.isLocal(IPv6Header.destination(frame, offset)) {
        openTunnel(&packet, frame: frame, context: context)
      }
    case EthernetHeader.typeIPv4:
      packet.family = .ipv4
      guard validateIPv4(&packet, frame: frame, available: length - offset) else { return }
    default:
      return packet.punt(.notOurs)
    }
    if packet.verdict == .undecided, let reason = addressViolation(packet, frame: frame) { packet.drop(reason) }
  }

  /// Steps over the link-layer header; the EtherType, or nil when the frame ends before it.
  @inline(__always)
  private static func network(_ packet: inout PacketState, frame: FrameView, length: Int) -> UInt16? {
    guard length >= EthernetHeader.length else { return nil }
    if frame.word16(12) == EthernetHeader.typeIPv6 {
      packet.network = UInt16(EthernetHeader.length)
      return EthernetHeader.typeIPv6
    }
    var offset = EthernetHeader.length
    var type = frame.word16(12)
    var tags = 0
    while type == EthernetHeader.typeVLAN || type == EthernetHeader.typeServiceVLAN {
      guard tags < 2, length >= offset + EthernetHeader.tagLength else { return nil }
      let identifier = frame.word16(offset) & 0x0fff
      if tags > 0 {
        packet.vlan = EthernetHeader.stacked
      } else if identifier != 0 {
        packet.vlan = identifier
      }
      type = frame.word16(offset + 2)
      offset += EthernetHeader.tagLength
      tags += 1
    }
    packet.network = UInt16(truncatingIfNeeded: offset)
    return type
  }

  /// Checks the IPv6 header at `inner` against `available` octets and sets `innerLength`; decides the packet otherwise.
  @inline(__always)
  static func validateIPv6(_ packet: inout PacketState, frame: FrameView, available: Int) -> Bool {
    let offset = Int(packet.inner)
    guard available >= IPv6Header.length else {
      packet.drop(.truncated)
      return false
    }
    let payload = Int(frame.word16(offset + 4))
    // A payload length of 0 with hop-by-hop options is a jumbogram (RFC 2675): no link here can carry one.
    guard frame.octet(offset) >> 4 == 6,
      payload != 0 || frame.octet(offset + 6) != IPv6Header.nextHeaderHopByHop
    else {
      packet.drop(.malformed)
      return false
    }
    guard IPv6Header.length + payload <= available else {
      packet.drop(.truncated)
      return false
    }
    packet.innerLength = UInt16(truncatingIfNeeded: IPv6Header.length + payload)
    packet.trafficClass = IPv6Header.trafficClass(frame, offset)
    return true
  }

  /// The checks of RFC 1812 section 5.2.2 on the IPv4 header at `inner`; sets `innerLength` or decides the packet.
  @inline(__always)
  static func validateIPv4(_ packet: inout PacketState, frame: FrameView, available: Int) -> Bool {
    let offset = Int(packet.inner)
    guard available >= IPv4Header.minimumLength else {
      packet.drop(.truncated)
      return false
    }
    let header = IPv4Header.headerLength(frame, offset)
    let total = Int(frame.word16(offset + 2))
    guard frame.octet(offset) >> 4 == 4, header >= IPv4Header.minimumLength, total >= header else {
      packet.drop(.malformed)
      return false
    }
    guard total <= available else {
      packet.drop(.truncated)
      return false
    }
    guard IPv4Header.isChecksumValid(frame, offset, headerLength: header) else {
      packet.drop(.badChecksum)
      return false
    }
    packet.innerLength = UInt16(truncatingIfNeeded: total)
    packet.trafficClass = IPv4Header.typeOfService(frame, offset)
    return true
  }

  /// A packet to one of our addresses: finds the packet inside, or hands it to the kernel.
  @inline(__always)
  private static func openTunnel(_ packet: inout PacketState, frame: FrameView, context: borrowing TurnContext) {
    let network = Int(packet.network)
    // The outer packet ends where its own length says, at or before the frame's end.
    let end = network + Int(packet.innerLength)
    var upper = OuterHeaders.End(
      kind: .upper, proto: frame.octet(network + 6), offset: network + IPv6Header.length)
    if ExtensionHeaders.isExtension(upper.proto) {
      upper = OuterHeaders.walk(frame, network: network, end: end)
      guard upper.kind == .upper else { return refuse(&packet, upper, frame: frame, context: context) }
    }
    let outer = packet.trafficClass
    packet.inner = UInt16(truncatingIfNeeded: upper.offset)
    // Both are within the frame, whose length has 16 bits.
    let available = end &- upper.offset
    switch upper.proto {
    case IPv6Header.nextHeaderIPv6:
      guard validateIPv6(&packet, frame: frame, available: available) else { return }
    case IPv6Header.nextHeaderIPv4:
      packet.family = .ipv4
      guard validateIPv4(&packet, frame: frame, available: available) else { return }
    case IPv6Header.nextHeaderICMPv6:
      // The kernel reads it, too; `inner` stays where the error begins (`Worker.identifyTunnel`).
      packet.punt(.tunnelError)
      return packet.exception = .tunnelError
    default:
      packet.inner = packet.network
      return packet.punt(.notOurs)
    }
    packet.arrival = .tunnelled
    packet.outerTrafficClass = outer
  }

  /// A packet to one of our addresses that cannot be opened. Only who has a tunnel here gets an answer or memory.
  private static func refuse(
    _ packet: inout PacketState, _ end: OuterHeaders.End, frame: FrameView, context: borrowing TurnContext
  ) {
    let network = Int(packet.network)
    if end.kind == .foreign { return packet.punt(.notOurs) }
    guard context.snapshot.tunnel(ofOuter: frame, at: network).rawValue != 0 else {
      // Options may as well belong to a binding update in parts from somebody who is not bound yet (RPUNT-4).
      let isOptions = end.kind == .fragment && frame.octet(end.offset) == ExtensionHeaders.destinationOptions
      return isOptions ? packet.punt(.notOurs) : packet.drop(.unknownTunnel)
    }
    let pointer = UInt16(truncatingIfNeeded: end.offset - network)
    switch end.kind {
    case .unknownOption: packet.except(.outerUnknownOption, .malformed, detail: pointer)
    case .routing: packet.except(.outerParameterProblem, .malformed, detail: pointer)
    case .fragment: packet.hold(.outerFragment, orDrop: .reassemblyFull)
    case .malformed, .discard, .foreign, .upper: packet.drop(.malformed)
    }
  }

  @inline(__always)
  private static func addressViolation(_ packet: PacketState, frame: FrameView) -> DropReason? {
    AddressRules.violation(
      source: packet.innerSource(frame), destination: packet.innerDestination(frame))
  }
}

extension PacketState {
  @inline(__always)
  func innerSource(_ frame: FrameView) -> IPAddress {
    family == .ipv6 ? IPv6Header.source(frame, Int(inner)) : IPv4Header.source(frame, Int(inner))
  }

  @inline(__always)
  func innerDestination(_ frame: FrameView) -> IPAddress {
    family == .ipv6 ? IPv6Header.destination(frame, Int(inner)) : IPv4Header.destination(frame, Int(inner))
  }
}
