import ControlProtocol

/// What the writer's loop knows of one connection, from its HELLO to its end. Confined to the writer's loop.
final class ClientSession {
  let connection: ConnectionHandler
  /// Of the entries that this client sets; from HELLO, and always the same then.
  private(set) var owner: UInt32 = 0
  private(set) var hasGreeted = false
  /// The transaction that is open here.
  var replacement: Replacement?
  /// The last one that began here and has not ended.
  var synchronization: Synchronization?

  init(_ connection: ConnectionHandler) { self.connection = connection }

  /// Takes in a HELLO; false: it names another owner than the one before.
  func greet(owner: UInt32) -> Bool {
    guard !hasGreeted || owner == self.owner else { return false }
    self.owner = owner
    hasGreeted = true
    return true
  }
}
