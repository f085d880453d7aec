package cdptest

import (
	"net/http"
	"strings"
	"time"
)

// Event is one event that was taken in. Everybody who asks shares its maps and slices: read
// them, do not change them.
type Event struct {
	BrowserID string
	Type      string
	Page      string
	Channel   string
	Language  string
	Currency  string

	// PointOfSale is the event's pos. On the edge, where pos is empty, it is the name of
	// the site that the event was sent for; from that the edge knows the point of sale.
	PointOfSale string

	// UserAgent is the User-Agent header of whoever sent the event. If a server sent it, it
	// is what the server sends.
	UserAgent string

	Ext  map[string]any // values are string, bool or float64; nil without ext
	Body map[string]any // the whole event; numbers are float64
	Raw  []byte         // the whole event as it was sent

	Ref    string    // the event's ID, as answered
	Time   time.Time // when it was taken in
	Method string    // POST, or GET for the form with the event in the URL
	Path   string
	Query  string // as sent, without "?"
	Header http.Header

	// Lost says that the event was answered 201, but the real CDP would never have shown
	// it. Its point of sale is missing or not known; on the edge, its site is.
	Lost bool
}

// Request is one API call, refused ones included. Everybody who asks shares its header and body:
// read them, do not change them.
type Request struct {
	Time   time.Time
	Kind   Kind
	Method string
	URL    string // path and query
	Header http.Header
	Body   []byte // at most 1 MiB of it

	// Status is what was answered, or 0 if nothing has been answered yet. It stays 0 if a
	// fault reset the connection or the client left.
	Status int

	// Refusal is why the contract refuses the request. It is empty if the contract accepts
	// it, and if a fault answered in its place.
	Refusal string
}

// Kind is what a request asks for. Several kinds can be combined with |, as in [Fault.On].
type Kind uint8

// The kinds of request.
const (
	Creates Kind = 1 << iota // browser/create.json: a new browser ID
	Shows                    // browser/{browser ID}/show.json: the guest of a browser ID
	Sends                    // events or event/create.json: an event
	Others                   // a path the stand-in does not have
	Reads                    // /v2.1/guests/{guest ID}: a guest, by the REST API
)

// String returns the names of the kinds, joined with "|": "create", "show", "event", "other" and
// "guest".
func (k Kind) String() string {
	var names []string
	for i, name := range []string{"create", "show", "event", "other", "guest"} {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// weightOf returns about how many bytes a kept item has. Only bodies, headers and URLs can be
// large.
func weightOf(h http.Header, url string, body []byte) int {
	n := len(url) + len(body)
	for name, values := range h {
		n += len(name)
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}
