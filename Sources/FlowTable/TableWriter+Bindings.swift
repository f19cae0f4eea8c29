extension TableWriter {
  /// Changes whose memory is kept from batch to batch; a whole table's content once is no reason to keep 88 octets a binding.
  private static let keptBatch = 1 << 17

  /// A change of one binding.
  public enum BindingChange: Hashable, Sendable {
    /// Inserts the binding, or replaces the one with its key.
    case set(Binding)
    /// Removes the binding with this key, if there is one.
    case remove(BindingKey)
  }

  /// Applies all changes at once: a worker's turn sees all of them or none. Repeated keys are applied in order.
  ///
  /// - Returns: the generation from which the changes are visible.
  /// - Throws: `unknownTunnel`, `unknownAccount`, `unknownLocalizedRoutes`, `outOfBindings`, `retireQueueFull`, `mapping`;
  ///   nothing has changed then.
  @discardableResult
  public func apply(_ changes: [BindingChange]) throws(FlowTableError) -> UInt64 {
    beginBatch(changes.count)
    for change in changes {
      switch change {
      case .set(let binding): try set(binding)
      case .remove(let key): remove(key)
      }
    }
    return try commitBatch()
  }

  /// Whether the batch has no changes.
  public var isBatchEmpty: Bool { batch.isEmpty }

  /// Begins a batch of changes that `commitBatch` applies at once, without an array of them in between. A batch that was
  /// begun and not committed has changed nothing.
  public func beginBatch(_ count: Int) {
    batch.removeAll(keepingCapacity: batch.capacity <= Self.keptBatch)
    batch.reserveCapacity(count)
  }

  /// Adds a change to the batch: inserts the binding, or replaces the one with its key.
  ///
  /// - Throws: `unknownTunnel`, `unknownAccount`, `unknownLocalizedRoutes`.
  public func set(_ binding: Binding) throws(FlowTableError) {
    try validate(binding)
    append(BindingRecord(binding), to: binding.key.table)
  }

  /// Adds a change to the batch: removes the binding with this key, if there is one.
  public func remove(_ key: BindingKey) { append(BindingRecord(tombstone: TableKey(key.prefix)), to: key.table) }

  private func append(_ record: BindingRecord, to table: BindingTable) {
    batch.append(PrefixChange(table: TableNumber(table), record: record, hash: record.key.hash(self.table.hash)))
  }

  /// Applies the batch, as `apply` does.
  ///
  /// - Returns: the generation from which the changes are visible.
  @discardableResult
  public func commitBatch() throws(FlowTableError) -> UInt64 {
    return try commit(in: bindings, outOfRecords: .outOfBindings(limit: bindings.limit))
  }

  /// What a binding names must exist; a visitor's prefix has no tunnel.
  private func validate(_ binding: Binding) throws(FlowTableError) {
    if !binding.isVisitor && !tunnels.exists(binding.tunnel) { throw .unknownTunnel(binding.tunnel) }
    if let peer = binding.peer, !tunnels.exists(peer) { throw .unknownTunnel(peer) }
    // Workers count in the account's cell without a further look.
    if let holding = binding.holding, !HandoverLedger.isAccount(holding) { throw .unknownAccount(holding) }
    guard let routes = binding.localizedRoutes else { return }
    if localizedRoutes.live[routes.rawValue]?.isEnded ?? true { throw .unknownLocalizedRoutes(routes) }
  }

  /// The binding with exactly this key, as last applied.
  public func binding(_ key: BindingKey) -> Binding? {
    record(TableNumber(key.table), TableKey(key.prefix)).map { Binding($0, table: key.table) }
  }

  /// The binding of one table with the longest prefix that contains `address`.
  public func longestMatch(_ table: BindingTable, _ address: IPAddress) -> Binding? {
    longestRecord(TableNumber(table), address).map { Binding($0, table: table) }
  }

  /// Traffic of a binding since it was inserted, summed over all workers; nil without such a binding.
  public func bindingTraffic(_ key: BindingKey) -> Traffic? {
    record(TableNumber(key.table), TableKey(key.prefix)).map { record in
      traffic.reduce(Traffic()) { $0 + $1.traffic(binding: record.counter) }
    }
  }

  /// The present record of a key; nil if absent.
  func record(_ number: TableNumber, _ key: TableKey) -> BindingRecord? {
    let arena = number == .routes ? routes : bindings
    let record = arena[prefixTable(number).head(key, key.hash(table.hash))]
    // Record 0 has no length class.
    return record.lengthClass == key.lengthClass && !record.isTombstone ? record : nil
  }

  func longestRecord(_ number: TableNumber, _ address: IPAddress) -> BindingRecord? {
    var lengths = prefixTable(number).lengthsInUse.restricted(to: address.family)
    while let lengthClass = lengths.removeLongest() {
      if let record = record(number, TableKey(covering: address, lengthClass: lengthClass)) { return record }
    }
    return nil
  }
}

extension BindingRecord {
  init(_ key: TableKey) {
    self.init()
    high = key.high
    low = key.low
    lengthClass = key.lengthClass
  }

  init(tombstone key: TableKey) {
    self.init(key)
    flags = Self.tombstone
  }

  init(_ binding: Binding) {
    self.init(TableKey(binding.key.prefix))
    target = binding.isVisitor ? 0 : binding.tunnel.rawValue
    peer = binding.peer?.rawValue ?? 0
    state = binding.state
    if let access = binding.access {
      flags |= Self.hasAccess
      port = access.port
      link = access.mac.value << 16 | UInt64(access.vlan ?? 0)
    }
    if let rule = binding.localRouting { flags |= Self.localRoutingSet | (rule ? Self.localRoutingOn : 0) }
    if binding.requiresESP { flags |= Self.requiresESP }
    if binding.isFlushed && binding.state == .active { flags |= Self.flushed }
    if binding.isVisitor { flags |= Self.visitor }
    holding = binding.holding?.rawValue ?? 0
    localizedRoutes = binding.localizedRoutes?.rawValue ?? 0
  }
}

extension Binding {
  init(_ record: BindingRecord, table: BindingTable) {
    let vlan = UInt16(truncatingIfNeeded: record.link)
    let access = AccessLink(port: record.port, mac: MACAddress(record.link >> 16), vlan: vlan == 0 ? nil : vlan)
    self.init(
      key: BindingKey(table: table, prefix: record.key.prefix), tunnel: TunnelID(record.target), state: record.state,
      access: record.flags & BindingRecord.hasAccess == 0 ? nil : access,
      localRouting: record.flags & BindingRecord.localRoutingSet == 0
        ? nil : record.flags & BindingRecord.localRoutingOn != 0,
      requiresESP: record.flags & BindingRecord.requiresESP != 0, peer: record.peer == 0 ? nil : TunnelID(record.peer),
      holding: record.holding == 0 ? nil : HoldingID(record.holding),
      isFlushed: record.flags & BindingRecord.flushed != 0, isVisitor: record.flags & BindingRecord.visitor != 0,
      localizedRoutes: record.localizedRoutes == 0 ? nil : LocalizedRoutesID(record.localizedRoutes))
  }
}
