"""A Proxy Mobile IPv6 domain on network namespaces: what the namespace tests, the demo and the benchmarks stand on.

Notes about veth that every user of this package relies on (measured on kernel 6.18, see docs/TESTING.md):

* Frames that reach a veth by `ndo_xdp_xmit` (an XDP program's redirect, live frames of BPF_PROG_TEST_RUN) vanish unless
  the *receiving* end has an XDP program or GRO on. Frames that AF_XDP sends in copy mode do not take that way: they are
  built as skbs and go through `veth_xmit`, so peers of the daemon need neither. Only the packet generator needs a
  program at the far end.
* A sender leaves checksums of TCP and UDP unfinished when `tx` offload is on, and nobody behind AF_XDP would complete
  them: `Bed.link` turns it off on both ends, together with GRO, GSO and TSO (a merged frame would be encapsulated as
  one) and the VLAN offloads (which hide tags from XDP).
"""

from .bed import Bed
from .control import Control, Refused
from .daemon import Daemon
from .domain import Domain
from .frames import RawPort
from .namespace import Namespace

__all__ = ["Bed", "Control", "Daemon", "Domain", "Namespace", "RawPort", "Refused"]
