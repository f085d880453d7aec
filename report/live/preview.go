package live

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// A preview explains to somebody what becomes of their own requests. A link with a
// signature lets them mark their browser, with a cookie of a random name for it. Whoever
// has the cookie sees what that browser did, and nothing of others: the link shows nothing.
//
//	link    https://shop.example/contact?gt_preview=TOKEN, good for an hour
//	ask     the page behind it asks whether this browser is to be marked
//	mark    a click sets the cookie gt_preview for two hours
//	show    https://shop.example/?gt_preview=show is what became of its requests

// PreviewName is the name of the cookie, and of the parameter of links.
const PreviewName = "gt_preview"

// How long a link can be used, and how long a browser stays marked.
const (
	LinkAge = time.Hour
	MarkAge = 2 * time.Hour
)

// The bounds of what is kept: so many marked browsers, the last requests of each, and of
// each request so many goals and events. More browsers take the place of those that did
// nothing for longest.
const (
	MostMarks    = 16
	KeptRequests = 20
	mostGoals    = 200
	mostSent     = 20
	longestWhy   = 300
	longestEvent = 8 << 10
)

// leastKey is how many bytes a key has at least.
const leastKey = 32

// Preview marks browsers and keeps what became of their requests. It is the
// [fact.Preview] for a tracker's Config.Preview. Make one with [NewPreview]. All methods
// are safe for concurrent use.
type Preview struct {
	key [sha256.Size]byte

	marked atomic.Int64 // how many marks there are
	mu     sync.Mutex
	marks  map[string]*mark // by their names
}

// NewPreview makes a Preview. key signs links and marks, and is never written; of a
// tracker's Keys, take the first Hash: a key of its own is derived from it. Instances of a
// site that have the same key take each other's links. It returns an error if the key has
// less than 32 bytes.
func NewPreview(key []byte) (*Preview, error) {
	if len(key) < leastKey {
		return nil, errors.New("live: the key of a preview has less than 32 bytes")
	}
	p := &Preview{marks: map[string]*mark{}}
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("goaltrack preview 1"))
	mac.Sum(p.key[:0])
	return p, nil
}

// mark is a browser that is marked.
type mark struct {
	name    string
	until   time.Time
	used    time.Time
	browser string // its ID, "" while it has none
	seen    []*Request
}

// Request is a request of a marked browser.
type Request struct {
	fact.Seen

	Sent []Sent
}

// Sent is one event that a goal sent.
type Sent struct {
	Goal string
	// Event is its body for the CDP.
	Event string
	// Answer is what became of them: "" is not known yet, else "delivered" or "dead: " and
	// the reason.
	Answer string
}

// kind is what a token is for.
type kind byte

const (
	ofLink kind = 'l'
	ofMark kind = 'm'
)

// token is what a link or a mark says: that it is one, whether it is dry, until when it is
// good, and the name of the mark.
type token struct {
	kind  kind
	dry   bool
	until time.Time
	name  [12]byte
}

const payloadSize = 1 + 1 + 8 + 12

func (p *Preview) seal(t token) string {
	b := make([]byte, 0, payloadSize+sha256.Size)
	b = append(b, byte(t.kind), 0)
	if t.dry {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(t.until.Unix())) //nolint:gosec // After 1970.
	b = append(b, t.name[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, p.sign(b)...))
}

func (p *Preview) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, p.key[:])
	_, _ = mac.Write(b)
	return mac.Sum(nil)
}

// open reads a token of a kind that is good now.
func (p *Preview) open(text string, k kind, now time.Time) (t token, ok bool) {
	if len(text) > 2*(payloadSize+sha256.Size) {
		return t, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != payloadSize+sha256.Size || !hmac.Equal(b[payloadSize:], p.sign(b[:payloadSize])) {
		return t, false
	}
	t = token{kind: kind(b[0]), dry: b[1] == 1, until: time.Unix(int64(binary.BigEndian.Uint64(b[2:])), 0)} //nolint:gosec // It is ours.
	copy(t.name[:], b[10:])
	return t, t.kind == k && now.Before(t.until)
}

// Link makes a link by which whoever has it can mark their browser, within [LinkAge]. It
// shows them nothing but their own requests. address is a page of the site. dry asks that
// their requests count for nothing.
func (p *Preview) Link(address string, dry bool) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", errors.New("the address of a page begins with https:// or http://")
	}
	q := u.Query()
	q.Set(PreviewName, p.seal(token{kind: ofLink, dry: dry, until: time.Now().Add(LinkAge)}))
	u.RawQuery, u.Fragment, u.User = q.Encode(), "", nil
	return u.String(), nil
}

// Asks reports whether a text is the parameter of a link that can be used now, and whether
// it is dry.
func (p *Preview) Asks(link string) (dry, ok bool) {
	t, ok := p.open(link, ofLink, time.Now())
	return t.dry, ok
}

// Mark returns a new value for the cookie, which is good for [MarkAge], if the parameter of
// a link can be used now.
func (p *Preview) Mark(link string) (cookie string, ok bool) {
	t, ok := p.open(link, ofLink, time.Now())
	if !ok {
		return "", false
	}
	t = token{kind: ofMark, dry: t.dry, until: time.Now().Add(MarkAge)}
	_, _ = rand.Read(t.name[:]) // it never fails
	return p.seal(t), true
}

// Forget ends a mark, and forgets what it has seen.
func (p *Preview) Forget(cookie string) {
	if t, ok := p.open(cookie, ofMark, time.Now()); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.marks, string(t.name[:]))
		p.marked.Store(int64(len(p.marks)))
	}
}

// State is what a marked browser did.
type State struct {
	Dry   bool
	Until time.Time
	// Requests are the last ones that this process saw, the newest first.
	Requests []Request
}

// State tells what a marked browser did, by the value of its cookie.
func (p *Preview) State(cookie string) (s State, ok bool) {
	t, ok := p.open(cookie, ofMark, time.Now())
	if !ok {
		return s, false
	}
	s = State{Dry: t.dry, Until: t.until}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.marks[string(t.name[:])]; m != nil {
		for _, r := range slices.Backward(m.seen) {
			s.Requests = append(s.Requests, Request{r.Seen, slices.Clone(r.Sent)})
		}
	}
	return s, true
}

// Cookie implements [fact.Preview].
func (p *Preview) Cookie() string { return PreviewName }

// Watch implements [fact.Preview].
func (p *Preview) Watch(value string) fact.Watcher {
	t, ok := p.open(value, ofMark, time.Now())
	if !ok {
		return nil
	}
	return &watcher{p: p, t: t}
}

// Answered implements [fact.Preview].
func (p *Preview) Answered(goal, browserID, became string) {
	if p.marked.Load() == 0 || browserID == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.marks {
		if m.browser == browserID {
			m.answer(goal, became)
			return
		}
	}
}

// answer notes an answer to the oldest events of a goal that have none.
func (m *mark) answer(goal, became string) {
	for _, r := range m.seen {
		for i := range r.Sent {
			if s := &r.Sent[i]; s.Goal == goal && s.Answer == "" {
				s.Answer = became
				return
			}
		}
	}
}

// of is the mark of a token, which is made if it is not there.
func (p *Preview) of(t *token, now time.Time) *mark {
	name := string(t.name[:])
	m := p.marks[name]
	if m == nil {
		p.tidy(now)
		m = &mark{name: name, until: t.until}
		p.marks[name] = m
		p.marked.Store(int64(len(p.marks)))
	}
	m.used = now
	return m
}

// tidy makes room for a mark.
func (p *Preview) tidy(now time.Time) {
	var oldest *mark
	for name, m := range p.marks {
		if !now.Before(m.until) {
			delete(p.marks, name)
		} else if oldest == nil || m.used.Before(oldest.used) {
			oldest = m
		}
	}
	if len(p.marks) >= MostMarks {
		delete(p.marks, oldest.name)
	}
}

// watcher is told of one request. What it sends is put down before that can be answered.
type watcher struct {
	p  *Preview
	t  token
	at *Request // where it is kept, nil before anything is; p.mu guards it
}

// Dry implements [fact.Watcher].
func (w *watcher) Dry() bool { return w.t.dry }

// place is where the request is kept. The lock is held.
func (w *watcher) place() *Request {
	now := time.Now()
	m := w.p.of(&w.t, now)
	if w.at == nil {
		if len(m.seen) == KeptRequests {
			m.seen = slices.Delete(m.seen, 0, 1)
		}
		w.at = &Request{Seen: fact.Seen{Time: now}}
		m.seen = append(m.seen, w.at)
	}
	return w.at
}

// Sends implements [fact.Watcher].
func (w *watcher) Sends(s fact.Sent) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	at := w.place()
	if s.BrowserID != "" {
		w.p.of(&w.t, time.Now()).browser = s.BrowserID
	}
	if len(at.Sent) == mostSent {
		return
	}
	for _, e := range s.Events { // each has its own answer
		at.Sent = append(at.Sent, Sent{Goal: s.Goal, Event: cut(e, longestEvent)})
	}
}

// Saw implements [fact.Watcher]. What the same browser does later is another request.
func (w *watcher) Saw(s fact.Seen) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	s.Goals = s.Goals[:min(len(s.Goals), mostGoals)]
	for i := range s.Goals {
		s.Goals[i].Why = cut(s.Goals[i].Why, longestWhy)
	}
	s.Path, s.Location = cut(s.Path, longestText), cut(s.Location, longestText)
	w.place().Seen = s
	w.at = nil
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
