/// All packets in parts: by key, by age, and by source.
struct PartialPackets {
  private var slots: [PartialPacket?] = []
  private var free: [Int32] = []
  private var numbers: [FragmentKey: Int32] = [:]
  private var links: [AgeList.Links] = []
  private var age = AgeList()
  private(set) var shares = SourceShares()

  /// Packets in parts, those given up that are remembered until their deadline included.
  var count: Int { numbers.count }

  func slot(of key: FragmentKey) -> Int32? { numbers[key] }

  /// The packet that was begun first. Deadlines are in the same order: every packet has the same time.
  var oldest: Int32? { age.isEmpty ? nil : age.oldest }

  /// Changed in place: `packets[slot]?.insert(…)` copies none of its pieces.
  subscript(_ slot: Int32) -> PartialPacket? {
    get { slots[Int(slot)] }
    _modify { yield &slots[Int(slot)] }
  }

  /// Takes up a new packet. Precondition: none with its key is here.
  mutating func append(_ packet: PartialPacket) -> Int32 {
    let slot: Int32
    if let reused = free.popLast() {
      slot = reused
      slots[Int(slot)] = packet
    } else {
      slot = Int32(slots.count)
      slots.append(packet)
      links.append(AgeList.Links())
    }
    numbers[packet.key] = slot
    age.append(slot, &links)
    shares.append(slot, of: packet.key.source)
    charge(slot, ReassemblyLimits.packetCharge)
    return slot
  }

  /// Takes the packet out, with all it was charged for.
  mutating func remove(_ slot: Int32) -> PartialPacket? {
    guard let packet = slots[Int(slot)] else { return nil }
    charge(slot, -packet.charge)
    shares.remove(slot, of: packet.key.source)
    age.remove(slot, &links)
    numbers[packet.key] = nil
    slots[Int(slot)] = nil
    free.append(slot)
    return packet
  }

  /// Charges the packet's source for it.
  mutating func charge(_ slot: Int32, _ change: Int) {
    guard let source = slots[Int(slot)]?.key.source else { return }
    slots[Int(slot)]?.charge += change
    shares.charge(source, change)
  }
}
