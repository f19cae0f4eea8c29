import ControlProtocol
import NIOCore

// What a hostile client sends, as the daemon cuts it into requests: a stream in pieces of any sizes. The first octets of the
// input say how long the pieces are, the rest is the stream.

/// libFuzzer's entry: what traps here is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // Safe: libFuzzer says how many octets there are, and they are copied.
  fuzz(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private let cuts = 7

private func fuzz(_ octets: [UInt8]) {
  guard octets.count > cuts else { return }
  let stream = Array(octets.dropFirst(cuts))
  let whole = frames(stream, pieces: [stream.count])
  let cut = frames(stream, pieces: octets.prefix(cuts).map { Int($0) + 1 })
  precondition(whole.count == cut.count, "another number of frames from the same octets in pieces")
  for (one, other) in zip(whole, cut) {
    precondition(isSame(one, other), "another frame from the same octets in pieces")
  }
  check(whole, stream)
}

/// All frames of the stream, whose pieces have these lengths in turn.
private func frames(_ stream: [UInt8], pieces: [Int]) -> [IncomingFrame] {
  var assembler = FrameAssembler(limits: .standard)
  var frames: [IncomingFrame] = []
  var (position, piece) = (0, 0)
  while position < stream.count {
    let end = min(position + pieces[piece % pieces.count], stream.count)
    var buffer = ByteBuffer(bytes: stream[position..<end])
    assembler.append(&buffer)
    while let frame = assembler.next() { frames.append(frame) }
    (position, piece) = (end, piece + 1)
  }
  let isBroken = frames.last?.endsStream ?? false
  let taken = frames.reduce(0) { $0 + $1.octets }
  precondition(isBroken || assembler.pendingOctets == stream.count - taken, "octets were lost, or are kept twice")
  precondition(assembler.next() == nil, "a frame comes without octets")
  return frames
}

private func isSame(_ one: IncomingFrame, _ other: IncomingFrame) -> Bool {
  guard one.type == other.type, one.requestID == other.requestID, one.flags == other.flags, one.octets == other.octets,
    one.endsStream == other.endsStream, one.sum?.octets == other.sum?.octets,
    one.sum?.checksum.value == other.sum?.checksum.value
  else { return false }
  return switch (one.content, other.content) {
  case (.success(let left), .success(let right)): left == right
  case (.failure(let left), .failure(let right)): left.status == right.status && left.outcome == right.outcome
  default: false
  }
}

/// The frames against the stream's octets, read by hand: length, type, flags and id are where the page says.
private func check(_ frames: [IncomingFrame], _ stream: [UInt8]) {
  var (start, mayTransact) = (0, false)
  for frame in frames {
    func number(_ offset: Int, _ octets: Int) -> Int {
      (0..<octets).reduce(0) { $0 | Int(stream[start + offset + $1]) << (8 * $1) }
    }
    precondition(frame.type == number(4, 2) && frame.requestID == number(8, 4), "another type or id than the octets'")
    if frame.endsStream { return }
    precondition(frame.octets == 24 + number(0, 4) && frame.octets <= stream.count - start, "another length")
    precondition(frame.flags.rawValue == number(6, 2), "other flags")
    if case .success(let request) = frame.content {
      if case .upsert = request, mayTransact {
        // Behind header and prelude.
        precondition(frame.sum?.octets == number(16, 4) * number(20, 2), "the records have another length")
        precondition(
          frame.sum?.checksum.value == crc(stream[(start + 32)..<(start + frame.octets)]),
          "the records have another CRC")
      } else {
        precondition(frame.sum == nil, "a sum of no records")
      }
      switch request {
      case .transactionBegin: mayTransact = true
      case .transactionCommit, .transactionAbort: mayTransact = false
      default: break
      }
    }
    start += frame.octets
  }
}

/// CRC-32 of IEEE 802.3, one bit at a time.
private func crc(_ octets: ArraySlice<UInt8>) -> UInt32 {
  var remainder = UInt32.max
  for octet in octets {
    remainder ^= UInt32(octet)
    for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1 }
  }
  return ~remainder
}
