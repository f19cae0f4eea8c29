import ControlProtocol
import FastpathClient

// What a client reads from a hostile daemon: a stream in two pieces, cut into replies as the client does it.

/// libFuzzer's entry: what traps here is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // Safe: libFuzzer says how many octets there are, and they are copied.
  fuzz(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

private func fuzz(_ octets: [UInt8]) {
  guard let first = octets.first else { return }
  let stream = octets.dropFirst()
  let cut = stream.startIndex + min(Int(first), stream.count)
  var reader = ReplyReader()
  var replies: [ReceivedReply] = []
  var isBroken = false
  for piece in [stream[..<cut], stream[cut...]] where !isBroken {
    reader.append(piece)
    do throws(DecodeError) {
      while let reply = try reader.next() { replies.append(reply) }
    } catch {
      isBroken = true
    }
  }
  for received in replies {
    // An event, a failure and so on of any type number: the type only has to lead to the same decoder again.
    guard let type = type(of: received.reply) else { continue }
    var again: [UInt8] = []
    received.reply.encode(type: type.rawValue, requestID: received.requestID, more: received.more, into: &again)
    var second = ReplyReader()
    second.append(again)
    guard let reply = try? second.next() else { fatalError("decoded and encoded, the reply is none any more") }
    precondition(reply.reply == received.reply, "decoded, encoded and decoded again, the reply is another")
    precondition(reply.requestID == received.requestID && reply.more == received.more)
  }
}

private func type(of reply: Reply) -> MessageType? {
  switch reply {
  case .hello: .hello
  case .outcome, .failure: .upsert
  case .lookup: .lookup
  case .dump: .dump
  case .status: .status
  case .counters: .counters
  case .ping: .ping
  case .event: .event
  case .statistics: .statistics
  }
}
