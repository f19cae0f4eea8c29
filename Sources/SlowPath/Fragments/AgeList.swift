/// A list of slot numbers from the oldest to the newest, whose links lie in an array beside the slots.
///
/// Taking a slot out of the middle costs the same as at the ends: packets complete in any order, and a queue that only
/// marked them as gone would grow with the traffic instead of with what is held.
struct AgeList {
  /// A slot's neighbours in one list; -1 for none.
  struct Links {
    var older: Int32 = -1
    var newer: Int32 = -1
  }

  private(set) var oldest: Int32 = -1
  private(set) var newest: Int32 = -1

  var isEmpty: Bool { oldest < 0 }

  mutating func append(_ slot: Int32, _ links: inout [Links]) {
    links[Int(slot)] = Links(older: newest, newer: -1)
    if newest >= 0 { links[Int(newest)].newer = slot } else { oldest = slot }
    newest = slot
  }

  mutating func remove(_ slot: Int32, _ links: inout [Links]) {
    let gone = links[Int(slot)]
    if gone.older >= 0 { links[Int(gone.older)].newer = gone.newer } else { oldest = gone.newer }
    if gone.newer >= 0 { links[Int(gone.newer)].older = gone.older } else { newest = gone.older }
  }

  /// The oldest slot that is not `kept`.
  func oldest(except kept: Int32, _ links: [Links]) -> Int32? {
    let candidate = oldest == kept && oldest >= 0 ? links[Int(oldest)].newer : oldest
    return candidate >= 0 ? candidate : nil
  }
}
