/// Deadlines of slots, earliest first: a binary heap, so that a tick costs what is due and not what is stored.
///
/// An item is a hint, not the truth: its owner checks the slot's own deadline when it is popped, and drops or renews
/// the item. Prolonging a lifetime therefore costs nothing here.
final class DeadlineHeap {
  struct Item: BitwiseCopyable {
    /// Nanoseconds of the injected monotonic clock.
    let deadline: UInt64
    let slot: UInt32
  }

  private let items = ChunkList<Item>()

  var count: Int { items.count }
  var earliest: UInt64? { items.count == 0 ? nil : items[0].deadline }

  func push(_ item: Item) {
    items.append(item)
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard items[child].deadline < items[parent].deadline else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  /// The earliest item, when it is due at `now`.
  func popDue(at now: UInt64) -> Item? {
    guard items.count > 0, items[0].deadline <= now else { return nil }
    let first = items[0]
    if let last = items.popLast(), items.count > 0 {
      items[0] = last
      sink(0)
    }
    return first
  }

  /// Replaces everything, in linear time.
  func rebuild(_ replacement: [Item]) {
    items.removeAll()
    for item in replacement { items.append(item) }
    for index in (0..<items.count / 2).reversed() { sink(index) }
  }

  private func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < items.count else { return }
      if child + 1 < items.count && items[child + 1].deadline < items[child].deadline { child += 1 }
      guard items[child].deadline < items[parent].deadline else { return }
      items.swapAt(child, parent)
      parent = child
    }
  }
}
