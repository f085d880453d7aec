package visit

import (
	"encoding/base64"
	"slices"
)

// A browser sends the visit cookies of all sites on a host along, and servers take
// 8 KiB of headers, most of which the site's own cookies may want. So what ours take
// is bounded together, and each site's share is at least worth having.
const (
	maxTogether = 1900 // bytes of a Cookie header, so that browser IDs fit into 2 KiB with them
	leastShare  = 160  // with the cookie's name
)

// Beside is the visit cookie of another site that the browser sent along.
type Beside struct {
	*Cookie
	Values [2]string // as [Cookie.Find] returns them
	// From is the visitor's browser ID there, and To the one that they have from
	// now on.
	From, To string
	// Needs is what the goals ask of it.
	Needs *Needs
}

// Change is what becomes of another site's cookie. Without a Value it is deleted.
type Change struct {
	*Cookie
	Value string
}

// sent is a cookie of another site, while it is decided what becomes of it.
type sent struct {
	Beside
	size    int // what it takes of the header
	last    int64
	changed bool
	value   string
}

// size is what a cookie takes of a Cookie header.
func (c *Cookie) size(value string) int { return len(c.Name) + len("=") + len(value) + len("; ") }

// roomIn is how long a payload may be whose cookie takes so much of a header.
func (c *Cookie) roomIn(size int) int {
	return max(min(sealedRoom(size-c.size("00000000.")), c.Room), 0)
}

// Share says how long the payload of c's cookie may be, which wants so many bytes,
// and what becomes of the cookies of other sites. They are sealed anew if the visitor
// has another browser ID from now on. If all of them took too much of a header
// together, those that take more than their share are made shorter. If that is not
// enough, those of sites visited longest ago are deleted.
func Share(c *Cookie, payload int, beside []Beside, now int64) (room int, changes []Change) {
	left := maxTogether
	list := make([]sent, 0, len(beside))
	for _, b := range beside {
		s := sent{Beside: b}
		for _, v := range b.Values {
			if minute, _, ok := Split(v); ok {
				s.size += b.size(v)
				s.last = max(s.last, minute)
			}
		}
		if s.size > 0 {
			if b.From != b.To {
				s.seal(s.Room, now)
			}
			left -= s.size
			list = append(list, s)
		}
	}
	share := max(maxTogether/(len(list)+1), leastShare)
	wants := min(share, c.size("00000000.")+base64.URLEncoding.EncodedLen(payload+sealedMore))
	for i := range list {
		if s := &list[i]; left < wants && s.size > share {
			left += s.size
			s.seal(s.roomIn(share), now)
			left -= s.size
		}
	}
	slices.SortFunc(list, func(a, b sent) int { return int(a.last - b.last) })
	for i := range list {
		s := &list[i]
		if left < wants {
			left += s.size
			s.changed, s.value = true, ""
		}
		if s.changed {
			changes = append(changes, Change{s.Cookie, s.value})
		}
	}
	return c.roomIn(left), changes
}

// seal seals a cookie anew, in that room. One that nobody here can open stays.
func (s *sent) seal(room int, now int64) {
	o := s.Open(s.Values, s.From, now)
	if o.Visit == nil {
		return
	}
	payload, _ := o.Encode(room, s.Needs)
	value, err := s.Seal(payload, s.To, min(o.Last, now))
	if err != nil {
		return
	}
	s.changed, s.value, s.size = true, value, s.Cookie.size(value)
}
