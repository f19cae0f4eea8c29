import FlowTable
import Synchronization

/// The way to the slow path and back. Nothing here runs for a plain packet.
extension Worker where Port: ~Copyable {
  /// Packets taken from the slow path in one turn: half a batch, so that they never crowd out what is received.
  private static var injectedPerTurn: Int { 32 }

  /// Copies a packet into the ring towards the slow path. Full: a packet to be answered goes unanswered, one whose fate
  /// was left to the slow path is dropped.
  mutating func report(_ index: Int) {
    let notice = batch.packets[index].exception.notice
    if notice != [] && !noticed.insert(notice).inserted { return }
    if batch.packets[index].exception.answersInner && isFromAnycast(batch.packets[index]) {
      counters.refuseAnswer()
      return batch.packets[index].exception = .none
    }
    if batch.packets[index].exception == .tunnelError { identifyTunnel(index) }
    let packet = batch.packets[index]
    let range = reported(packet)
    // Safe: `reported` stays within what was received, or within what `Egress` has placed in the frame.
    let start = unsafe context.memory + Int(truncatingIfNeeded: packet.address) + range.offset
    let isTaken = unsafe rings.exceptions.push(
      start, length: range.length, reason: packet.exception.rawValue, port: context.port,
      tunnel: packet.departureTunnel.rawValue,
      detail: packet.exception == .unknownSource
        ? packet.inner - UInt16(EthernetHeader.sourceAddress) : packet.detail)
    if isTaken { hasExceptions = true }
    if packet.verdict == .hold {
      if isTaken {
        counters.handOver()
        if packet.exception == .oversized {
          count(index)
          countDetour(index)
        }
      } else {
        batch.packets[index].verdict = .drop
      }
    } else if !isTaken && !packet.exception.isNotice {
      counters.giveUpAnswer()
    }
  }

  /// Whether the source is the Subnet-Router anycast address of the prefix that it is bound by: nobody's own, so an error
  /// would go to no sender (RFC 4443 section 2.4 (e.6)).
  private func isFromAnycast(_ packet: PacketState) -> Bool {
    let source = packet.innerSource(context.frame(at: packet.address))
    return packet.source != 0
      && GatewayPipeline.isRouterAnycast(source, of: context.snapshot.binding(packet.source))
  }

  /// Finds the tunnel of the packet that an ICMPv6 error quotes, and what it takes now. `inner` is where the error is.
  private func identifyTunnel(_ index: Int) {
    let packet = batch.packets[index]
    let frame = context.frame(at: packet.address)
    let network = Int(packet.network)
    let quoted = Int(packet.inner) + 8
    let end = network + IPv6Header.length + Int(frame.word16(network + 4))
    guard quoted + IPv6Header.length <= end else { return }
    // We sent the quoted packet: its source is our end.
    let tunnel = context.snapshot.tunnelID(
      local: (frame.native64(quoted + 8), frame.native64(quoted + 16)),
      remote: (frame.native64(quoted + 24), frame.native64(quoted + 32)))
    batch.packets[index].departureTunnel = tunnel
    batch.packets[index].detail = context.snapshot.tunnel(tunnel).mtu
  }

  /// Which octets the slow path needs, from the start of the frame.
  private func reported(_ packet: PacketState) -> (offset: Int, length: Int) {
    switch packet.exception {
    case .oversized: return (Int(packet.departure), Int(packet.departureLength))
    case .outerFragment, .tunnelError, .outerParameterProblem, .outerUnknownOption:
      let network = Int(packet.network)
      // `Parse` has seen that the outer packet ends within the frame.
      let length = IPv6Header.length + Int(context.frame(at: packet.address).word16(network + 4))
      return (network, length)
    case .unknownSource:
      // The frame from its source address on, up to the addresses of the packet.
      let start = EthernetHeader.sourceAddress
      return (start, Int(packet.inner) - start + min(Int(packet.innerLength), IPv6Header.length))
    default:
      return (Int(packet.inner), min(Int(packet.innerLength), ExceptionPacket.quotable))
    }
  }

  /// Runs what the slow path has sent through the stages, packet by packet: each may claim another port.
  /// - Returns: how many packets were taken.
  mutating func takeInjected() -> Int {
    guard let waiting = rings.injection?.available(), waiting > 0 else { return 0 }
    var taken = 0
    while taken < min(waiting, Self.injectedPerTurn) {
      // Without a free frame the packets wait in the ring for the next turn.
      guard let chunk = pool.take() else { break }
      inject(taken, chunk: chunk)
      taken &+= 1
    }
    rings.injection?.release(taken)
    return taken
  }

  /// Says that the worker is about to sleep. False: the slow path or another worker has sent something in the meantime.
  ///
  /// Mark, fence, look; the others publish, fence and look at the mark: one of the two sees the other.
  func prepareToSleep() -> Bool {
    guard let injection = rings.injection else { return true }
    injection.setAsleep(true)
    context.handover.link.setAsleep(true)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return injection.available() == 0 && context.handover.link.isEmpty
  }

  func awake() {
    rings.injection?.setAsleep(false)
    context.handover.link.setAsleep(false)
  }

  private mutating func inject(_ position: Int, chunk: UInt64) {
    guard let packet = rings.injection?.packet(position) else { return pool.put(chunk) }
    let room = Int(truncatingIfNeeded: context.chunkMask) + 1 - PacketMemory.headroom - EthernetHeader.length
    let length = unsafe min(packet.octets.count, room)
    var state = PacketState(
      address: chunk + UInt64(PacketMemory.headroom), length: UInt32(EthernetHeader.length + length))
    state.origin = PacketOrigin(rawValue: packet.reason) ?? .originated
    state.network = UInt16(EthernetHeader.length)
    state.departureTunnel = TunnelID(packet.tunnel)
    // Safe: the chunk was just taken from the pool, and header and `length` fit behind its headroom.
    unsafe copy(packet.octets, count: length, to: state.address)
    batch.packets[0] = state
    batch.count = 1
    context.port = state.origin == .arrived ? packet.port : 0
    context.kinds = state.origin == .arrived ? context.settings.ports[Int(packet.port & 7)].kinds : []
    counters.inject()
    if state.origin == .outer {
      Egress.sendOuter(&batch, context: context)
    } else {
      Stages.process(&batch, context: context)
    }
    bound(state.origin)
    dispatch()
  }

  /// What the slow path sends comes back to it once at most: a packet of our own may still need fragments, a reassembled
  /// one an answer. An answer to an answer would be one too many (RFC 4443 section 2.4 (e)), and fragments of fragments
  /// would let one packet keep us busy for as many turns as it has headers.
  private mutating func bound(_ origin: PacketOrigin) {
    let exception = batch.packets[0].exception
    if origin == .arrived {
      if exception == .outerFragment { batch.packets[0].drop(.malformed) } else { return }
    }
    if exception != .oversized { batch.packets[0].exception = .none }
  }

  /// The packet behind a link-layer header without addresses, as a receiver would have placed it.
  @unsafe
  func copy(_ octets: UnsafeRawBufferPointer, count: Int, to address: UInt64) {
    let frame = context.frame(at: address)
    for offset in 0..<12 { frame.setOctet(offset, 0) }
    // Safe: a slot's payload is never empty-based, and `count` is at most its length.
    guard count > 0, let source = octets.baseAddress else { return frame.setWord16(12, 0) }
    let version = unsafe octets[0] >> 4
    frame.setWord16(12, version == 4 ? EthernetHeader.typeIPv4 : EthernetHeader.typeIPv6)
    let start = unsafe context.memory + Int(truncatingIfNeeded: address) + EthernetHeader.length
    unsafe start.copyMemory(from: source, byteCount: count)
  }
}
