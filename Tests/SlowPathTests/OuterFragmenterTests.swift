import SlowPath
import Testing

/// Cutting outer packets: the lengths that RFC 2473 section 7 gives, and what comes out put together again.
@Suite struct OuterFragmenterTests {
  private let secret = FragmentSecret(first: 0x0123_4567_89ab_cdef, second: 0xfedc_ba98_7654_3210)

  private func word(_ octets: [UInt8], _ offset: Int) -> Int { Int(octets[offset]) * 256 + Int(octets[offset + 1]) }

  /// R2473-18: path MTU 1280, inner packet of 1280 octets: 40+8+1232 and 40+8+48, offsets 0 and 154.
  @Test func aPacketOfTheLeastMTUIsCutAsTheRequirementSays() {
    let inner = sampleInnerPacket(1280)
    let outer = SampleFragment(congestion: 2).packet(inner)
    var fragmenter = OuterFragmenter(secret: secret)
    let fragments = fragmenter.fragments(of: outer, mtu: 1280)
    #expect(fragments.map(\.count) == [1280, 96])
    #expect(fragments.map { $0[6] } == [44, 44])
    #expect(fragments.map { $0[40] } == [41, 41])
    #expect(fragments.map { word($0, 42) >> 3 } == [0, 154])
    #expect(fragments.map { word($0, 42) & 7 } == [1, 0])
    #expect(fragments.map { word($0, 4) } == [1240, 56])
    #expect(Set(fragments.map { Array($0[44..<48]) }).count == 1)
    // Version, traffic class and flow label, hop limit and addresses are the packet's own in all of them.
    for fragment in fragments {
      #expect(Array(fragment[..<4]) == Array(outer[..<4]))
      #expect(Array(fragment[7..<40]) == Array(outer[7..<40]))
    }
    #expect(fragments.flatMap { $0[48...] } == inner)
  }

  /// R2473-20: an IPv4 packet of 1461 octets at 1500: 40+8+1448 and 40+8+13.
  @Test func anIPv4PacketIsCutAsTheRequirementSays() {
    let inner: [UInt8] = [0x45, 0, 0x05, 0xb5] + (4..<1461).map { UInt8(truncatingIfNeeded: $0) }
    var outer = SampleFragment()
    outer.nextHeader = 4
    var fragmenter = OuterFragmenter(secret: secret)
    let fragments = fragmenter.fragments(of: outer.packet(inner), mtu: 1500)
    #expect(fragments.map(\.count) == [1496, 61])
    #expect(fragments.map { $0[40] } == [4, 4])
    #expect(fragments.flatMap { $0[48...] } == inner)
  }

  /// R8200-2: IPv6(44) Frag(60) DstOpts(41) IPv6: the limit is read by the exit alone.
  @Test func theEncapsulationLimitFollowsTheFragmentHeader() {
    let inner = sampleInnerPacket(1280)
    var outer = SampleFragment()
    outer.headers = [SampleFragment.encapsulationLimit]
    var fragmenter = OuterFragmenter(secret: secret)
    let fragments = fragmenter.fragments(of: outer.packet(inner), mtu: 1280)
    #expect(fragments.map(\.count) == [1280, 104])
    #expect(fragments.map { $0[6] } == [44, 44])
    #expect(fragments.map { $0[40] } == [60, 60])
    #expect(Array(fragments[0][48..<56]) == [41, 0, 4, 1, 4, 1, 1, 0])
    #expect(fragments.flatMap { $0[48...] } == [41, 0, 4, 1, 4, 1, 1, 0] + inner)
  }

  /// RFC 8200 section 4.5: "all headers up to and including the Routing header if present, else the Hop-by-Hop Options
  /// header if present, else no extension headers". Headers, how many of their octets stay in front, where the 44 is.
  @Test(
    arguments: [
      ([], 0, 6), ([60], 0, 6), ([0], 8, 40), ([0, 60], 8, 40), ([43], 24, 40), ([60, 43], 32, 48),
      ([0, 60, 43], 40, 56),
      ([0, 60, 43, 60], 40, 56), ([60, 60], 0, 6), ([60, 0], 0, 6),
    ] as [([UInt8], Int, Int)])
  func whatRoutersReadStaysInFront(_ chain: [UInt8], _ stays: Int, _ announcement: Int) {
    let inner = sampleInnerPacket(300)
    var outer = SampleFragment()
    outer.headers = chain.map {
      switch $0 {
      case 0: SampleFragment.hopByHop
      case 43: SampleFragment.routing
      default: SampleFragment.encapsulationLimit
      }
    }
    let packet = outer.packet(inner)
    var fragmenter = OuterFragmenter(secret: secret)
    let fragments = fragmenter.fragments(of: packet, mtu: 200)
    #expect(fragments.count > 1)
    for fragment in fragments {
      #expect(fragment[announcement] == 44)
      #expect(fragment[40 + stays] == packet[announcement])
    }
    #expect(fragments.flatMap { $0[(48 + stays)...] } == Array(packet[(40 + stays)...]))
  }

  /// The last fragment may fill an MTU whose room is no multiple of eight; those before it may not.
  @Test func theLastFragmentFillsTheWholeMTU() {
    var fragmenter = OuterFragmenter(secret: secret)
    for (inner, lengths) in [(2471, [1280, 1287]), (2472, [1280, 1280, 56]), (3703, [1280, 1280, 1287])] {
      let packet = SampleFragment().packet(sampleInnerPacket(inner))
      #expect(fragmenter.fragments(of: packet, mtu: 1287).map(\.count) == lengths)
    }
  }

  @Test func aPacketThatFitsIsNotCut() {
    let packet = SampleFragment().packet(sampleInnerPacket(1240))
    var fragmenter = OuterFragmenter(secret: secret)
    #expect(fragmenter.fragments(of: packet, mtu: 1280) == [packet])
    #expect(fragmenter.fragments(of: packet + [1, 2, 3], mtu: 1280) == [packet])
    #expect(fragmenter.fragments(of: packet, mtu: 1279).count == 2)
  }

  @Test func whatCannotBeCutIsRefused() {
    let whole = SampleFragment(data: sampleInnerPacket(300))
    let packet = whole.packet(whole.data)
    var fragmenter = OuterFragmenter(secret: secret)
    #expect(fragmenter.fragments(of: packet, mtu: 55).isEmpty)
    #expect(fragmenter.fragments(of: packet, mtu: 56).count == 38)
    #expect(fragmenter.fragments(of: whole.octets, mtu: 200).isEmpty)
    #expect(fragmenter.fragments(of: [0x45] + packet[1...], mtu: 200).isEmpty)
    #expect(fragmenter.fragments(of: Array(packet.dropLast()), mtu: 200).isEmpty)
    #expect(fragmenter.fragments(of: [], mtu: 200).isEmpty)
    #expect(fragmenter.fragments(of: packet, mtu: Int.min).isEmpty)
  }

  /// Every length from one octet too many to several fragments, at every remainder of the MTU: what is cut and put
  /// together again, in a random order, is the packet that was; all but the last fragment are as long as can be.
  @Test func whatIsCutIsPutTogetherAgain() {
    let seed = seedFromEnvironment()
    print(
      "fragment round trip: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter Fragmenter")
    var random = SplitMix(state: seed)
    var fragmenter = OuterFragmenter(secret: secret)
    var reassembler = Reassembler()
    for _ in 0..<3000 {
      var outer = SampleFragment()
      if random.below(2) == 0 { outer.headers = [SampleFragment.encapsulationLimit] }
      if random.below(4) == 0 { outer.headers.insert(SampleFragment.hopByHop, at: 0) }
      outer.congestion = UInt8(random.below(4))
      let mtu = 1280 + random.below(300)
      let packet = outer.packet(sampleInnerPacket(mtu + random.below(3 * mtu), salt: random.below(1000)))
      let fragments = fragmenter.fragments(of: packet, mtu: mtu)
      #expect(fragments.dropLast().allSatisfy { mtu - $0.count < 8 && $0.count <= mtu }, "seed \(seed)")
      #expect(fragments.last.map { $0.count <= mtu } == true, "seed \(seed)")
      var order = fragments
      order.shuffle(using: &random)
      var outcome = ReassemblyOutcome.held
      for (index, fragment) in order.enumerated() {
        #expect(outcome == .held, "seed \(seed): complete after \(index) of \(order.count)")
        outcome = reassembler.add(fragment, now: 0)
      }
      guard case .complete(let whole) = outcome else {
        Issue.record("seed \(seed): \(outcome)")
        return
      }
      #expect(whole.octets == packet, "seed \(seed)")
    }
    #expect(reassembler.count == 0)
  }
}
