import ControlProtocol

// A request from a hostile client: it is decoded as the daemon does it, from header and payload.

/// libFuzzer's entry: what traps here is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // Safe: libFuzzer says how many octets there are, and they are copied.
  fuzz(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private func fuzz(_ octets: [UInt8]) {
  // Safe here and below: UInt8 has no padding, and no span outlives its statement.
  guard let header = try? FrameHeader(decoding: unsafe octets.span.bytes, limits: .standard),
    octets.count - FrameHeader.size >= Int(header.payloadLength)
  else { return }
  let end = FrameHeader.size + Int(header.payloadLength)
  let request: Request
  do throws(DecodeError) {
    request = try Request(
      header: header, payload: unsafe octets.span.extracting(FrameHeader.size..<end).bytes, limits: .standard)
  } catch {
    // Whatever it is, it can be answered.
    var answer: [UInt8] = []
    Reply.failure(error.status, error.outcome).encode(type: header.type, requestID: header.requestID, into: &answer)
    return
  }
  var again: [UInt8] = []
  request.encode(requestID: header.requestID, flags: header.flags, into: &again)
  guard let secondHeader = try? FrameHeader(decoding: unsafe again.span.bytes, limits: .standard),
    let second = try? Request(
      header: secondHeader, payload: unsafe again.span.extracting(FrameHeader.size..<again.count).bytes,
      limits: .standard)
  else { fatalError("decoded and encoded, the request is none any more") }
  precondition(second == request, "decoded, encoded and decoded again, the request is another")
  precondition(secondHeader.requestID == header.requestID && secondHeader.flags == header.flags)
}
