import FastPath
import Foundation

/// One line of Fixtures/steering.tsv, which Fixtures/make_steering.py writes.
struct SteeringFixture: Sendable, CustomStringConvertible {
  let port: String
  let expected: SteerReason
  let description: String
  let frame: [UInt8]

  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")

  static func load() throws -> [SteeringFixture] {
    let text = try String(contentsOf: directory.appendingPathComponent("steering.tsv"), encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      let fields = line.split(separator: "\t").map(String.init)
      guard fields.count == 4, let reason = SteerReason.allCases.first(where: { $0.name == fields[1] }) else {
        throw PrivateNetwork.Failure(description: "steering.tsv: \(line.prefix(80))")
      }
      let digits = Array(fields[3].utf8)
      let frame = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
      return SteeringFixture(port: fields[0], expected: reason, description: "\(fields[0]): \(fields[2])", frame: frame)
    }
  }

  static func named(_ description: String) throws -> SteeringFixture {
    guard let fixture = try load().first(where: { $0.description == description }) else {
      throw PrivateNetwork.Failure(description: "no '\(description)' in steering.tsv")
    }
    return fixture
  }
}
