import FlowTable

/// The stages between receive and dispatch, for one role; the choice is made when the worker is built, not per packet.
///
/// After `process` every packet of the batch has a verdict.
protocol Pipeline {
  /// Whether `encapsulate` is the uplink direction (MAG) or the downlink (LMA), for the traffic counters.
  static var sendsUplink: Bool { get }
  static func process(_ batch: inout PacketBatch, context: borrowing TurnContext)
}

extension PacketBatch {
  /// Looks the requested addresses up in the binding tables and hands each result to its packet.
  @inline(__always)
  mutating func resolveDestinations(_ snapshot: TableSnapshot) {
    lookUpBindings(snapshot)
    for position in 0..<keyCount { packets[Int(owners[position])].destination = results[position] }
    keyCount = 0
  }

  @inline(__always)
  mutating func resolveSources(_ snapshot: TableSnapshot) {
    lookUpBindings(snapshot)
    for position in 0..<keyCount { packets[Int(owners[position])].source = results[position] }
    keyCount = 0
  }

  @inline(__always)
  mutating func resolveRoutes(_ snapshot: TableSnapshot) {
    guard keyCount > 0 else { return }
    // Safe: both hold `capacity` elements, and at most as many keys were requested.
    unsafe snapshot.lookupRoutes(keys.pointer, count: keyCount, into: results.pointer)
    for position in 0..<keyCount { packets[Int(owners[position])].nextHop = NextHopID(results[position]) }
    keyCount = 0
  }

  @inline(__always)
  private mutating func lookUpBindings(_ snapshot: TableSnapshot) {
    guard keyCount > 0 else { return }
    // Safe: both hold `capacity` elements, and at most as many keys were requested.
    unsafe snapshot.lookupBindings(keys.pointer, count: keyCount, into: results.pointer)
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
