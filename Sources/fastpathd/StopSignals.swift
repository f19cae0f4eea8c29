import Glibc

/// The signals that steer the daemon, taken one at a time by the main thread.
struct StopSignals {
  enum Request {
    case stop
    case reload
  }

  private var waited = sigset_t()

  /// Blocks SIGTERM, SIGINT and SIGHUP for this thread and all it starts from now on; SIGPIPE is ignored, as a client
  /// that goes away must not end the daemon.
  init() {
    unsafe sigemptyset(&waited)
    for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&waited, number) }
    // Local sets; a null pointer asks for no copy of the old mask.
    unsafe pthread_sigmask(SIG_BLOCK, &waited, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next one, at most for a second; nil if none came.
  func next() -> Request? {
    var period = timespec(tv_sec: 1, tv_nsec: 0)
    var waited = waited
    // Local values for the call; no details of the signal are asked for. -1: time out, or interrupted.
    let number = unsafe sigtimedwait(&waited, nil, &period)
    if number < 0 { return nil }
    return number == SIGHUP ? .reload : .stop
  }
}
