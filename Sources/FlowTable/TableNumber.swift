/// The three prefix tables, in the writer's order.
enum TableNumber: UInt8, BitwiseCopyable, CaseIterable {
  case proxy = 0
  case mobile
  case routes

  init(_ table: BindingTable) { self = table == .proxy ? .proxy : .mobile }
}

/// One change of a batch on its way into a prefix table.
struct PrefixChange {
  let table: TableNumber
  /// The record to be; a tombstone removes.
  let record: BindingRecord
  let hash: UInt64
  /// The key's newest record before the batch; 0 = not linked.
  var head: UInt32 = 0

  var key: TableKey { record.key }
  var removes: Bool { record.isTombstone }
}
