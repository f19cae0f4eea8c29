import ControlPlane
import ControlProtocol
import Dispatch
import FlowTable
import Foundation
import Synchronization
import Testing

@Suite("Snapshots in time and at the end")
struct SnapshotStopTests {
  private func configuration(_ path: String) -> String {
    SampleConfiguration.lma.replacing(
      "control: {socket: /run/fastpath/lma.sock}", with: "control: {socket: /run/fastpath/lma.sock, snapshot: \(path)}")
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "fp-snapshot-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }

  private func set(_ numbers: Range<Int>, _ fixture: ServiceFixture) throws {
    let records = numbers.map { TableRecord.binding(Sample.binding(Sample.pooled($0))) }
    let client = try SocketClient.greeted(fixture.path, owner: 7)
    #expect(try client.ask(.upsert(UpsertRequest(records: records))).status == .ok)
  }

  private func count(_ path: String) throws -> UInt64 { try SnapshotReader(path: path, role: .lma).count }

  private func wait(_ what: String, _ isDone: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(30)
    while !isDone() {
      guard ContinuousClock.now < end else { throw SocketClient.Failure(description: "not in 30 s: \(what)") }
      usleep(20_000)
    }
  }

  @Test("One that cannot be written says why and what is done, once; it is written as soon as it can be")
  func unwritable() throws {
    try withDirectory { directory in
      let path = directory + "/later/tables"
      let log = LogRecorder()
      try ServiceFixture(configuration(path), record: log).run { fixture in
        try set(0..<10, fixture)
        try wait("the refusal") { log.texts.joined().contains("the snapshot cannot be written") }
        let words = log.texts.filter { $0.contains("the snapshot cannot be written") }
        #expect(
          words.count == 1 && words[0].contains("tried again every 5 s") && words[0].contains("its directory must"))
        #expect(words[0].contains("\(path).tmp: No such file or directory"))
        try FileManager.default.createDirectory(atPath: directory + "/later", withIntermediateDirectories: false)
        try wait("a snapshot") { FileManager.default.fileExists(atPath: path) }
        #expect(try count(path) == 10)
      }
    }
  }

  @Test("The last one has what was said a moment before the end; without a change none is written")
  func last() throws {
    try withDirectory { directory in
      let path = directory + "/tables"
      for (round, numbers) in [0..<3000, 1000..<5000, 0..<0].enumerated() {
        let before = try? Data(contentsOf: URL(fileURLWithPath: path))
        try ServiceFixture(configuration(path)).run { fixture in
          if !numbers.isEmpty { try set(numbers, fixture) }
        }
        #expect(try count(path) == [3000, 5000, 5000][round])
        if numbers.isEmpty { #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["tables"])
      }
    }
  }

  @Test(
    "One that would take too long is given up, and the one before stays; so it does when the last cannot be written")
  func givenUp() throws {
    try withDirectory { directory in
      let path = directory + "/tables"
      try ServiceFixture(configuration(path)).run { try set(0..<10, $0) }
      let log = LogRecorder()
      // From a moment on each look at the clock takes a second.
      let isSlow = Atomic<Bool>(false)
      let seconds = Atomic<UInt64>(0)
      let clock: @Sendable () -> UInt64 = {
        if isSlow.load(ordering: .relaxed) { seconds.add(1, ordering: .relaxed) }
        return DispatchTime.now().uptimeNanoseconds + seconds.load(ordering: .relaxed) * 1_000_000_000
      }
      try ServiceFixture(configuration(path), clock: clock, record: log).run { fixture in
        try set(0..<5000, fixture)
        isSlow.store(true, ordering: .relaxed)
      }
      #expect(log.texts.joined().contains("the last snapshot is given up"))
      #expect(try count(path) == 10)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["tables"])
      let other = LogRecorder()
      try ServiceFixture(configuration(path), record: other).run { fixture in
        try set(0..<20, fixture)
        try FileManager.default.moveItem(atPath: directory, toPath: directory + "-moved")
      }
      try FileManager.default.moveItem(atPath: directory + "-moved", toPath: directory)
      #expect(other.texts.joined().contains("the last snapshot cannot be written"))
      #expect(try count(path) == 10)
    }
  }
}
