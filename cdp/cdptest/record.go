package cdptest

import (
	"net/http"
	"strings"
	"time"
)

// Event is one event taken in. Its maps and slices are shared by everybody who
// asks: read them, do not change them.
type Event struct {
	BrowserID string
	Type      string
	Page      string
	Channel   string
	Language  string
	Currency  string

	// PointOfSale is the event's pos; on the edge, where pos is empty, the site
	// name it was sent for, from which the edge supplies the point of sale.
	PointOfSale string

	// UserAgent is the User-Agent header of whoever sent the event: of a server,
	// when a server did.
	UserAgent string

	Ext  map[string]any // string, bool or float64; nil without ext
	Body map[string]any // the whole event; numbers are float64
	Raw  []byte         // the whole event as it was sent

	Ref    string    // the event's ID, as answered
	Time   time.Time // when it was taken in
	Method string    // POST, or GET for the form with the event in the URL
	Path   string
	Query  string // as sent, without "?"
	Header http.Header

	// Lost says that the event was answered 201 and that the real CDP would
	// never have shown it: its point of sale (on the edge: its site) is missing
	// or not one of the known ones.
	Lost bool
}

// Request is one API call, refused ones included. Its header and body are
// shared by everybody who asks: read them, do not change them.
type Request struct {
	Time   time.Time
	Kind   Kind
	Method string
	URL    string // path and query
	Header http.Header
	Body   []byte // at most 1 MB of it

	// Status is what was answered: 0 as long as nothing has been, which is for
	// ever when a fault reset the connection or the client left.
	Status int

	// Refusal is why the contract refuses the request; empty when it does not,
	// and when a fault answered in its place.
	Refusal string
}

// Kind is what a request asks for. Kinds combine with | where several are
// meant, as in [Fault.On].
type Kind uint8

// The kinds of request.
const (
	Creates Kind = 1 << iota // browser/create.json: a new browser ID
	Shows                    // browser/{browser ID}/show.json: the guest of a browser ID
	Sends                    // events or event/create.json: an event
	Others                   // a path the stand-in does not have
	Reads                    // /v2.1/guests/{guest ID}: a guest, by the REST API
)

// String names the kinds: "create", "show", "event", "other", "guest", joined with "|".
func (k Kind) String() string {
	var names []string
	for i, name := range []string{"create", "show", "event", "other", "guest"} {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// weightOf is about how many bytes a kept item holds; bodies and headers are
// all that can be large.
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
