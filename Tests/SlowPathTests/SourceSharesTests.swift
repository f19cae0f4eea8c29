import FlowTable
import SlowPath
import Testing

/// Who holds most, against sums in a dictionary that is searched through.
@Suite struct SourceSharesTests {
  private struct Packet {
    let slot: Int32
    let source: IPAddress
    var octets: Int
  }

  @Test func theLargestIsFoundWhateverComesAndGoes() {
    let seed = seedFromEnvironment()
    print("source shares: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter SourceShares")
    var random = SplitMix(state: seed)
    var shares = SourceShares()
    var packets: [Packet] = []
    var slots = Array((0..<400 as Range<Int32>).reversed())
    for step in 0..<20_000 {
      // Swings between hardly any sources and many.
      let growing = step / 700 % 2 == 0
      if packets.isEmpty || (packets.count < 400 && random.below(5) < (growing ? 3 : 1)) {
        let source = IPAddress(ipv6High: 1, low: UInt64(random.below(100)))
        let packet = Packet(slot: slots.removeLast(), source: source, octets: 1 + random.below(1000))
        packets.append(packet)
        shares.append(packet.slot, of: source)
        shares.charge(source, packet.octets)
      } else if random.below(3) == 0 {
        let place = random.below(packets.count)
        let change = max(-packets[place].octets, random.below(2000) - 1000)
        packets[place].octets += change
        shares.charge(packets[place].source, change)
      } else {
        let packet = packets.remove(at: random.below(packets.count))
        shares.charge(packet.source, -packet.octets)
        shares.remove(packet.slot, of: packet.source)
        slots.append(packet.slot)
      }
      let sums = Dictionary(packets.map { ($0.source, $0.octets) }, uniquingKeysWith: +)
      let most = shares.largest.map { shares.octets(of: $0) }
      guard most == sums.values.max(), shares.count == sums.count, shares.octets == sums.values.reduce(0, +) else {
        Issue.record("seed \(seed), step \(step): \(String(describing: most)) of \(sums)")
        return
      }
      for (source, octets) in sums {
        let own = packets.filter { $0.source == source }
        let right =
          shares.octets(of: source) == octets
          && shares.oldestPacket(of: source, except: -1) == own.first?.slot
          && shares.oldestPacket(of: source, except: own[0].slot) == own.dropFirst().first?.slot
        if !right {
          Issue.record("seed \(seed), step \(step): \(source)")
          return
        }
      }
    }
  }
}
