import ControlPlane
import ControlProtocol
import FlowTable
import Testing

@Suite("Names of mobile nodes")
struct RegistryNameTests {
  /// Canonically equivalent, and so equal as texts; the identifiers of REQUIREMENTS and of the protocol are octets.
  private static let names = ["caf\u{e9}@example", "cafe\u{301}@example"]

  private static func record(_ number: Int) -> BindingRecord {
    Sample.binding(Sample.pooled(number), mobileNode: names[number % 2])
  }

  @Test("Names that differ in octets are two mobile nodes', and each binding is dumped with its own")
  func octets() throws {
    #expect(Self.names[0] == Self.names[1])
    for order in [[0, 1], [1, 0]] {
      let fixture = try RegistryFixture()
      for number in order { _ = fixture.set(.binding(Self.record(number))) }
      for case .binding(let record) in try fixture.dump(.bindings) {
        let number = record.prefix == Self.record(0).prefix ? 0 : 1
        #expect(record.mobileNode.map { Array($0.utf8) } == Array(Self.names[number].utf8))
      }
      // The digest is of the octets that were sent.
      let digest = fixture.registry.contents(of: .bindings).digest
      _ = fixture.set(.binding(Self.record(order[0])), .binding(Self.record(order[1])))
      #expect(fixture.registry.contents(of: .bindings).digest == digest)
      let expected = [0, 1].reduce(0 as UInt64) { sum, number in
        let product = UInt64(Self.checksum(number)) &* 0x9e37_79b9_7f4a_7c15
        return sum &+ (product ^ product >> 32)
      }
      #expect(digest == expected)
    }
  }

  @Test("A binding set again with the other spelling of its name is another mobile node's from then on")
  func changed() throws {
    let fixture = try RegistryFixture()
    var record = Self.record(0)
    #expect(fixture.set(.binding(record)).applied == 1)
    record.mobileNode = Self.names[1]
    #expect(fixture.set(.binding(record)).applied == 1)
    #expect(fixture.set(.binding(record)).unchanged == 1)
  }

  @Test("Names of every length and with a common beginning are told apart")
  func lengths() throws {
    let fixture = try RegistryFixture()
    let names =
      (1...64).map { String(repeating: "a", count: $0) } + (1...63).map { String(repeating: "a", count: $0) + "b" }
    for (number, name) in names.enumerated() {
      #expect(fixture.set(.binding(Sample.binding(Sample.pooled(number), mobileNode: name))).applied == 1)
    }
    let found = try fixture.dump(.bindings).compactMap { record -> String? in
      if case .binding(let binding) = record { binding.mobileNode } else { nil }
    }
    #expect(found.sorted() == names.sorted())
  }

  /// Of the record's octets as sent, without trailing zeros; the model's CRC.
  private static func checksum(_ number: Int) -> UInt32 {
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: [.binding(record(number))])).encode(requestID: 1, into: &frame)
    var octets = Array(frame.dropFirst(32))
    while octets.last == 0 { octets.removeLast() }
    return OwnershipModel.crc(octets)
  }
}
