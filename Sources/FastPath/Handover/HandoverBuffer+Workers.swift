import FlowTable

/// Several workers: one holds, the others hand over (`HandoverLink`).
extension HandoverBuffer {
  /// Whether newer packets for a binding have to go behind held ones.
  func isHolding(_ binding: BindingEntry) -> Bool {
    if link.isHolder { return heldCount > 0 && isHolding(HandoverKey(binding)) }
    // The holder gives a packet back after it was sent (`settleAccounts`): with 0 here, all older ones have gone.
    guard let holding = binding.holding else { return false }
    return accounts.held(holding) > 0
  }

  /// Gives a packet to the worker that holds, and counts it as held.
  /// - Returns: false when a limit is reached, or the ring is full.
  mutating func handOver(_ arrival: Arrival, octets: UnsafeRawPointer, now: UInt64) -> Bool {
    guard accounts.take(arrival.holding, perNode: limits.perMobileNode, total: limits.total) else { return false }
    // The caller's octets, `length` of them.
    if unsafe link.push(arrival, octets: octets, now: now) { return true }
    accounts.give(arrival.holding)
    return false
  }

  /// Takes what was noted for a packet back: with other workers only at the end of the turn, since they let newer packets
  /// pass as soon as nothing is held.
  mutating func giveBack(_ holding: HoldingID?) {
    guard link.hasOthers, settlingCount < settling.count else { return accounts.give(holding) }
    settling[settlingCount] = holding?.rawValue ?? 0
    settlingCount += 1
  }

  /// After the ports have sent what was placed in this turn.
  mutating func settleAccounts() {
    for position in 0..<settlingCount {
      accounts.give(settling[position] == 0 ? nil : HoldingID(settling[position]))
    }
    settlingCount = 0
  }
}
