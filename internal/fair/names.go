package fair

import (
	"hash/maphash"
	"math/bits"
	"net/netip"
)

// Who is whose something is. A part that is zero is not known.
type Who struct {
	Visitor uint64 // as Names.Visitor says
	Network uint64 // as Names.Network says
}

// Name is one name for the visitor as they come from that network, so that nobody else can use
// up what they may have. It is 0 if the visitor is not known.
func (w Who) Name() uint64 {
	if w.Visitor == 0 {
		return 0
	}
	return max(w.Visitor^bits.RotateLeft64(w.Network, 32), 1)
}

// Names gives visitors and networks names that mean nothing outside of this process. It
// is safe for concurrent use. Make it with [NewNames].
type Names struct{ seed maphash.Seed }

// NewNames returns names of which nobody else has the key.
func NewNames() *Names { return &Names{maphash.MakeSeed()} }

// Visitor is the name of whoever is known by a text, 0 for "".
func (n *Names) Visitor(text string) uint64 {
	if text == "" {
		return 0
	}
	return max(maphash.String(n.seed, text), 1)
}

// v6Network is how many bits of an IPv6 address tell customers apart.
const v6Network = 64

// Network is the name of an address's network, 0 if there is no address.
func (n *Names) Network(a netip.Addr) uint64 {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
		return 0
	case a.Is6():
		whole := a.As16()
		return max(maphash.Bytes(n.seed, whole[:v6Network/8]), 1)
	}
	whole := a.As4()
	return max(maphash.Bytes(n.seed, whole[:]), 1)
}

// shared is the space that providers share among customers
// (https://www.rfc-editor.org/rfc/rfc6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// examples are addresses for examples (https://www.rfc-editor.org/rfc/rfc5737), which
// net/http/httptest gives to the requests of a test.
var examples = netip.MustParsePrefix("192.0.2.0/24")

// IsPublic reports whether an address is one of the internet, which tells people apart
// without anybody saying so.
func IsPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a) && !examples.Contains(a)
}
