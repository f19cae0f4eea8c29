import FastPath
import Foundation
import Testing

/// The C program and its Swift twin decide and count the same, whatever arrives.
@Suite struct SteeringAgreementTests {
  static let packets = 60_000

  @Test func randomAndMutatedPacketsAreSteeredAlike() throws {
    let seed = ProcessInfo.processInfo.environment["FASTPATH_SEED"].flatMap(UInt64.init) ?? .random(in: 0...(.max))
    print(
      "SteeringAgreementTests seed \(seed); again:",
      "FASTPATH_SEED=\(seed) swift test -c release --filter SteeringAgreementTests")
    let fixtures = try SteeringFixture.load()
    let seen = try PrivateNetwork.run { () -> [SteerReason: Int]? in
      let world = try SteeringWorld()
      let places = [world.lma, world.mag].flatMap { node in
        node.ports.indices.map { (node: node, port: $0) }
      }
      var random = SplitMix64(state: seed)
      var seen: [SteerReason: Int] = [:]
      for number in 0..<Self.packets {
        let frame = mutate(fixtures, using: &random)
        let place = places[Int(random.next() % UInt64(places.count))]
        let twin = place.node.decideInSwift(frame, port: place.port)
        let program = try place.node.decideInKernel(frame, port: place.port)
        if twin == nil || twin != program {
          let hex = frame.map { String(format: "%02x", $0) }.joined()
          let name = place.node.ports[place.port].interface
          let decisions = "program \(program as Any), twin \(twin as Any)"
          Issue.record("seed \(seed), packet \(number) on \(name): \(decisions): \(hex)")
          return nil
        }
        seen[twin ?? .malformed, default: 0] += 1
      }
      return seen
    }
    guard let seen else { return }
    // A generator that no longer reaches a reason would make the comparison hollow.
    for reason in SteerReason.allCases where reason != .noSocket {
      let packets = seen[reason, default: 0]
      #expect(packets >= 20, "seed \(seed): only \(packets) packets of \(reason.name)")
    }
  }
}

/// A small generator with known good statistics (Steele, Lea, Flood 2014), so that a seed means the same everywhere.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Octets that steer: EtherTypes' halves, protocols, ICMPv6 types, lengths, address beginnings.
private let tellingOctets: [UInt8] = [
  0, 1, 2, 4, 6, 8, 17, 41, 43, 44, 45, 50, 58, 59, 60, 63, 64, 67, 68, 69, 0x5f, 0x60, 0x6f, 0x80, 0x81, 0x86, 0x88,
  0xa8, 0xbf, 0xc0, 0xdd, 0xe0, 0xef, 0xfe, 0xff, 132, 133, 135, 137, 138, 3, 5, 0x45, 0x46, 0x4f,
]

/// A fixture with destination MAC of any port, then changed octets, cut short, grown, spliced with another or noise.
private func mutate(_ fixtures: [SteeringFixture], using random: inout SplitMix64) -> [UInt8] {
  func pick(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
  var frame = fixtures[pick(fixtures.count)].frame
  let other = fixtures[pick(fixtures.count)].frame
  // Half of the frames keep an address that some port listens to; otherwise nearly all would end as other-mac.
  if pick(2) == 0 { frame.replaceSubrange(0..<6, with: other.prefix(6)) }
  for _ in 0..<pick(4) {
    let place = pick(2) == 0 ? pick(frame.count) : min(frame.count - 1, 12 + pick(60))
    frame[place] = pick(3) == 0 ? UInt8(pick(256)) : tellingOctets[pick(tellingOctets.count)]
  }
  switch pick(8) {
  case 0: frame.removeLast(pick(frame.count - 14 + 1))
  case 1: frame = Array(frame.prefix(14 + pick(frame.count - 13))) + other.dropFirst(14)
  case 2: frame.append(contentsOf: (0..<pick(64)).map { _ in UInt8(pick(256)) })
  case 3: frame.replaceSubrange(14..<frame.count, with: (0..<pick(120)).map { _ in UInt8(pick(256)) })
  case 4: frame.insert(contentsOf: [0x81, 0, UInt8(pick(256)), UInt8(pick(256))], at: 12)
  default: break
  }
  return frame
}
