import FlowTable

// The decision of bpf/steer.bpf.c, for replay without a kernel. Tests/CXdpTests give both the same packets and compare
// verdict and reason; change them together. Nothing here is on a worker's path.

extension SteeringTables {
  /// Steers one frame.
  ///
  /// - Parameters:
  ///   - frame: from the destination MAC on, without frame check sequence; may end anywhere.
  ///   - port: index of the port it arrived on.
  public func decide(frame: Span<UInt8>, port index: Int) -> SteeringDecision {
    guard let port = ports[index] else { return .ignore }
    guard let packet = SteeredPacket(frame) else { return .pass(.malformed) }
    switch packet.etherType {
    case SteeredPacket.arp: return .pass(.arp)
    case SteeredPacket.ipv4, SteeredPacket.ipv6: break
    default: return .pass(.ethertype)
    }
    // RX-4: only frames to our own address are steered, so that a frame flooded to us is never forwarded.
    guard packet.destination == port.mac else { return .pass(.otherMAC) }
    return packet.etherType == SteeredPacket.ipv6
      ? decideIPv6(frame, packet, port: index, kinds: port.kinds)
      : decideIPv4(frame, packet, port: index, kinds: port.kinds)
  }

  private func decideIPv6(_ frame: Span<UInt8>, _ packet: SteeredPacket, port: Int, kinds: PortKinds)
    -> SteeringDecision
  {
    guard let header = SteeredIPv6(frame, at: packet.payload) else { return .pass(.malformed) }
    if header.destination.isMulticast { return .pass(.multicast) }
    // RFC 4861 section 4: types 133…137, and no extension header stands between.
    if header.nextHeader == SteeredIPv6.icmp, let type = frame.number(at: header.payload, octets: 1),
      133...137 ~= type
    {
      return .pass(.neighborDiscovery)
    }
    if header.destination.isLinkLocal { return .pass(.linkLocal) }
    if localAddresses.contains(header.destination) {
      return isTunnelPacket(frame, header, kinds: kinds) ? .redirect : .pass(.local)
    }
    return decideTransit(source: header.source, destination: header.destination, port: port, kinds: kinds)
  }

  private func decideIPv4(_ frame: Span<UInt8>, _ packet: SteeredPacket, port: Int, kinds: PortKinds)
    -> SteeringDecision
  {
    let start = packet.payload
    guard start + 20 <= frame.count, frame[start] >> 4 == 4, frame[start] & 15 >= 5,
      let source = frame.number(at: start + 12, octets: 4), let destination = frame.number(at: start + 16, octets: 4)
    else { return .pass(.malformed) }
    let target = IPAddress(ipv4: UInt32(destination))
    if target.isMulticast || destination == 0xffff_ffff { return .pass(.multicast) }
    if kinds.contains(.access), isDHCP(frame, at: start) { return .pass(.dhcp) }
    if localAddresses.contains(target) { return .pass(.local) }
    return decideTransit(source: IPAddress(ipv4: UInt32(source)), destination: target, port: port, kinds: kinds)
  }

  /// A packet to nobody here: anchored at this LMA, sent from an access link of this MAG, or not ours.
  private func decideTransit(
    source: IPAddress, destination: IPAddress, port: Int, kinds: PortKinds
  ) -> SteeringDecision {
    if kinds.contains(.core), pools.longestMatch(destination) != nil { return .redirect }
    guard kinds.contains(.access) else { return .pass(.notOurs) }
    // What is nobody's, or a visitor's of another link, is the worker's to drop, count and tell of.
    return sources.longestMatch(source) == .visitor(port: port) ? .pass(.visitor) : .redirect
  }

  /// UDP from or to port 67 or 68; a fragment with an offset has no UDP header.
  private func isDHCP(_ frame: Span<UInt8>, at start: Int) -> Bool {
    let ports = start + Int(frame[start] & 15) * 4
    guard frame[start + 9] == 17, let fragment = frame.number(at: start + 6, octets: 2), fragment & 0x1fff == 0,
      let source = frame.number(at: ports, octets: 2), let destination = frame.number(at: ports + 2, octets: 2)
    else { return false }
    return 67...68 ~= source || 67...68 ~= destination
  }

  /// Whether a packet to a local IPv6 address is the tunnel's: a tunnel packet, also behind extension headers, or an
  /// ICMPv6 error about one of ours.
  private func isTunnelPacket(_ frame: Span<UInt8>, _ header: SteeredIPv6, kinds: PortKinds) -> Bool {
    guard let (next, position) = upperHeader(frame, header) else { return false }
    if next == SteeredIPv6.ipv6 || next == SteeredIPv6.ipv4 { return true }
    // A mobile node must not speak for the routers of the transport network.
    return next == SteeredIPv6.icmp && !kinds.contains(.access) && quotesOurTunnel(frame, at: position)
  }

  /// The number and offset of the upper header; nil when a header runs past the frame, or for
  /// a part of something else. A part of what may be a tunnel packet has the number of one.
  private func upperHeader(_ frame: Span<UInt8>, _ header: SteeredIPv6) -> (next: UInt8, position: Int)? {
    var (next, position) = (header.nextHeader, header.payload)
    for walked in 0..<OuterHeaders.maximum {
      switch next {
      case SteeredIPv6.fragment:
        guard let word = frame.number(at: position, octets: 8) else { return nil }
        next = frame[position]
        position += 8
        // Offset and more-fragments bit; the other three bits are reserved (RFC 8200 section 4.5).
        if word >> 32 & 0xfff9 != 0 {
          return mayBeTunnelled(next) ? (SteeredIPv6.ipv6, position) : nil
        }
      case SteeredIPv6.hopByHop where walked == 0, SteeredIPv6.routing, SteeredIPv6.destinationOptions:
        guard let options = frame.optionsHeader(at: position) else { return nil }
        (next, position) = options
      default: return (next, position)
      }
    }
    return (next, position)
  }

  private func quotesOurTunnel(_ frame: Span<UInt8>, at icmp: Int) -> Bool {
    // Types 1…4 are the errors; the quoted packet follows 8 octets of ICMPv6 header (RFC 4443 section 3).
    guard let type = frame.number(at: icmp, octets: 1), 1...4 ~= type, let quoted = SteeredIPv6(frame, at: icmp + 8),
      localAddresses.contains(quoted.source)
    else { return false }
    var next = quoted.nextHeader
    if next == SteeredIPv6.destinationOptions {
      guard let options = frame.optionsHeader(at: quoted.payload) else { return false }
      next = options.next
    } else if next == SteeredIPv6.fragment {
      guard quoted.payload + 8 <= frame.count else { return false }
      return mayBeTunnelled(frame[quoted.payload])
    }
    return next == SteeredIPv6.ipv6 || next == SteeredIPv6.ipv4
  }

  /// What may follow the Fragment header of a tunnel packet's part: the inner packet, or the options with its limit.
  private func mayBeTunnelled(_ next: UInt8) -> Bool {
    next == SteeredIPv6.ipv6 || next == SteeredIPv6.ipv4 || next == SteeredIPv6.destinationOptions
  }
}
