/* SwiftPM wants one source in a C target; this one proves that the header stands alone. */
#include "cinstructions.h"
