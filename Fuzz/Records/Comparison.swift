import ControlProtocol
import FlowTable
import RecordText

/// The first line as an address or a prefix: it is what FlowTable makes of it with inet_pton, or neither.
func comparePrefix(_ octets: [UInt8]) {
  guard let line = octets.split(separator: 0x0a, maxSplits: 1).first, line.count <= 64,
    let text = String(validating: line, as: UTF8.self)
  else { return }
  let address = IPAddress(text: text).map { WireAddress($0) }
  precondition(WireAddress(Array(line).span) == address, "inet_pton reads another address")
  let prefix = Prefix(text: text).flatMap { WirePrefix(address: WireAddress($0.address), length: Int($0.length)) }
  precondition(WirePrefix(Array(line).span) == prefix, "FlowTable reads another prefix")
}
