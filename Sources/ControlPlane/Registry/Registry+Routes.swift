import ControlProtocol
import FlowTable

// Localized routes (RFC 6705). The registry keeps them by direction; the forwarding table has them as one immutable block
// for each prefix, named by the binding with exactly that prefix: a mobile node that leaves takes its routes out of use in
// the same step. A route waits, inert, while there is no such binding, or local routing is off for it.

extension Registry {
  public static let routeCapacity = 1 << 16
  /// Of one prefix: a packet is compared with all of them.
  private static let routesOfPrefix = 256

  func stage(_ record: LocalizedRouteRecord, now: UInt64) throws(RecordRefusal) -> Bool {
    let (key, via) = try rules.check(record)
    // RFC 6705 section 5: without EnableMAGLocalRouting it must be refused.
    guard isLocalRoutingOn(key.from) else {
      throw .invalid(
        "route.from",
        "local routing is off for \(key.from): set localRouting in its binding, or local-routing in the configuration")
    }
    let slot = routes.find(key)
    let previous = slot.flatMap { routes[$0] }
    let sameVia = leads(previous?.via, to: via)
    var entry = RouteEntry(key: key, via: sameVia ? previous?.via : nil, isReceiveOnly: record.receiveOnly)
    entry.lifetime = record.lifetime ?? 0
    entry.beginLifetime(at: now)
    entry.origin = owners.origin(.routes)
    if sameVia, let slot, let previous, entry.equals(previous) {
      renew(.routes, slot, previous.origin, lifetime: previous.lifetime)
      return false
    }
    if previous == nil { try checkRoom(key) }
    try checkRoom(for: [via])
    if !sameVia {
      if let via { entry.via = use(via) }
      if let via = previous?.via { release(via) }
    }
    store(entry, in: slot, previous: previous)
    return true
  }

  private func checkRoom(_ key: RouteKey) throws(RecordRefusal) {
    guard routes.count < Self.routeCapacity else {
      throw RecordRefusal(code: .full, field: "route", rule: "\(Self.routeCapacity) localized routes are the most")
    }
    guard routesFrom[key.from]?.count ?? 0 < Self.routesOfPrefix else {
      throw RecordRefusal(
        code: .full, field: "route.from", rule: "\(Self.routesOfPrefix) localized routes of one prefix are the most")
    }
  }

  private func store(_ entry: RouteEntry, in slot: UInt32?, previous: RouteEntry?) {
    var entry = entry
    entry.touched = journal.number
    guard let slot, let previous else {
      let slot = routes.insert(entry)
      routesFrom[entry.key.from, default: []].insert(slot)
      journal.routes.append(.init(slot: slot, previous: nil))
      return
    }
    entry.scheduled = previous.scheduled
    routes[slot] = entry
    if previous.touched != journal.number { journal.routes.append(.init(slot: slot, previous: previous)) }
  }

  func removeRoute(_ slot: UInt32, _ entry: RouteEntry) {
    if let via = entry.via { release(via) }
    journal.routes.append(.init(slot: slot, previous: entry, isRemoved: true))
    routes.unlink(slot)
    forget(slot, entry)
  }

  private func forget(_ slot: UInt32, _ entry: RouteEntry) {
    routesFrom[entry.key.from]?.remove(slot)
    if routesFrom[entry.key.from]?.isEmpty == true { routesFrom[entry.key.from] = nil }
  }

  /// Whether a mobile node's packets may stay on this MAG or go to another: its binding's rule, else the configured one.
  func isLocalRoutingOn(_ prefix: Prefix) -> Bool {
    let slot = bindings.find(PackedKey(BindingKey(table: .proxy, prefix: prefix)))
    return slot.flatMap { bindings[$0] }?.localRouting ?? configuration.localRouting
  }

  func finishRoutes() {
    for note in journal.routes {
      if note.isRemoved { routes.release(note.slot) } else { scheduleRoute(note.slot) }
    }
  }

  func undoRoutes() {
    for note in journal.routes.reversed() {
      guard let entry = routes[note.slot] else { continue }
      if note.isRemoved {
        routes.relink(note.slot)
        routesFrom[entry.key.from, default: []].insert(note.slot)
      }
      if let previous = note.previous {
        routes[note.slot] = previous
      } else {
        routes.unlink(note.slot)
        forget(note.slot, entry)
        routes.release(note.slot)
      }
    }
  }
}

// MARK: Blocks

extension Registry {
  /// Writes the blocks that the journal's routes and bindings ask for.
  ///
  /// - Parameter written: by the binding's slot; nil: it has none any more. Filled as far as this came.
  func writeBlocks(_ written: inout [UInt32: RouteBlock?]) throws(RecordRefusal) {
    for slot in bindingsWithRoutes() {
      let wanted = bindings[slot].map { wantedRoutes($0) } ?? []
      guard wanted != blocks[slot]?.routes ?? [] else { continue }
      guard !wanted.isEmpty else {
        written[slot] = .some(nil)
        continue
      }
      do throws(FlowTableError) {
        written[slot] = RouteBlock(id: try writer.addLocalizedRoutes(wanted), routes: wanted)
      } catch {
        throw .refusal(error)
      }
    }
  }

  /// Slots of the bindings whose block may change.
  private func bindingsWithRoutes() -> Set<UInt32> {
    var slots: Set<UInt32> = []
    for note in journal.routes {
      guard let from = routes[note.slot]?.key.from else { continue }
      if let slot = bindings.find(PackedKey(BindingKey(table: .proxy, prefix: from))) { slots.insert(slot) }
    }
    guard !routesFrom.isEmpty || !blocks.isEmpty else { return slots }
    for note in journal.bindings where !note.isRemoved {
      guard let key = bindings[note.slot]?.packedKey.key, key.table == .proxy else { continue }
      if routesFrom[key.prefix] != nil { slots.insert(note.slot) }
    }
    return slots
  }

  /// The routes of a binding as the forwarding table wants them: the longest destination first.
  private func wantedRoutes(_ entry: BindingEntry) -> [LocalizedRoute] {
    guard entry.localRouting ?? configuration.localRouting else { return [] }
    let slots = routesFrom[entry.packedKey.key.prefix] ?? []
    return slots.compactMap { slot in
      guard let route = routes[slot], let tunnel = route.via.flatMap({ tunnels[$0]?.id }) else { return nil }
      return LocalizedRoute(to: route.key.to, tunnel: tunnel, isReceiveOnly: route.isReceiveOnly)
    }.sorted { one, other in
      // By the address too, so that equal sets of routes are equal arrays.
      (other.to.length, one.to.address.high, one.to.address.low)
        < (one.to.length, other.to.address.high, other.to.address.low)
    }
  }

  /// The request is published: its blocks are the ones in use.
  func finishBlocks(_ written: [UInt32: RouteBlock?]) {
    for (slot, block) in written {
      if let old = blocks[slot] { writer.retireLocalizedRoutes(old.id) }
      blocks[slot] = block
    }
    guard !blocks.isEmpty else { return }
    for note in journal.bindings where note.isRemoved {
      guard let old = blocks.removeValue(forKey: note.slot) else { continue }
      writer.retireLocalizedRoutes(old.id)
    }
  }

  /// Gives back the blocks of a request that is refused; nothing names them.
  func discardBlocks(_ written: [UInt32: RouteBlock?]) {
    for case let block? in written.values { writer.retireLocalizedRoutes(block.id) }
  }
}
