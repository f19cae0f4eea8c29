import ControlPlane
import ControlProtocol
import FlowTable
import Foundation
import Testing

@Suite("Snapshot files")
struct SnapshotTests {
  private static let header = SnapshotHeader(role: .lma, boot: (1, 2), time: 1_700_000_000_000_000_000)

  private static let records: [TableRecord] = [
    .tunnel(TunnelRecord(tunnel: Sample.mag1, isStatic: true, hopLimit: 9)),
    .binding(Sample.binding("2001:db8:100:1::/64")), .binding(Sample.binding("203.0.113.10/32")),
  ]

  /// Writes into a directory of its own, which the caller removes.
  private func write(_ header: SnapshotHeader = header) throws -> (directory: String, path: String) {
    let directory = NSTemporaryDirectory() + "fp-snapshot-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    let writer = try SnapshotWriter(path: directory + "/tables", header: header)
    try writer.add(Array(Self.records[0...0]), owners: [nil])
    try writer.add(Array(Self.records[0...0]), owners: [7])
    try writer.add(Array(Self.records[1...2]), owners: [7, 9])
    try writer.finish()
    return (directory, directory + "/tables")
  }

  private func refusal(_ path: String, role: HelloReply.Role = .lma) -> SnapshotError? {
    do throws(SnapshotError) {
      _ = try SnapshotReader(path: path, role: role)
      return nil
    } catch {
      return error
    }
  }

  @Test("What was written is read, owner by owner, and nothing is left beside it")
  func roundTrip() throws {
    let (directory, path) = try write()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let reader = try SnapshotReader(path: path, role: .lma)
    #expect(reader.header == Self.header && reader.count == 3)
    var found: [(UInt32, [TableRecord])] = []
    try reader.read { found.append(($0, $1)) }
    #expect(found.map(\.0) == [7, 7, 9])
    #expect(found.flatMap(\.1) == Self.records)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["tables"])
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test("A file cut off at any octet, or with any octet changed or added, is refused")
  func damage() throws {
    let (directory, path) = try write()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let spoiled = directory + "/spoiled"
    func refuses(_ octets: Data) throws -> Bool {
      try octets.write(to: URL(fileURLWithPath: spoiled))
      return refusal(spoiled) != nil
    }
    for length in 0..<whole.count { #expect(try refuses(whole.prefix(length)), "cut to \(length)") }
    for offset in whole.indices {
      var octets = whole
      octets[offset] ^= 1 << UInt8(offset % 8)
      #expect(try refuses(octets), "octet \(offset)")
    }
    #expect(try refuses(whole + [0]))
    #expect(try !refuses(whole))
  }

  @Test("Another role's, another version's, and what is no snapshot at all are refused by what they are")
  func foreign() throws {
    let (directory, path) = try write()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(refusal(path, role: .mag) == .foreign("it is the other role's"))
    #expect(refusal(directory + "/nothing").map { "\($0)".contains("cannot be read") } == true)
    try Data(repeating: 0x20, count: 5000).write(to: URL(fileURLWithPath: path))
    #expect(refusal(path) == .foreign("it does not begin as a snapshot"))
  }

  @Test("A writer that is given up leaves the last snapshot as it is")
  func abandoned() throws {
    let (directory, path) = try write()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    do {
      let writer = try SnapshotWriter(path: path, header: Self.header)
      try writer.add(Self.records, owners: [1, 1, 1])
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["tables"])
  }
}

@Suite("Restart from a snapshot")
struct SnapshotRestartTests {
  private func configuration(_ path: String) -> String {
    SampleConfiguration.lma.replacing(
      "control: {socket: /run/fastpath/lma.sock}", with: "control: {socket: /run/fastpath/lma.sock, snapshot: \(path)}")
  }

  private func dump(_ client: SocketClient) throws -> [TableRecord] {
    try client.send(.dump(DumpRequest()), id: 3)
    var records: [TableRecord] = []
    while case .dump(let slice) = try client.receive().reply, !slice.records.isEmpty { records += slice.records }
    return records
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "fp-snapshot-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory + "/tables")
  }

  @Test("A new daemon has the tables of the last one, stale, and its own boot id")
  func restart() throws {
    try withDirectory { path in
      var before: [TableRecord] = []
      var boot: (high: UInt64, low: UInt64) = (0, 0)
      try ServiceFixture(configuration(path)).run { fixture in
        let client = try SocketClient.greeted(fixture.path, owner: 7)
        var records = (0..<3000).map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
        var mortal = Sample.binding("203.0.113.10/32")
        mortal.lifetime = 3600
        mortal.mobileNode = "mn@example"
        records.append(.binding(mortal))
        records.append(.tunnel(TunnelRecord(tunnel: Sample.mag2, isStatic: true, mtu: .octets(1400))))
        records.append(.peer(PeerRecord(address: Sample.address("2001:db8:c::1"), state: .failed)))
        #expect(try client.ask(.upsert(UpsertRequest(records: records))).status == .ok)
        before = try dump(client)
        boot = try client.hello(owner: 7).bootID
      }
      try ServiceFixture(configuration(path)).run { fixture in
        let client = try SocketClient.greeted(fixture.path, owner: 7)
        let hello = try client.hello(owner: 7)
        #expect(hello.bootID != boot)
        #expect(hello.tables.filter(\.hasStaleEntries).map(\.number).sorted() == [1, 2, 5])
        let after = try dump(client)
        func fresh(_ records: [TableRecord]) -> Set<TableRecord> {
          Set(
            records.map { record in
              guard case .binding(var binding) = record, let lifetime = binding.lifetime else { return record }
              // Some of it has gone by since.
              #expect((3500...3600).contains(lifetime))
              binding.lifetime = 1
              return .binding(binding)
            })
        }
        #expect(fresh(after) == fresh(before))
        // What its owner says again is stale no more, and writes nothing.
        guard case .outcome(let outcome) = try client.ask(.upsert(UpsertRequest(records: after))) else {
          Issue.record("refused")
          return
        }
        #expect(outcome.unchanged >= 3000)
        #expect(try client.hello(owner: 7).tables.allSatisfy { !$0.hasStaleEntries })
      }
    }
  }

  @Test("A damaged one is set aside with its reason in the log, and nothing of it is loaded")
  func damaged() throws {
    try withDirectory { path in
      let writer = try SnapshotWriter(path: path, header: SnapshotHeader(role: .lma, boot: (1, 2), time: 0))
      try writer.add([.binding(Sample.binding("2001:db8:100:1::/64"))], owners: [7])
      try writer.finish()
      for round in 1...2 {
        var octets = try Data(contentsOf: URL(fileURLWithPath: round == 1 ? path : path + ".damaged-1"))
        if round == 1 { octets.removeLast(3) }
        try octets.write(to: URL(fileURLWithPath: path))
        let log = LogRecorder()
        try ServiceFixture(configuration(path), record: log).run { fixture in
          let client = try SocketClient.greeted(fixture.path)
          #expect(try client.hello().tables.allSatisfy { $0.entries == 0 && !$0.hasStaleEntries })
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path).damaged-\(round)")) == octets)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(
          log.texts.joined().contains("the snapshot is refused")
            && log.texts.joined().contains("in the middle of something"))
      }
    }
  }

  @Test("Lives that ended while nobody was there stay away, and entries that the configuration refuses are counted")
  func selection() throws {
    try withDirectory { path in
      let then = UInt64(Date().timeIntervalSince1970) - 100
      let writer = try SnapshotWriter(
        path: path, header: SnapshotHeader(role: .lma, boot: (1, 2), time: then * 1_000_000_000))
      let lifetimes: [(String, UInt32?)] = [
        ("2001:db8:100:1::/64", 50), ("2001:db8:100:2::/64", 200), ("2001:db8:100:3::/64", nil),
        ("2001:db8:999:3::/64", nil),
      ]
      let records = lifetimes.map { prefix, lifetime in
        var record = Sample.binding(prefix)
        record.lifetime = lifetime
        return TableRecord.binding(record)
      }
      try writer.add(records, owners: [7, 7, 7, 7])
      try writer.finish()
      let log = LogRecorder()
      try ServiceFixture(configuration(path), record: log).run { fixture in
        let client = try SocketClient.greeted(fixture.path)
        let bindings = try dump(client).compactMap { record -> BindingRecord? in
          if case .binding(let binding) = record { binding } else { nil }
        }
        #expect(Set(bindings.map(\.prefix)) == Set(lifetimes[1...2].map { Sample.prefix($0.0) }))
        let left = bindings.compactMap(\.lifetime)
        #expect(left.count == 1 && (90...100).contains(left[0]))
      }
      #expect(log.texts.joined().contains("the configuration refuses entries of the snapshot"))
    }
  }
}
