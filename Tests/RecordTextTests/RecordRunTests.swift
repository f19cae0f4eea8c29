import ControlProtocol
import RecordText
import Testing

@Suite("Runs of records")
struct RecordRunTests {
  private static let blanks = ["", " ", "\t\r"]

  /// A text of so many records with blank lines among them, and the line of each record.
  private static func text(_ records: Int, _ generator: inout SeededGenerator) -> (octets: [UInt8], lines: [Int]) {
    var (octets, lines, line): ([UInt8], [Int], Int) = ([], [], 1)
    for index in 0..<records {
      while Int.random(in: 0..<4, using: &generator) == 0 {
        octets += Array((blanks.randomElement(using: &generator) ?? "").utf8) + [0x0a]
        line += 1
      }
      octets += Array("{\"peer\":\"2001:db8::\(String(index + 1, radix: 16))\",\"state\":\"failed\"}\n".utf8)
      lines.append(line)
      line += 1
    }
    // The last line may be without its line feed.
    if !octets.isEmpty, Bool.random(using: &generator) { octets.removeLast() }
    return (octets, lines)
  }

  @Test("Cut anywhere, all records come once, in order and with their lines")
  func cuts() throws {
    var generator = SeededGenerator(seed: TestSeed.value)
    for records in 0..<60 {
      let (octets, lines) = Self.text(records, &generator)
      let size = Int.random(in: 1...20, using: &generator)
      let runs = RecordRun.runs(of: size, in: octets)
      #expect(runs.dropLast().allSatisfy { $0.count == size }, "\(TestSeed.rerun)")
      var seen: [TableRecord] = []
      for run in runs {
        let part = try run.records(octets)
        #expect(part.count == run.count, "\(TestSeed.rerun)")
        for index in part.indices {
          #expect(run.line(index, octets) == lines[seen.count + index], "\(TestSeed.rerun)")
        }
        seen += part
      }
      let wanted = (0..<records).map { index in
        TableRecord.peer(
          PeerRecord(address: WireAddress(ipv6High: 0x2001_0db8_0000_0000, low: UInt64(index + 1)), state: .failed))
      }
      #expect(seen == wanted, "\(TestSeed.rerun)")
    }
  }

  @Test("A bad line is named by its number in the file, whichever run it is in")
  func badLine() {
    let lines = (1...50).map { $0 == 37 ? "{\"peer\":1}" : "\n{\"peer\":\"2001:db8::\($0)\",\"state\":\"failed\"}" }
    let octets = Array(lines.joined(separator: "\n").utf8)
    let errors = RecordRun.runs(of: 8, in: octets).compactMap { run -> RecordLineError? in
      do throws(RecordLineError) {
        _ = try run.records(octets)
        return nil
      } catch {
        return error
      }
    }
    #expect(errors.map(\.line) == [73])
    #expect(errors.first?.field == "peer")
    #expect(errors.first?.rule == "must be a string, not a number")
  }
}
