import FlowTable

// Who names a tunnel: bindings, as their own or their peer's, and localized routes. All of it with notes in the journal.

extension Registry {
  /// Whether a slot is that of the tunnel between these end points; both may be none.
  func leads(_ slot: UInt32?, to endpoints: TunnelEndpoints?) -> Bool {
    slot.flatMap { tunnels[$0] }?.endpoints == endpoints
  }

  /// One user more of a tunnel, which exists from now on.
  func use(_ endpoints: TunnelEndpoints) -> UInt32 {
    let slot = tunnelSlot(endpoints)
    changeUsers(slot, by: 1)
    return slot
  }

  /// One user more of a tunnel that exists.
  @inline(__always)
  func useAgain(_ slot: UInt32) { changeUsers(slot, by: 1) }

  /// One user less.
  func release(_ slot: UInt32) { changeUsers(slot, by: -1) }

  /// One user less of a binding's peer tunnel, if it has one.
  func releasePeer(of entry: BindingEntry) {
    if let peer = entry.peer { release(peer) }
  }

  /// The slot of a tunnel, which exists from now on.
  func tunnelSlot(_ endpoints: TunnelEndpoints) -> UInt32 {
    if let slot = tunnels.find(endpoints) { return slot }
    var entry = TunnelEntry(endpoints: endpoints)
    entry.touched = journal.number
    let slot = tunnels.insert(entry)
    journal.tunnels.append(.init(slot: slot, previous: nil))
    return slot
  }

  private func changeUsers(_ slot: UInt32, by change: Int) {
    noteTunnel(slot)
    tunnels[slot]?.users += change
  }

  @inline(__always)
  func noteTunnel(_ slot: UInt32) {
    if tunnels[slot]?.touched != journal.number { noteUntouchedTunnel(slot) }
  }

  private func noteUntouchedTunnel(_ slot: UInt32) {
    guard let entry = tunnels[slot] else { return }
    journal.tunnels.append(.init(slot: slot, previous: entry))
    tunnels[slot]?.touched = journal.number
  }

  func markRemoved(_ slot: UInt32) {
    guard let index = journal.tunnels.lastIndex(where: { $0.slot == slot }) else { return }
    journal.tunnels[index].isRemoved = true
  }

  /// The tunnels to one far end: one for each local address at most.
  func tunnelSlots(to remote: IPAddress) -> [UInt32] {
    configuration.localAddresses.compactMap { tunnels.find(TunnelEndpoints(local: $0, remote: remote)) }
  }
}
