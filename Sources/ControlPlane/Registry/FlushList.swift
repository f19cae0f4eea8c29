/// Bindings in state `flushing`, looked at in turn, a few at a time: with ten thousands of them a look would hold the
/// writer up otherwise.
struct FlushList {
  private var members: Set<UInt32> = []
  /// Every member at least once; those that are none any more are dropped when they are met.
  private var order: [UInt32] = []
  private var position = 0

  var isEmpty: Bool { members.isEmpty }

  mutating func insert(_ slot: UInt32) {
    if members.insert(slot).inserted { order.append(slot) }
  }

  mutating func remove(_ slot: UInt32) {
    if !members.isEmpty { members.remove(slot) }
  }

  /// The next members, `limit` of them at most; goes on from the first after the last.
  mutating func next(_ limit: Int) -> [UInt32] {
    var slots: [UInt32] = []
    var left = min(limit, order.count)
    while left > 0, !order.isEmpty {
      left -= 1
      if position >= order.count { position = 0 }
      let slot = order[position]
      if members.contains(slot) {
        slots.append(slot)
        position += 1
      } else {
        order.swapAt(position, order.count - 1)
        order.removeLast()
      }
    }
    return slots
  }
}
