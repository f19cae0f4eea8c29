import ControlProtocol
import FlowTable

extension Registry {
  /// Puts everything back as it was before the request.
  func undoJournal() {
    undoBindings()
    for note in journal.visitors.reversed() {
      if note.isRemoved { visitors.relink(note.slot) }
      if let previous = note.previous {
        visitors[note.slot] = previous
      } else {
        visitors.unlink(note.slot)
        visitors.release(note.slot)
      }
    }
    undoRoutes()
    undoPeers()
    undoRevocations()
    for note in journal.tunnels.reversed() { undo(note) }
    journal.clear()
  }

  private func undoBindings() {
    for note in journal.bindings.reversed() {
      guard let entry = bindings[note.slot] else { continue }
      if note.isRemoved { bindings.relink(note.slot) } else { names.release(entry.mobileNode) }
      if let previous = journal.previous(note) {
        bindings[note.slot] = previous
      } else {
        bindings.unlink(note.slot)
        bindings.release(note.slot)
      }
    }
  }

  private func undo(_ note: Journal.Note<TunnelEntry>) {
    guard let entry = tunnels[note.slot] else { return }
    if note.isRemoved { tunnels.relink(note.slot) }
    guard var previous = note.previous else {
      guard entry.id == nil else {
        // Its withdrawal was put off: it stays as an unused dynamic tunnel until the table lets it go.
        tunnels[note.slot]?.users = 0
        tunnels[note.slot]?.isConfigured = false
        tunnels[note.slot]?.isStatic = false
        lingeringTunnels.insert(note.slot)
        return
      }
      tunnels.unlink(note.slot)
      tunnels.release(note.slot)
      return
    }
    // The handle and what the table has are facts, not part of the request.
    (previous.id, previous.nextHop, previous.published) = (entry.id, entry.nextHop, entry.published)
    tunnels[note.slot] = previous
  }
}
