import ControlProtocol
import RecordText

// A file of records as people write it. What is read is written and read again; and every address is what inet_pton says.

/// libFuzzer's entry: what traps here is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // Safe: libFuzzer says how many octets there are, and they are copied.
  fuzz(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private func fuzz(_ octets: [UInt8]) {
  comparePrefix(octets)
  guard let records = read(octets) else { return }
  let runs = RecordRun.runs(of: 2, in: octets)
  precondition(runs.reduce(0) { $0 + $1.count } == records.elements.count, "runs have another number of records")
  var number = 0
  for run in runs {
    guard let part = try? run.records(octets) else { fatalError("a run refuses what the whole takes") }
    precondition(part == Array(records.elements[number..<number + part.count]), "a run reads other records")
    for index in part.indices {
      precondition(run.line(index, octets) == records.lines[number + index], "a run names another line")
    }
    number += part.count
  }
  for record in records.elements {
    let text = Array(RecordJSON.text(record).utf8)
    let again = read(text)
    precondition(again?.elements == [record], "written and read again, the record is another")
    var frame: [UInt8] = []
    Request.upsert(UpsertRequest(records: [record])).encode(requestID: 1, into: &frame)
    // Safe: UInt8 has no padding, and no span outlives its statement.
    guard let header = try? FrameHeader(decoding: unsafe frame.span.bytes, limits: .standard) else {
      fatalError("no header")
    }
    let payload = unsafe frame.span.extracting(FrameHeader.size..<frame.count).bytes
    precondition(
      (try? Request(header: header, payload: payload, limits: .standard))
        == .upsert(UpsertRequest(records: [record])), "the daemon would read another record")
  }
}

private func read(_ octets: [UInt8]) -> RecordLines<TableRecord>? {
  try? RecordLines(.text(octets)) { (document) throws(RecordError) in try RecordJSON.record(document) }
}
