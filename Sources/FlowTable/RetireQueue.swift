/// What waits for a grace period, oldest first. Bounded: a reader that does not move must not eat the memory.
@safe
struct RetireQueue: ~Copyable {
  /// What becomes of an item once every online worker has reported its generation.
  enum Kind: UInt8 {
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

  let capacity: Int
  private(set) var count = 0
  private var first = 0
  private let mapping: Mapping

  init(capacity: Int) throws(FlowTableError) {
    self.capacity = capacity
    self.mapping = try Mapping(bytes: capacity * MemoryLayout<Item>.stride)
  }

  var room: Int { capacity - count }

  /// The generation that the oldest item waits for.
  var oldestGeneration: UInt64? {
    // The ring has an item at `first` whenever it is not empty.
    count == 0 ? nil : unsafe items[first].generation
  }

  mutating func append(_ item: Item) {
    precondition(count < capacity, "the retire queue was filled past its reservation")
    // Start over at the front when empty, so that a short queue stays in few pages.
    if count == 0 { first = 0 }
    let last = first + count
    // The position is below the capacity that the mapping was made for; an item is plain data.
    unsafe items[last < capacity ? last : last - capacity] = item
    count += 1
  }

  /// Takes the oldest item if it waits for nothing newer than `generation`.
  mutating func removeFirst(upTo generation: UInt64) -> Item? {
    // As above.
    guard count > 0, unsafe items[first].generation <= generation else { return nil }
    let item = unsafe items[first]
    first = first + 1 == capacity ? 0 : first + 1
    count -= 1
    return item
  }

  private var items: UnsafeMutablePointer<Item> {
    // The mapping is page-aligned and used for items only.
    unsafe mapping.base.assumingMemoryBound(to: Item.self)
  }
}
