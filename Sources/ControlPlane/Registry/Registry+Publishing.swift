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
      undoSteering(prepared.steering.additions[...])
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

  /// Brings one tunnel of the forwarding table up to its entry; one without users that nobody set is never created.
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
    do throws(FlowTableError) {
      writer.beginBatch(journal.bindings.count)
      // A prefix may change from one to the other in one request: what goes is first.
      for note in journal.visitors where note.isRemoved {
        if let entry = visitors[note.slot] { writer.remove(entry.binding.key) }
      }
      var moved = written
      for note in journal.bindings {
        guard let entry = bindings[note.slot] else { continue }
        let hasOtherBlock = !moved.isEmpty && moved.removeValue(forKey: note.slot) != nil
        if note.isRemoved {
          writer.remove(entry.packedKey.key)
        } else if hasOtherBlock || journal.previous(note).map({ !$0.forwardsLike(entry) }) ?? true {
          try add(note.slot, entry, written)
        }
      }
      for slot in moved.keys {
        if let entry = bindings[slot] { try add(slot, entry, written) }
      }
      for note in journal.visitors where !note.isRemoved {
        if let entry = visitors[note.slot] { try writer.set(entry.binding) }
      }
      if !writer.isBatchEmpty { try writer.commitBatch() }
    } catch {
      throw .refusal(error)
    }
  }

  /// Adds the binding of the forwarding table for an entry to the writer's batch.
  @inline(__always)
  private func add(
    _ slot: UInt32, _ entry: BindingEntry, _ written: [UInt32: RouteBlock?]
  ) throws(FlowTableError) {
    guard let tunnel = tunnels[entry.tunnel]?.id else { return }
    let block = blocks.isEmpty && written.isEmpty ? nil : written[slot] ?? blocks[slot]
    try writer.set(
      Binding(
        key: entry.packedKey.key, tunnel: tunnel, state: entry.state, access: entry.access,
        localRouting: entry.localRouting, requiresESP: entry.requiresESP,
        peer: entry.peer.flatMap { tunnels[$0]?.id },
        holding: entry.holds ? accounts.id(HoldingAccounts.Owner(slot, entry)) : nil, isFlushed: entry.isFlushed,
        localizedRoutes: block?.id))
  }

  private func finish(_ prepared: Preparation) {
    logChanges()
    finishSteering(prepared.steering)
    finishHandovers()
    finishBlocks(prepared.blocks)
    countBindings()
    countOthers()
    finishBindings()
    for note in journal.visitors where note.isRemoved { visitors.release(note.slot) }
    finishRoutes()
    finishPeers()
    for note in journal.tunnels {
      dropIfUnused(note)
      countTunnel(note)
    }
    finishRenewals()
    journal.clear()
  }

  private func finishBindings() {
    for note in journal.bindings {
      guard note.isRemoved else {
        if let previous = journal.previous(note) { names.release(previous.mobileNode) }
        schedule(note.slot)
        continue
      }
      if let entry = bindings[note.slot] { names.release(entry.mobileNode) }
      bindings.release(note.slot)
    }
  }

  /// A tunnel that nobody set goes with its last user; one that a record set stays, or what was said of it in one frame
  /// would depend on who uses it between that and the next.
  private func dropIfUnused(_ note: Journal.Note<TunnelEntry>) {
    guard let entry = tunnels[note.slot], note.isRemoved || entry.users == 0 && !entry.isConfigured else { return }
    tunnels.unlink(note.slot)
    if entry.id == nil {
      tunnels.release(note.slot)
    } else if removeTunnel(note.slot, entry) {
      tunnels.release(note.slot)
    } else {
      // The table has put the removal off; the slot keeps the handle, and the key leads to it again if it is used anew.
      tunnels.relink(note.slot)
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
}

extension RecordRefusal {
  /// The forwarding table's refusal in the protocol's words.
  static func refusal(_ error: FlowTableError) -> RecordRefusal {
    let code: StatusCode
    switch error {
    case .outOfBindings, .outOfRoutes, .outOfTunnels, .outOfNextHops, .outOfLocalizedRoutes, .tooManyLocalizedRoutes,
      .tooManyRouteChanges:
      code = .full
    case .retireQueueFull: code = .unavailable
    case .mapping, .limitOutOfRange, .unknownTunnel, .unknownNextHop, .tunnelInUse, .tunnelExists, .endpointsDiffer,
      .endpointNotIPv6, .unknownLocalizedRoutes, .unknownAccount:
      code = .internalFailure
    }
    return RecordRefusal(code: code, field: "table", rule: "\(error)")
  }
}
