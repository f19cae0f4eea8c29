import FlowTable

/// The stages between receive and dispatch, for one role; the choice is made when the worker is built, not per packet.
///
/// After `process` every packet of the batch has a verdict.
protocol Pipeline {
  /// Whether `encapsulate` is the uplink direction (MAG) or the downlink (LMA), for the traffic counters.
  static var sendsUplink: Bool { get }
  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext)
  /// Says which way a parsed packet goes and asks for the bindings that matter, or decides it.
  static func classify(_ batch: inout PacketBatch, _ index: Int, frame: FrameView, context: borrowing TurnContext)
}

extension Pipeline {
  /// The stages that see nothing but the packet, in one loop: what parsing has read is at hand for the classifier.
  @inline(always)
  static func open(_ batch: inout PacketBatch, context: borrowing TurnContext) {
    let end = batch.end
    var index = 0
    while index < end {
      let frame = context.frame(at: batch.packets[index].address)
      Parse.run(&batch.packets[index], frame: frame, context: context)
      if batch.packets[index].verdict == .undecided { classify(&batch, index, frame: frame, context: context) }
      index &+= 1
    }
  }
}

extension PacketState {
  /// Finds the tunnel that the packet came by, nearly always that of `binding`; false when the packet is decided.
  @inline(__always)
  mutating func arrive(expectedBy binding: UInt32, frame: FrameView, context: borrowing TurnContext) -> Bool {
    let expected = context.snapshot.binding(binding).tunnel
    let tunnel = context.snapshot.tunnel(ofOuter: frame, at: Int(network), expected: expected)
    if tunnel.exists { return arrive(by: tunnel) }
    drop(.unknownTunnel)
    return false
  }
}

extension TableSnapshot {
  /// The tunnel an outer header at `network` belongs to: its destination is our end. 0 when there is none.
  @inline(__always)
  func tunnel(ofOuter frame: FrameView, at network: Int) -> TunnelID {
    tunnelID(
      local: (frame.native64(network + 24), frame.native64(network + 32)),
      remote: (frame.native64(network + 8), frame.native64(network + 16)))
  }

  /// The same for a packet whose mobile node's tunnel is known: that is nearly always the one, and comparing its ends costs
  /// a third of a search.
  @inline(__always)
  func tunnel(ofOuter frame: FrameView, at network: Int, expected: TunnelID) -> TunnelEntry {
    let entry = tunnel(expected)
    let (localHigh, localLow) = entry.localWords
    let (remoteHigh, remoteLow) = entry.remoteWords
    // No tunnel has ends of zeros, and our address is none.
    let differs =
      (frame.native64(network + 8) ^ remoteHigh) | (frame.native64(network + 16) ^ remoteLow)
      | (frame.native64(network + 24) ^ localHigh) | (frame.native64(network + 32) ^ localLow)
    return differs == 0 ? entry : tunnel(tunnel(ofOuter: frame, at: network))
  }
}

/// The states in which a binding forwards; anything else names its drop reason.
@inline(__always)
func stateViolation(_ state: BindingState) -> DropReason? {
  switch state {
  case .active: nil
  case .deregistering: .deregistering
  case .pending, .redirecting, .buffering, .flushing, .relaying: .bindingPending
  }
}
