import ControlPlane
import ControlProtocol
import FlowTable
import Foundation
import Testing

@Suite("Control server, hostile and unlucky peers")
struct ControlServerHostileTests {
  /// Octets of a frame that holds, to be spoiled.
  private func frame(_ request: Request, id: UInt32 = 3) -> [UInt8] {
    var bytes: [UInt8] = []
    request.encode(requestID: id, into: &bytes)
    return bytes
  }

  private func isAlive(_ fixture: ServiceFixture) throws -> Bool {
    try SocketClient(fixture.path).hello().role == .lma
  }

  @Test("The first frame must be a HELLO of this major version; otherwise the reason, then the end")
  func greeting() throws {
    try ServiceFixture().run { fixture in
      let rude = try SocketClient(fixture.path)
      #expect(try rude.ask(.status).status == .helloRequired)
      #expect(rude.isClosed())
      let future = try SocketClient(fixture.path)
      #expect(try future.ask(.hello(HelloRequest(major: 2, client: "future"))).status == .versionMismatch)
      #expect(future.isClosed())
    }
  }

  @Test("An unknown type and a malformed payload are answered, and the connection lives")
  func survivable() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      var unknown = frame(.status)
      unknown[4] = 200
      try client.send(unknown)
      let (header, reply) = try client.receive()
      #expect(reply.status == .unsupported && header.requestID == 3 && header.type == 200)
      var short = frame(.lookup(.address(Sample.address("2001:db8::1"))))
      short.removeLast(4)
      short[0] -= 4
      try client.send(short)
      #expect(try client.receive().reply.status == .malformed)
      #expect(try client.hello().role == .lma)
    }
  }

  @Test("Whatever the first frame is, if it is no HELLO it is told that HELLO is required, then the end")
  func rudeness() throws {
    try ServiceFixture().run { fixture in
      var (unknown, flagged, short) = (frame(.status), frame(.status), frame(.upsert(UpsertRequest(records: []))))
      unknown[4] = 99
      flagged[7] = 1
      short.removeLast(7)
      short[0] -= 7
      for octets in [unknown, flagged, short] {
        let rude = try SocketClient(fixture.path)
        try rude.send(octets)
        #expect(try rude.receive().reply.status == .helloRequired)
        #expect(rude.isClosed())
      }
    }
  }

  @Test("A header that cannot be followed is answered with its reason, then the end; any other is followed")
  func broken() throws {
    try ServiceFixture().run { fixture in
      let reserved = try SocketClient.greeted(fixture.path)
      var bytes = frame(.status)
      bytes[22] = 1
      try reserved.send(bytes)
      let (header, reply) = try reserved.receive()
      #expect(reply.status == .malformed && header.requestID == 3)
      #expect(try reserved.ask(.status).status == .ok)
      let huge = try SocketClient.greeted(fixture.path)
      bytes = frame(.status)
      bytes.replaceSubrange(0..<4, with: [0, 0, 0, 0x40])
      try huge.send(bytes)
      #expect(try huge.receive().reply.status == .tooLarge)
      #expect(huge.isClosed())
      #expect(try isAlive(fixture))
    }
  }

  @Test("A frame cut off anywhere changes nothing")
  func truncated() throws {
    try ServiceFixture().run { fixture in
      let whole = frame(.upsert(UpsertRequest(records: [.binding(Sample.binding("2001:db8:100:1::/64"))])))
      for length in stride(from: 0, to: whole.count, by: 5) {
        let client = try SocketClient.greeted(fixture.path)
        try client.send(Array(whole.prefix(length)))
        client.endInput()
        #expect(client.isClosed())
      }
      #expect(try SocketClient(fixture.path).hello().tables.first?.entries == 0)
    }
  }

  @Test("Octet by octet is a frame as well")
  func dribbled() throws {
    try ServiceFixture().run { fixture in
      let client = try SocketClient.greeted(fixture.path)
      for octet in frame(.upsert(UpsertRequest(records: [.binding(Sample.binding("2001:db8:100:1::/64"))]))) {
        try client.send([octet])
      }
      #expect(try client.receive().reply.status == .ok)
    }
  }

  @Test("Random spoiling of good frames: every connection ends in replies or a close, and the daemon lives")
  func spoiled() throws {
    let seed = testSeed("ControlServerHostileTests")
    var random = SeededGenerator(seed: seed)
    try ServiceFixture().run { fixture in
      let good =
        frame(.upsert(UpsertRequest(records: (0..<4).map { .binding(Sample.binding(Sample.pooled($0))) })))
        + frame(.delete(DeleteRequest(keys: [Sample.key(Sample.pooled(1))]))) + frame(.dump(DumpRequest()))
        + frame(.counters(CountersRequest(all: true)))
      for _ in 0..<200 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let client = try SocketClient.greeted(fixture.path)
        // The daemon may close in the middle of it.
        try? client.send(bytes)
        client.endInput()
        while (try? client.receive()) != nil {}
      }
      #expect(try isAlive(fixture), "seed \(seed)")
    }
  }

  @Test("A client that reads nothing holds up nobody and loses nothing")
  func silentReader() throws {
    try ServiceFixture().run { fixture in
      let deaf = try SocketClient.greeted(fixture.path)
      let load = (0..<20_000).map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
      #expect(try deaf.ask(.upsert(UpsertRequest(records: load))).status == .ok)
      // Replies of 20 × 20 000 records are far above what the socket holds.
      for id in 0..<20 { try deaf.send(.dump(DumpRequest(table: .bindings)), id: UInt32(id)) }
      let other = try SocketClient.greeted(fixture.path)
      for index in 0..<100 {
        #expect(
          try other.ask(.upsert(UpsertRequest(records: [.binding(Sample.binding(Sample.pooled(30_000 + index)))])))
            .status == .ok)
      }
      var ends = 0
      while ends < 20 {
        guard case .dump(let slice) = try deaf.receive().reply else {
          Issue.record("a reply that is no dump")
          return
        }
        if slice.records.isEmpty { ends += 1 }
      }
    }
  }

  @Test("Mode 0660; a second daemon is refused, a stale socket is not in the way, a stranger's file is")
  func socketFile() throws {
    let first = try ServiceFixture()
    try first.run { fixture in
      let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o660)
      let second = try ServiceFixture(path: fixture.path)
      let error = #expect(throws: ControlSocketError.self) { try second.run { _ in } }
      #expect(error?.reason.contains("another daemon") == true)
      #expect(try isAlive(fixture))
    }
    #expect(!FileManager.default.fileExists(atPath: first.path))
    let third = try ServiceFixture()
    try FileManager.default.createDirectory(atPath: third.directory, withIntermediateDirectories: false)
    try SocketFile.leaveStale(at: third.path)
    try third.run { fixture in
      let alive = try isAlive(fixture)
      #expect(alive)
    }
    let fourth = try ServiceFixture()
    try FileManager.default.createDirectory(atPath: fourth.directory, withIntermediateDirectories: false)
    try "precious".write(toFile: fourth.path, atomically: true, encoding: .utf8)
    let error = #expect(throws: ControlSocketError.self) { try fourth.run { _ in } }
    #expect(error?.reason.contains("no socket") == true)
  }

  @Test("Who may write: root, the daemon's user, members of the socket's group; nobody else")
  func authority() {
    let authority = WriteAuthority(user: 1000, group: 2000)
    func access(_ user: UInt32, _ group: UInt32, _ groups: [UInt32] = []) -> HelloReply.Access {
      authority.access(of: PeerCredentials(process: 1, user: user, group: group), groups: PeerGroups(groups))
    }
    #expect(access(0, 5) == .write)
    #expect(access(1000, 5) == .write)
    #expect(access(1001, 2000) == .write)
    #expect(access(1001, 5, [7, 2000]) == .write)
    #expect(access(1001, 5, [7, 8]) == .read)
    #expect(access(1001, 5) == .read)
    let rootGroup = WriteAuthority(user: 0, group: 0)
    #expect(rootGroup.access(of: PeerCredentials(process: 1, user: 1001, group: 5), groups: PeerGroups()) == .read)
  }
}
