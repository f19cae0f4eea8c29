import FlowTable

/// A binding for as long as it exists: its traffic cell, which another's may be afterwards, and its prefix.
package struct HandoverKey: BitwiseCopyable, Equatable {
  package var counter: UInt32 = 0
  package var prefixLength: UInt32 = 0
  package var network = IPAddress(ipv6High: 0, low: 0)

  package init() {}

  package init(counter: UInt32, network: IPAddress, prefixLength: Int) {
    self.counter = counter
    self.network = network
    self.prefixLength = UInt32(prefixLength)
  }

  init(_ binding: BindingEntry) {
    self.init(counter: binding.counter, network: binding.network, prefixLength: binding.prefixLength)
  }
}
