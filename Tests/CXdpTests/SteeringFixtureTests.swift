import FastPath
import Testing

/// Named packets, built by Scapy, with the verdict that REQUIREMENTS 2.14 and 2.16 give them, in the loaded program and
/// in its Swift twin.
@Suite struct SteeringFixtureTests {
  @Test func everyFixtureIsSteeredAsRequired() throws {
    let fixtures = try SteeringFixture.load()
    #expect(fixtures.count > 200)
    // Every reason is somebody's expectation; a socket is missing in another test.
    let expected = Set(fixtures.map(\.expected)).union([.noSocket])
    #expect(expected == Set(SteerReason.allCases))
    try PrivateNetwork.run {
      let world = try SteeringWorld()
      for fixture in fixtures {
        let (node, port) = try #require(world.find(fixture.port), "\(fixture)")
        #expect(try node.decideInKernel(fixture.frame, port: port) == fixture.expected, "program, \(fixture)")
        #expect(node.decideInSwift(fixture.frame, port: port) == fixture.expected, "twin, \(fixture)")
      }
    }
  }

  @Test func everyTruncationIsSteeredAlike() throws {
    let fixtures = try SteeringFixture.load()
    try PrivateNetwork.run {
      let world = try SteeringWorld()
      for fixture in fixtures {
        let (node, port) = try #require(world.find(fixture.port), "\(fixture)")
        for length in 0..<fixture.frame.count {
          let frame = Array(fixture.frame.prefix(length))
          let twin = node.decideInSwift(frame, port: port)
          // The kernel lets no frame shorter than an Ethernet header into a program, nor into a test run.
          let program = length < 14 ? .malformed : try node.decideInKernel(frame, port: port)
          guard twin != nil, twin == program else {
            Issue.record("\(fixture), first \(length) octets: program \(program as Any), twin \(twin as Any)")
            break
          }
        }
      }
    }
  }
}
