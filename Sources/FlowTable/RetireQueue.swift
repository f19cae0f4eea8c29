/// What waits for a grace period, oldest first. Bounded: a reader that does not move must not eat the memory.
@safe
struct RetireQueue: ~Copyable {
  /// What becomes of an item once every online worker has reported its generation.
  enum Kind: UInt8, CaseIterable {
    /// A replaced binding or route record: free it.
    case record
    /// A tombstone that may still be linked: unlink it, then wait once more as `unlinked`.
    case tombstone
    /// A tombstone that no slot names any more: free it and its traffic cell.
    case unlinked
    case tunnelRecord
    /// A removed tunnel: clear its slot, then wait once more as `clearedTunnel`.
    case tunnel
    /// Free the record and the identifier.
    case clearedTunnel
    case nextHopRecord
    case nextHop
    case clearedNextHop
  }

  struct Item: BitwiseCopyable {
    let generation: UInt64
    let kind: Kind
    /// Which prefix table a record of a binding or route belongs to.
    var table = TableNumber.proxy
    /// The number of the record.
    let record: UInt32
    /// The identifier of a tunnel or next hop.
    var id: UInt32 = 0
  }

  /// Items that may wait, but for one large batch.
  let limit: Int
  /// Items that may wait with that one.
  let capacity: Int
  /// Places before the queue starts over at the front: as many as the limit, so that a queue that is never empty does not
  /// go through all memory of a large batch.
  private var places: Int
  private(set) var count = 0
  /// Items that ever left the queue: with the generation and `TableWriter.silentChanges` it tells the audit whether the
  /// table has changed.
  private(set) var taken: UInt64 = 0
  /// What the last item that left the queue waited for: every worker has passed it, although more of it may still wait.
  private(set) var lastPassed: UInt64 = 0
  /// Places that were ever in use, whose memory is therefore taken.
  private(set) var highWater = 0
  /// How many items of each kind wait, in the kinds' order.
  private var waiting = InlineArray<9, Int>(repeating: 0)
  private var first = 0
  private let mapping: Mapping

  /// - Parameter capacity: at least the limit.
  init(limit: Int, capacity: Int) throws(FlowTableError) {
    self.limit = limit
    self.capacity = capacity
    places = limit
    self.mapping = try Mapping(bytes: capacity * MemoryLayout<Item>.stride)
  }

  func waiting(_ kind: Kind) -> Int { waiting[Int(kind.rawValue)] }

  var room: Int { limit - count }

  /// Whether a batch of so many items fits: within the limit, or beyond it behind a queue of which at most half is in use.
  /// One that retires nothing always does, also behind a batch that went beyond.
  func takesBatch(of count: Int) -> Bool {
    count == 0 || room >= min(count, (limit + 1) / 2) && capacity - self.count >= count
  }

  /// The generation that the oldest item waits for.
  var oldestGeneration: UInt64? {
    // The ring has an item at `first` whenever it is not empty.
    count == 0 ? nil : unsafe items[first].generation
  }

  mutating func append(_ item: Item) {
    precondition(count < capacity, "the retire queue was filled past its reservation")
    // Start over at the front when empty, so that a short queue stays in few pages.
    if count == 0 {
      (first, places) = (0, limit)
    } else if count == places {
      moveToFront(places: capacity)
    } else if places > limit && count <= limit / 64 {
      // The large batch is gone: few are left to move.
      moveToFront(places: limit)
    }
    let last = first + count
    // The position is below the capacity that the mapping was made for; an item is plain data.
    unsafe items[last < places ? last : last - places] = item
    count += 1
    waiting[Int(item.kind.rawValue)] += 1
    highWater = max(highWater, min(first + count, places))
  }

  private mutating func moveToFront(places: Int) {
    var waiting: [Item] = []
    waiting.reserveCapacity(count)
    // Positions below `count`, which are places of the mapping.
    for position in 0..<count { unsafe waiting.append(items[place(position)]) }
    for position in 0..<count { unsafe items[position] = waiting[position] }
    (first, self.places) = (0, places)
  }

  /// Where the item is that is `position` places behind the oldest.
  private func place(_ position: Int) -> Int {
    let place = first + position
    return place < places ? place : place - places
  }

  /// Takes the oldest item if it waits for nothing newer than `generation`.
  mutating func removeFirst(upTo generation: UInt64) -> Item? {
    // As above.
    guard count > 0, unsafe items[first].generation <= generation else { return nil }
    let item = unsafe items[first]
    first = first + 1 == places ? 0 : first + 1
    count -= 1
    waiting[Int(item.kind.rawValue)] -= 1
    taken += 1
    lastPassed = item.generation
    return item
  }

  /// The octets of the item that is `position` places behind the oldest, for the audit: they may be damaged.
  func octets(_ position: Int) -> UnsafeRawPointer {
    // Callers stay below `count`, so the place is one of the mapping's.
    unsafe UnsafeRawPointer(items + place(position))
  }

  private var items: UnsafeMutablePointer<Item> {
    // The mapping is page-aligned and used for items only.
    unsafe mapping.base.assumingMemoryBound(to: Item.self)
  }
}
