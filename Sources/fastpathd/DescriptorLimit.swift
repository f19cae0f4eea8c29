import Glibc

/// How many descriptors this process may have open. The usual soft limit of 1024 is for programs that use select(2); a
/// thousand control connections beside the workers' sockets need more.
enum DescriptorLimit {
  private static let wanted: rlim_t = 4096

  /// Raises the soft limit as far as the hard one lets it. With less, clients beyond it wait to be accepted.
  static func raise() {
    var limit = rlimit()
    // Safe, also below: one rlimit structure of this frame.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
      return
    }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
