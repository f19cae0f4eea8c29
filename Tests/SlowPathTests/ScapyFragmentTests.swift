import Foundation
import Glibc
import SlowPath
import Testing

/// Fragments against Scapy's `fragment6` and `defragment6`, by Fixtures/scapy_fragments.py.
@Suite struct ScapyFragmentTests {
  private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/scapy_fragments.py").path

  /// One packet and what Scapy cuts it into.
  private struct Case {
    let mtu: Int
    let packet: [UInt8]
    let fragments: [[UInt8]]

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count > 2, let mtu = Int(words[0]) else { return nil }
      self.mtu = mtu
      packet = ScapyFragmentTests.octets(words[1])
      fragments = words[2...].map(ScapyFragmentTests.octets)
    }
  }

  private static func octets(_ word: Substring) -> [UInt8] {
    let digits = Array(word.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
  }

  private static func hexadecimal(_ octets: [UInt8]) -> String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func cases(_ seed: UInt64) throws -> [Case] {
    print("Scapy fragments: seed \(seed); again with: FASTPATH_SEED=\(seed) swift test -c release --filter Scapy")
    let lines = try run("/usr/bin/python3 \(script) cut \(seed) 200").split(separator: "\n")
    let cases = lines.compactMap(Case.init)
    try #require(lines.count == 200 && cases.count == 200)
    return cases
  }

  /// Where the identification lies: behind the hop-by-hop options if there are any.
  private static func identification(of fragment: [UInt8]) -> Range<Int> {
    let header = fragment[6] == 0 ? 40 + 8 * (Int(fragment[41]) + 1) : 40
    return header + 4..<header + 8
  }

  @Test func packetsAreCutAsScapyCutsThem() throws {
    let seed = seedFromEnvironment()
    var fragmenter = OuterFragmenter(secret: FragmentSecret(first: seed, second: 1))
    for (number, sample) in try Self.cases(seed).enumerated() {
      let fragments = fragmenter.fragments(of: sample.packet, mtu: sample.mtu)
      // The identification is each one's own, but the same in all fragments of the packet.
      let own = fragments.first.map { Array($0[Self.identification(of: $0)]) } ?? []
      let expected = sample.fragments.map { fragment in
        var fragment = fragment
        fragment.replaceSubrange(Self.identification(of: fragment), with: own)
        return fragment
      }
      #expect(fragments == expected, "seed \(seed), packet \(number)")
    }
  }

  @Test func scapysFragmentsArePutTogetherInAnyOrder() throws {
    let seed = seedFromEnvironment()
    var random = SplitMix(state: seed)
    let cases = try Self.cases(seed)
    var arrivals = cases.indices.flatMap { packet in cases[packet].fragments.map { (packet, $0) } }
    arrivals.shuffle(using: &random)
    var reassembler = Reassembler()
    var complete = 0
    for (packet, octets) in arrivals {
      guard case .complete(let whole) = reassembler.add(octets, now: 0) else { continue }
      complete += 1
      #expect(whole.octets == cases[packet].packet, "seed \(seed), packet \(packet)")
    }
    #expect(complete == cases.count && reassembler.count == 0, "seed \(seed)")
  }

  @Test func scapyPutsOurFragmentsTogether() throws {
    let seed = seedFromEnvironment()
    var fragmenter = OuterFragmenter(secret: FragmentSecret(first: 1, second: seed))
    let cases = try Self.cases(seed)
    let file = "/tmp/fp-fragments-\(getpid())"
    defer { unsafe unlink(file) }
    try cases.map {
      fragmenter.fragments(of: $0.packet, mtu: $0.mtu).map(Self.hexadecimal).joined(separator: " ") + "\n"
    }
    .joined().write(toFile: file, atomically: true, encoding: .utf8)
    let packets = try run("/usr/bin/python3 \(Self.script) join < \(file)").split(separator: "\n")
    #expect(packets.map(Self.octets) == cases.map(\.packet), "seed \(seed)")
  }
}
