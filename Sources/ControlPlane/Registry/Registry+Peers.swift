import ControlProtocol
import FlowTable

// A failed peer (RFC 5847 section 3: its bindings "should be marked invalid"): all tunnels to it drop until it is alive
// again, those that exist and those that are made meanwhile. The bindings stay, so that an alarm that was false costs
// nothing but the packets.

extension Registry {
  /// As many as there can be tunnels.
  public static let peerCapacity = 1 << 16

  func stage(_ record: PeerRecord) throws(RecordRefusal) -> Bool {
    let address = try rules.check(record)
    guard record.state == .failed else { return stageRecovery(of: address) }
    if let slot = peers.find(address), let entry = peers[slot] {
      renew(.peers, slot, entry.origin, lifetime: 0)
      return false
    }
    guard peers.count < Self.peerCapacity else {
      throw RecordRefusal(code: .full, field: "peer", rule: "\(Self.peerCapacity) failed peers are the most")
    }
    let checksum = TableRecord.peer(record).checksum
    let entry = FailedPeer(address: address, origin: owners.origin(.peers, checksum: checksum))
    journal.peers.append(.init(slot: peers.insert(entry), previous: nil))
    for slot in tunnelSlots(to: address) { noteTunnel(slot) }
    return true
  }

  /// Ends a failure; false when there is none.
  func stageRecovery(of address: IPAddress) -> Bool {
    guard let slot = peers.find(address), let entry = peers[slot] else { return false }
    removePeer(slot, entry)
    return true
  }

  func removePeer(_ slot: UInt32, _ entry: FailedPeer) {
    journal.peers.append(.init(slot: slot, previous: entry, isRemoved: true))
    peers.unlink(slot)
    for slot in tunnelSlots(to: entry.address) { noteTunnel(slot) }
  }

  /// Whether tunnels to this far end carry nothing: it has failed, or all its bindings are being revoked.
  func isFailed(_ remote: IPAddress) -> Bool {
    peers.find(remote) != nil || revokedTables(remote).count == tablesInUse.count
  }

  func finishPeers() {
    for note in journal.peers {
      guard let entry = peers[note.slot] else { continue }
      events.add(.peer(entry.address, isFailed: !note.isRemoved))
      if note.isRemoved { peers.release(note.slot) }
    }
  }

  func undoPeers() {
    for note in journal.peers.reversed() {
      if note.isRemoved {
        peers.relink(note.slot)
      } else {
        peers.unlink(note.slot)
        peers.release(note.slot)
      }
    }
  }
}
