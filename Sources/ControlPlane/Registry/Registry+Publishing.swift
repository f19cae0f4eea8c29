import ControlProtocol
import FlowTable

extension Registry {
  /// What a request has made ready before the point of no return.
  private struct Preparation {
    var accounts: [HoldingAccounts.Owner] = []
    /// By the binding's slot; nil: it has none any more.
    var blocks: [UInt32: RouteBlock?] = [:]
    var steering = SteeringPlan()
  }

  /// Publishes the journal: tunnels, then ledger accounts, blocks of localized routes and steering additions, then all
  /// bindings and visitor prefixes with one `apply` (the point of no return), then what is not needed any more. Throws
  /// before that point only, with forwarding table, ledger and steering as before.
  func publishJournal() throws(RecordRefusal) {
    guard !journal.isEmpty else { return }
    try publishTunnels()
    var prepared = Preparation()
    do throws(RecordRefusal) {
      try openAccounts(&prepared.accounts)
      try writeBlocks(&prepared.blocks)
      let plan = steeringPlan()
      try addSteering(plan)
      prepared.steering = plan
      try apply(prepared.blocks)
    } catch {
      for change in prepared.steering.additions { removeSteering(change.removal) }
      discardBlocks(prepared.blocks)
      closeAccounts(prepared.accounts)
      withdrawTunnels()
      throw error
    }
    finish(prepared)
  }

  /// Creates and rewrites tunnels. All or none: on a refusal the ones done are undone.
  private func publishTunnels() throws(RecordRefusal) {
    for note in journal.tunnels where !note.isRemoved {
      do throws(FlowTableError) {
        try publishTunnel(note.slot)
      } catch {
        withdrawTunnels()
        throw .refusal(error)
      }
    }
  }

  /// Brings one tunnel of the forwarding table up to its entry; a dynamic one without users is never created.
  private func publishTunnel(_ slot: UInt32) throws(FlowTableError) {
    guard let entry = tunnels[slot], entry.users > 0 || entry.isConfigured else { return }
    guard let id = entry.id else {
      let nextHop = try resolver.acquire(entry.endpoints.remote)
      let settings = settings(of: entry)
      do throws(FlowTableError) {
        tunnels[slot]?.id = try writer.addTunnel(settings, nextHop: nextHop)
      } catch {
        resolver.release(entry.endpoints.remote)
        throw error
      }
      tunnels[slot]?.nextHop = nextHop
      tunnels[slot]?.published = settings
      return
    }
    let settings = settings(of: entry)
    guard let nextHop = entry.nextHop, settings != entry.published else { return }
    try writer.updateTunnel(id, settings: settings, nextHop: nextHop)
    tunnels[slot]?.published = settings
  }

  /// Undoes `publishTunnels` in the forwarding table; the journal is still to be undone.
  private func withdrawTunnels() {
    for note in journal.tunnels where !note.isRemoved {
      guard let entry = tunnels[note.slot], let id = entry.id, let nextHop = entry.nextHop else { continue }
      if let settings = note.previous?.published {
        guard settings != entry.published else { continue }
        // The table had these very settings a moment ago. If it refuses them now, the next tick writes them.
        if (try? writer.updateTunnel(id, settings: settings, nextHop: nextHop)) != nil {
          tunnels[note.slot]?.published = settings
        } else {
          lingeringSettings.insert(note.slot)
        }
      } else if note.previous == nil {
        removeTunnel(note.slot, entry)
      }
    }
  }

  /// Changes the forwarding table for the journal's bindings and visitors; equal values are not written.
  private func apply(_ written: [UInt32: RouteBlock?]) throws(RecordRefusal) {
    var changes: [TableWriter.BindingChange] = []
    changes.reserveCapacity(journal.bindings.count)
    var moved = written
    for note in journal.bindings {
      guard let entry = bindings[note.slot] else { continue }
      let hasOtherBlock = !moved.isEmpty && moved.removeValue(forKey: note.slot) != nil
      if note.isRemoved {
        changes.append(.remove(entry.packedKey.key))
      } else if hasOtherBlock || note.previous.map({ !$0.forwardsLike(entry) }) ?? true {
        append(note.slot, entry, written, to: &changes)
      }
    }
    for slot in moved.keys {
      if let entry = bindings[slot] { append(slot, entry, written, to: &changes) }
    }
    for note in journal.visitors {
      guard let entry = visitors[note.slot] else { continue }
      changes.append(note.isRemoved ? .remove(entry.binding.key) : .set(entry.binding))
    }
    do throws(FlowTableError) {
      if !changes.isEmpty { try writer.apply(changes) }
    } catch {
      throw .refusal(error)
    }
  }

  /// The binding of the forwarding table for an entry.
  private func append(
    _ slot: UInt32, _ entry: BindingEntry, _ written: [UInt32: RouteBlock?],
    to changes: inout [TableWriter.BindingChange]
  ) {
    guard let tunnel = tunnels[entry.tunnel]?.id else { return }
    let block = written[slot] ?? blocks[slot]
    changes.append(
      .set(
        Binding(
          key: entry.packedKey.key, tunnel: tunnel, state: entry.state, access: entry.access,
          localRouting: entry.localRouting, requiresESP: entry.requiresESP,
          peer: entry.peer.flatMap { tunnels[$0]?.id },
          holding: entry.holds ? accounts.id(HoldingAccounts.Owner(slot, entry)) : nil, isFlushed: entry.isFlushed,
          localizedRoutes: block?.id)))
  }

  private func finish(_ prepared: Preparation) {
    for change in prepared.steering.removals { removeSteering(change) }
    for (station, change) in prepared.steering.stations where change != 0 {
      let count = (stations[station] ?? 0) + change
      stations[station] = count == 0 ? nil : count
    }
    finishHandovers()
    finishBlocks(prepared.blocks)
    for note in journal.bindings {
      if note.isRemoved { bindings.release(note.slot) } else { schedule(note.slot) }
    }
    for note in journal.visitors where note.isRemoved { visitors.release(note.slot) }
    finishRoutes()
    finishPeers()
    for note in journal.tunnels { dropIfUnused(note) }
    journal = Journal(number: journal.number)
  }

  /// A dynamic tunnel goes with its last user; one that a record set waits for its first.
  private func dropIfUnused(_ note: Journal.Note<TunnelEntry>) {
    guard let entry = tunnels[note.slot] else { return }
    let lostLastUser = (note.previous?.users ?? 0) > 0 || !entry.isConfigured
    guard note.isRemoved || (entry.users == 0 && !entry.isStatic && lostLastUser) else { return }
    tunnels.unlink(entry.endpoints)
    if entry.id == nil {
      tunnels.release(note.slot)
    } else if removeTunnel(note.slot, entry) {
      tunnels.release(note.slot)
    } else {
      // The table has put the removal off; the slot keeps the handle, and the key leads to it again if it is used anew.
      tunnels.relink(entry.endpoints, to: note.slot)
      tunnels[note.slot]?.choices = TunnelChoices()
      tunnels[note.slot]?.isConfigured = false
      tunnels[note.slot]?.isStatic = false
      lingeringTunnels.insert(note.slot)
    }
  }

  /// Takes a tunnel out of the forwarding table; false when that must be tried again.
  @discardableResult
  func removeTunnel(_ slot: UInt32, _ entry: TunnelEntry) -> Bool {
    guard let id = entry.id else { return true }
    guard (try? writer.removeTunnel(id)) != nil else { return false }
    resolver.release(entry.endpoints.remote)
    tunnels[slot]?.id = nil
    tunnels[slot]?.nextHop = nil
    tunnels[slot]?.published = nil
    return true
  }

  /// Puts everything back as it was before the request.
  func undoJournal() {
    for note in journal.bindings.reversed() {
      guard let entry = bindings[note.slot] else { continue }
      if note.isRemoved { bindings.relink(entry.packedKey, to: note.slot) }
      if let previous = note.previous {
        bindings[note.slot] = previous
      } else {
        bindings.unlink(entry.packedKey)
        bindings.release(note.slot)
      }
    }
    for note in journal.visitors.reversed() {
      guard let entry = visitors[note.slot] else { continue }
      if note.isRemoved { visitors.relink(entry.prefix, to: note.slot) }
      if let previous = note.previous {
        visitors[note.slot] = previous
      } else {
        visitors.unlink(entry.prefix)
        visitors.release(note.slot)
      }
    }
    undoRoutes()
    undoPeers()
    undoRevocations()
    for note in journal.tunnels.reversed() { undo(note) }
    journal = Journal(number: journal.number)
  }

  private func undo(_ note: Journal.Note<TunnelEntry>) {
    guard let entry = tunnels[note.slot] else { return }
    if note.isRemoved { tunnels.relink(entry.endpoints, to: note.slot) }
    guard var previous = note.previous else {
      guard entry.id == nil else {
        // Its withdrawal was put off: it stays as an unused dynamic tunnel until the table lets it go.
        tunnels[note.slot]?.users = 0
        tunnels[note.slot]?.quietUsers = 0
        tunnels[note.slot]?.isConfigured = false
        tunnels[note.slot]?.isStatic = false
        lingeringTunnels.insert(note.slot)
        return
      }
      tunnels.unlink(entry.endpoints)
      tunnels.release(note.slot)
      return
    }
    // The handle and what the table has are facts, not part of the request.
    (previous.id, previous.nextHop, previous.published) = (entry.id, entry.nextHop, entry.published)
    tunnels[note.slot] = previous
  }
}

extension RecordRefusal {
  /// The forwarding table's refusal in the protocol's words.
  static func refusal(_ error: FlowTableError) -> RecordRefusal {
    let code: StatusCode
    switch error {
    case .outOfBindings, .outOfRoutes, .outOfTunnels, .outOfNextHops, .outOfLocalizedRoutes, .tooManyLocalizedRoutes:
      code = .full
    case .retireQueueFull: code = .unavailable
    case .mapping, .limitOutOfRange, .unknownTunnel, .unknownNextHop, .tunnelInUse, .tunnelExists, .endpointsDiffer,
      .endpointNotIPv6, .unknownLocalizedRoutes:
      code = .internalFailure
    }
    return RecordRefusal(code: code, field: "table", rule: "\(error)")
  }
}
