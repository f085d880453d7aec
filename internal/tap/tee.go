package tap

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// bodyTee keeps a bounded copy of a request body, or the wanted fields of a form of any
// length, while the handler reads it. It never reads by itself. A body that the handler does not want stays on the
// wire, as "Expect: 100-continue" and early rejections need it. A form that
// nobody read is a form that nobody processed.
//
// It belongs on a copy of the request (http.Request.WithContext), never on the
// request from net/http. The server recognises its own body types there. With
// any other type it waits for a body that the client is holding back
// (https://go.dev/issue/63152).
//
// It has the methods Read, Close and Reread and exports nothing else: see
// [Body]. With an io.WriterTo, bytes would pass by uncopied; the bodies of
// net/http have none either.
type bodyTee struct {
	body   io.ReadCloser
	length int64 // Content-Length; -1 when unknown
	limit  int
	budget *Budget
	// outside says that something outside of goaltrack has begun to read it.
	outside bool
	json    bool // it is JSON

	// mu is needed because a proxy's transport may go on reading after the
	// handler returned.
	mu     sync.Mutex
	kept   []byte
	form   scan.Stream // of a form, in place of kept
	pairs  scan.Pairs  // room for what reads most forms
	seen   int64
	eof    bool
	sealed bool
	fate   scan.Outcome // TooLarge or OverBudget once given up
	shown  bool         // others have what was kept
	began  time.Time
	last   time.Time // when something came last
	who    fair.Who  // sends it

	// The budget's lock guards these, too: nobody changes them without both.
	taken      int // of the budget
	prev, next *bodyTee
}

// start prepares the tee for the body of r, which it does not change. If it
// returns false, the request must go on untouched, and the outcome says why. A
// body of other kinds is not copied. Of a form, only the fields are.
func (t *bodyTee) start(r *http.Request, limit int, budget *Budget, who fair.Who, kinds scan.Kinds, fields []string) (scan.Outcome, bool) {
	// HTTP/2 gives a body even to a request without one, but with length 0.
	contentType, _ := web.First(r.Header["Content-Type"])
	length, kind := sentLength(r), scan.KindOf(contentType)
	switch {
	case length == 0:
		return scan.NoBody, false
	case !kinds.Has(kind):
		return scan.NotAForm, false
	case scan.IsEncoded(r.Header):
		return scan.Encoded, false
	case r.Body == nil || r.Body == http.NoBody:
		return scan.ReadOutside, false // an http.NoBody must stay one, since others tell it by identity
	case length > int64(limit) && (kind == scan.KindJSON || kind == scan.KindText):
		return scan.TooLarge, false
	}
	t.body, t.length, t.limit, t.budget, t.outside = r.Body, length, limit, budget, readOutside(r, kind)
	t.who, t.began = who, time.Now()
	t.json = kind == scan.KindJSON || kind == scan.KindText
	t.form = t.pairs.Begin(contentType, fields)
	return scan.Unread, true
}

// Read implements [io.Reader]. The inner read happens outside the lock: it may
// block for as long as the client likes, and seal must not wait for it.
func (t *bodyTee) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.sealed {
		t.watch(p, n, err)
	}
	return n, err
}

// watch is record for n bytes of p. They have been read then, so that a fault of ours is none
// of the handler's.
func (t *bodyTee) watch(p []byte, n int, err error) {
	defer t.recovered()
	t.record(p[:n], err)
}

// recovered is deferred around what only looks at the body, under the lock. After a fault
// nobody here knows what the body holds, as if something else had read it.
func (t *bodyTee) recovered() {
	p := recover()
	if p == nil {
		return
	}
	t.fate, t.kept, t.form, t.pairs = scan.ReadOutside, nil, nil, scan.Pairs{}
	if t.budget.Fault != nil {
		t.budget.Fault(p)
	}
	defer func() { _ = recover() }() // the fault may have left the budget as it must not be
	t.giveBack()
}

// Close closes the original body, whenever the handler does.
func (t *bodyTee) Close() error { return t.body.Close() }

// Reread begins the body again, if the inner body can be read again.
// PocketBase's body can, by a method of this name. It also begins again by
// itself after its end:
// https://pkg.go.dev/github.com/pocketbase/pocketbase/tools/router#Rereader.
func (t *bodyTee) Reread() {
	again, ok := t.body.(interface{ Reread() })
	if !ok {
		return
	}
	again.Reread()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rewind()
}

// rewind notes that the body begins again.
func (t *bodyTee) rewind() {
	defer t.recovered()
	if t.completeLocked() {
		t.eof = true // what is still to come was seen already
	} else if !t.eof {
		t.kept, t.seen = t.kept[:0], 0
		if t.form != nil {
			t.form.Reset()
		}
	}
}

func (t *bodyTee) record(p []byte, err error) {
	if t.eof {
		return // it is read again
	}
	t.seen += int64(len(p))
	t.eof = err == io.EOF //nolint:errorlint // as io.Copy: only a bare EOF ends a stream
	if t.fate != scan.Unread || len(p) == 0 {
		return
	}
	t.last = time.Now()
	if t.form != nil {
		t.form.Write(p)
		t.takeFor()
		return
	}
	if len(t.kept)+len(p) > t.limit {
		t.giveUp(scan.TooLarge)
		return
	}
	if !t.grow(len(t.kept) + len(p)) {
		t.giveUp(scan.OverBudget)
		return
	}
	t.kept = append(t.kept, p...)
}

// takeFor takes of the budget what the fields hold, which is far less than passes.
func (t *bodyTee) takeFor() {
	held := t.form.Held()
	switch {
	case t.form.Kept() > t.limit:
		t.giveUp(scan.TooLarge)
	case held > t.taken && !t.budget.take(t, held):
		t.giveUp(scan.OverBudget)
	}
}

// grow makes room for need bytes. It follows what has arrived, not what
// Content-Length promises. Otherwise idle connections could hold the whole
// budget.
func (t *bodyTee) grow(need int) bool {
	if need <= cap(t.kept) {
		return true
	}
	size := min(max(need, 2*cap(t.kept), 512), t.limit)
	if !t.budget.take(t, size) {
		return false
	}
	t.kept = append(make([]byte, 0, size), t.kept...)
	return true
}

// giveUp forgets what was kept; the handler can go on reading.
func (t *bodyTee) giveUp(fate scan.Outcome) {
	t.fate = fate
	t.forget()
	t.giveBack()
}

func (t *bodyTee) forget() {
	if t.kept = nil; t.form != nil {
		t.form.Clear()
		t.form = nil
	}
}

func (t *bodyTee) giveBack() {
	if t.taken > nothingHeld {
		t.budget.give(t)
	}
}

// completeLocked reports whether the handler has read the whole body, and all of it was
// kept. To reach Content-Length is enough, because a JSON decoder stops there and never
// sees the EOF. The last boundary is enough as well, because what follows it means
// nothing. Without either, a reader that stops early leaves the body incomplete.
// Browsers always send a Content-Length with a form.
func (t *bodyTee) completeLocked() bool {
	return t.fate == scan.Unread && t.seen > 0 && (t.seen == t.length || t.eof && t.seen > t.length ||
		t.form != nil && t.form.Ended() || t.lacksLineEnd())
}

// stalls reports whether the body makes no progress; see Budget.
func (t *bodyTee) stalls(now time.Time) bool {
	switch {
	case t.sealed || t.shown:
		return false
	case t.completeLocked():
		return now.Sub(t.last) > wholeFor
	}
	late := now.Sub(t.began) - patience
	return now.Sub(t.last) > patience || late > 0 && t.seen < int64(late.Seconds()*pace)
}

// lacksLineEnd reports whether only the end of a line is missing after JSON. A
// decoder stops where the document ends. It never sees what follows if its
// buffer ends there, too: with encoding/json on both sides, at 512 bytes.
func (t *bodyTee) lacksLineEnd() bool {
	left := t.length - t.seen
	if !t.json || t.eof || t.outside || left < 1 || left > int64(len("\r\n")) {
		return false
	}
	return scan.IsWhole(t.kept)
}

// snapshot is called when the header is written. It returns the body if that is
// complete by then. Callers only read the bytes, and only before release.
func (t *bodyTee) snapshot() (kept scan.Kept, whole bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.recovered()
	if !t.completeLocked() {
		return scan.Kept{}, false
	}
	t.shown = true
	return t.whole(), true
}

func (t *bodyTee) whole() (k scan.Kept) {
	if k.Text = slices.Clip(t.kept); t.form != nil {
		k.Form = t.form.Fields()
	}
	return k
}

// seal ends the copying when the handler has returned. Later reads, such as
// those of a proxy's transport, are not copied. There are bytes only with
// Complete, because half a form gives wrong values, not fewer values. The
// caller may use them until release.
func (t *bodyTee) seal() (kept scan.Kept, outcome scan.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	outcome = scan.ReadOutside // after a fault
	defer t.recovered()
	t.sealed = true
	if !t.completeLocked() {
		if t.fate == scan.Unread && (t.eof || t.outside) {
			t.fate = scan.ReadOutside
		}
		t.giveUp(t.fate)
		return scan.Kept{}, t.fate
	}
	return t.whole(), scan.Complete
}

// release seals the tee, wipes what was kept and returns it to the budget. It
// may be called more than once, so it can be deferred.
func (t *bodyTee) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.recovered()
	t.sealed = true
	clear(t.kept)
	t.forget()
	t.giveBack()
}
