import Glibc

/// A file descriptor that is closed when its owner goes. Swift cannot destroy half-built
/// noncopyable values, so whoever may fail after opening keeps one of these meanwhile and releases it at the end.
package struct OwnedDescriptor: ~Copyable, Sendable {
  package let number: Int32

  package init(_ number: Int32) { self.number = number }

  /// Ends the ownership without closing.
  package consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  deinit { close(number) }
}
