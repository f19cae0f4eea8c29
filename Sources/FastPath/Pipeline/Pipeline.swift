import FlowTable

/// The stages between receive and dispatch, for one role; the choice is made when the worker is built, not per packet.
///
/// After `process` every packet of the batch has a verdict.
protocol Pipeline {
  /// Whether `encapsulate` is the uplink direction (MAG) or the downlink (LMA), for the traffic counters.
  static var sendsUplink: Bool { get }
  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext)
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
