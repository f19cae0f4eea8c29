import ArgumentParser
import Assembly
import FastPath
import Glibc
import RecordText

/// Collects what a replay shows and writes it at the end: nothing is left half written by a refusal before.
struct ReplayOutput {
  private let ports: [String]
  private var sent: [[CapturedPacket]]
  private var kernel: [CapturedPacket] = []
  private var kernelLines: [String] = []
  private var verdictLines: [String] = []
  private var eventLines: [String] = []

  init(ports: [String]) {
    self.ports = ports
    sent = Array(repeating: [], count: ports.count)
  }

  mutating func transmit(_ frame: [UInt8], port: Int, time: UInt64) {
    sent[port].append(CapturedPacket(time: time, frame: frame))
  }

  mutating func giveToKernel(_ frame: [UInt8], number: Int, port: Int, reason: String, time: UInt64) {
    kernel.append(CapturedPacket(time: time, frame: frame))
    kernelLines.append(
      JSONText.object([
        ("n", "\(number)"), ("port", JSONText.quoted(ports[port])), ("reason", JSONText.quoted(reason)),
      ]))
  }

  mutating func verdict(_ number: Int, _ verdict: ReplayVerdict) {
    let names = verdict.out.map { JSONText.quoted(ports[$0]) }.joined(separator: ",")
    let (word, reason) = verdict.words
    verdictLines.append(
      JSONText.object([
        ("n", "\(number)"), ("in", JSONText.quoted(ports[verdict.port])), ("verdict", JSONText.quoted(word)),
        ("reason", reason.map(JSONText.quoted) ?? "null"), ("out", "[\(names)]"),
      ]))
  }

  mutating func event(_ members: [(String, String)]) { eventLines.append(JSONText.object(members)) }

  func write(to directory: String, counters: CounterReport) throws(CommandFailure) {
    // Safe: the path is passed as a terminated string for this call only.
    guard unsafe mkdir(directory, 0o777) == 0 || errno == EEXIST else { throw Self.failure(directory, errno) }
    for (index, name) in ports.enumerated() {
      try Self.write("\(directory)/\(name).pcap", CaptureFile.encode(sent[index]))
    }
    try Self.write("\(directory)/kernel.pcap", CaptureFile.encode(kernel))
    try Self.write("\(directory)/kernel.ndjson", Self.lines(kernelLines))
    try Self.write("\(directory)/verdicts.ndjson", Self.lines(verdictLines))
    try Self.write("\(directory)/events.ndjson", Self.lines(eventLines))
    let members = counters.entries.map { ($0.name, "\($0.value)") }
    try Self.write("\(directory)/counters.json", Self.lines([JSONText.object(members)]))
  }

  private static func lines(_ texts: [String]) -> [UInt8] { texts.flatMap { Array($0.utf8) + [0x0a] } }

  private static func write(_ path: String, _ octets: [UInt8]) throws(CommandFailure) {
    // Safe: the path is passed as a terminated string for this call only.
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path, errno) }
    defer { close(descriptor) }
    var written = 0
    while written < octets.count {
      // Safe: the pointer is into `octets`, with the remaining count, for this call only.
      let result = unsafe octets.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      }
      if result >= 0 {
        written += result
      } else if errno != EINTR {
        throw failure(path, errno)
      }
    }
  }

  private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
    // Safe: strerror returns a terminated string, copied before anything else runs.
    .refused("cannot write \(path): \(unsafe String(cString: strerror(code)))")
  }
}
