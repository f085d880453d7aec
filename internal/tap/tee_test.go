package tap

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

const (
	urlEncoded = "application/x-www-form-urlencoded"
	jsonType   = "application/json"
)

func newBudget(n int64) *Budget { return &Budget{Limit: n} }

// formPost is a server-side request with a body of known length.
func formPost(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func TestTeeStart(t *testing.T) {
	with := func(r *http.Request, change func(*http.Request)) *http.Request { change(r); return r }
	rows := []struct {
		name   string
		r      *http.Request
		json   bool
		fate   scan.Outcome
		starts bool
	}{
		{"urlencoded", formPost(urlEncoded, "a=1"), false, scan.Unread, true},
		{"parameters and case", formPost("Application/X-WWW-Form-urlencoded ; charset=utf-8", "a=1"), false, scan.Unread, true},
		{"multipart", formPost("multipart/form-data; boundary=x", "--x--"), false, scan.Unread, true},
		{"json asked for", formPost(jsonType, "{}"), true, scan.Unread, true},
		{"json", formPost(jsonType, "{}"), false, scan.NotAForm, false},
		{"text, which may be JSON", formPost("text/plain", "a=1"), true, scan.Unread, true},
		{"text", formPost("text/plain", "a=1"), false, scan.NotAForm, false},
		{"no type", formPost("", "a=1"), true, scan.NotAForm, false},
		{"NoBody", with(formPost(urlEncoded, ""), func(r *http.Request) { r.Body = http.NoBody }), false, scan.NoBody, false},
		{"nil", with(formPost(urlEncoded, ""), func(r *http.Request) { r.Body = nil }), false, scan.NoBody, false},
		{"length 0", with(formPost(urlEncoded, "a"), func(r *http.Request) { r.ContentLength = 0 }), false, scan.NoBody, false},
		{"gzip", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), false, scan.Encoded, false},
		{"identity", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.Header.Set("Content-Encoding", "identity") }), false, scan.Unread, true},
		{"identity, in two lines", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.Header["Content-Encoding"] = []string{"", "identity, Identity"} }), false, scan.Unread, true},
		{"gzip in the second line", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.Header["Content-Encoding"] = []string{"identity", "gzip"} }), false, scan.Encoded, false},
		{"br behind identity", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.Header.Set("Content-Encoding", "identity, br") }), false, scan.Encoded, false},
		{"at the limit", formPost(urlEncoded, strings.Repeat("a", 100)), false, scan.Unread, true},
		{"over the limit", formPost(urlEncoded, strings.Repeat("a", 101)), false, scan.Unread, true},
		{"JSON over the limit", formPost(jsonType, strings.Repeat("a", 101)), true, scan.TooLarge, false},
		{"text over the limit", formPost("text/plain", strings.Repeat("a", 101)), true, scan.TooLarge, false},
		{"unknown length", with(formPost(urlEncoded, "a=1"), func(r *http.Request) { r.ContentLength = -1 }), false, scan.Unread, true},
	}
	for _, tt := range rows {
		body := tt.r.Body
		var tee bodyTee
		fate, ok := tee.start(tt.r, 100, newBudget(1000), fair.Who{}, scan.Kinds{Form: true, JSON: tt.json}, nil)
		if fate != tt.fate || ok != tt.starts || tt.r.Body != body {
			t.Errorf("%s: %v, %v; want %v, %v", tt.name, fate, ok, tt.fate, tt.starts)
		}
	}
}

// TestTeeCompleteness reads bodies in different ways and to different points.
func TestTeeCompleteness(t *testing.T) {
	body := "name=" + strings.Repeat("x", 3000)
	all := func(r io.Reader) { must(io.ReadAll(r)) }
	rows := []struct {
		name  string
		known bool
		limit int
		read  func(io.Reader)
		fate  scan.Outcome
	}{
		{"all", true, 4096, all, scan.Complete},
		{"all, unknown length", false, 4096, all, scan.Complete},
		{"all, exactly the limit", false, len(body), all, scan.Complete},
		{"one over the limit", false, len(body) - 1, all, scan.TooLarge},
		{"to the last byte, no EOF", true, 4096, func(r io.Reader) { must(io.ReadFull(r, make([]byte, len(body)))) }, scan.Complete},
		{"to the last byte, unknown length", false, 4096, func(r io.Reader) { must(io.ReadFull(r, make([]byte, len(body)))) }, scan.Unread},
		{"one byte short", true, 4096, func(r io.Reader) { must(io.ReadFull(r, make([]byte, len(body)-1))) }, scan.Unread},
		{"nothing", true, 4096, func(io.Reader) {}, scan.Unread},
		{"byte by byte", false, 4096, func(r io.Reader) { all(iotest.OneByteReader(r)) }, scan.Complete},
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			r := formPost(jsonType, body)
			if !tt.known {
				r.ContentLength = -1
			}
			budget := newBudget(1 << 20)
			var tee bodyTee
			if _, ok := tee.start(r, tt.limit, budget, fair.Who{}, scan.Kinds{JSON: true}, nil); !ok {
				t.Fatal("not started")
			}
			if _, ok := tee.snapshot(); ok || tee.complete() {
				t.Error("complete before anything was read")
			}
			tt.read(&tee)
			early, ok := tee.snapshot()
			if want := tt.fate == scan.Complete; ok != want || tee.complete() != want {
				t.Errorf("snapshot %v, complete %v; want %v", ok, tee.complete(), want)
			}
			if held := budget.Held(); held > int64(tt.limit) || held < int64(len(early.Text)) {
				t.Errorf("%d bytes of the budget held for %d", held, len(early.Text))
			}
			if held := budget.Held(); tt.fate == scan.TooLarge && held != 0 {
				t.Errorf("%d bytes held for a body given up", held)
			}
			got, fate := tee.seal()
			if fate != tt.fate {
				t.Errorf("fate %v, want %v", fate, tt.fate)
			}
			if fate == scan.Complete && (string(got.Text) != body || string(early.Text) != body) || fate != scan.Complete && got.Text != nil {
				t.Errorf("kept %d bytes, snapshot %d", len(got.Text), len(early.Text))
			}
			tee.release()
			tee.release()
			if held := budget.Held(); held != 0 {
				t.Errorf("%d bytes of the budget not returned", held)
			}
			if fate == scan.Complete && !bytes.Equal(got.Text, make([]byte, len(got.Text))) {
				t.Error("release left the bytes in memory")
			}
		})
	}
}

// repeated is a text, n times.
type repeated struct {
	text string
	n    int
	rest string
}

func (r *repeated) Read(p []byte) (n int, err error) {
	if r.rest == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n, r.rest = r.n-1, r.text
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestTeeUpload: fields before, between and behind a file of 200 MB are kept, little
// else is at any time, and the handler gets every byte.
func TestTeeUpload(t *testing.T) {
	const head = "--x\r\nContent-Disposition: form-data; name="
	fields := []string{"first", "second", "third"}
	for place := range len(fields) + 1 {
		file := &repeated{text: strings.Repeat("PDF\r\n--", 4<<10), n: 200 << 20 / (8 * 4 << 10)}
		length := int64(file.n * len(file.text))
		var body []io.Reader
		add := func(s string) {
			body = append(body, strings.NewReader(s))
			length += int64(len(s))
		}
		for i := range len(fields) + 1 {
			if i == place {
				add(head + "cv; filename=cv.pdf\r\n\r\n")
				body = append(body, file)
				add("\r\n")
			}
			if i < len(fields) {
				add(head + fields[i] + "\r\n\r\nvalue of " + fields[i] + "\r\n")
			}
		}
		add("--x--\r\n")
		r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(body...))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		r.ContentLength = length
		budget := newBudget(8 << 10)
		var tee bodyTee
		if fate, ok := tee.start(r, scan.BodyLimit, budget, fair.Who{}, scan.Kinds{Form: true}, fields); !ok {
			t.Fatal(fate)
		}
		if n, err := io.Copy(io.Discard, &tee); n != length || err != nil {
			t.Errorf("the handler got %d bytes of %d, %v", n, length, err)
		}
		kept, fate := tee.seal()
		for _, name := range fields {
			if v, _ := kept.Form.Get(name); v != "value of "+name || fate != scan.Complete {
				t.Errorf("file at %d: %s is %q, %v", place, name, v, fate)
			}
		}
		if tee.release(); budget.Held() != 0 {
			t.Errorf("%d bytes held", budget.Held())
		}
	}
}

// TestTeeLongForm: a urlencoded form with 20 MB in a field that nobody reads is read, and
// is never kept; the handler gets every byte.
func TestTeeLongForm(t *testing.T) {
	body := "first=value+of+first&scan=" + strings.Repeat("%20%41b", 3<<20) + "&second=value+of+second&x&third=value%20of%20third"
	for name, length := range map[string]int64{"known": int64(len(body)), "unknown": -1} {
		r := formPost(urlEncoded, body)
		r.ContentLength = length
		budget := newBudget(8 << 10)
		var tee bodyTee
		fields := []string{"first", "second", "third", "fourth"}
		if fate, ok := tee.start(r, scan.BodyLimit, budget, fair.Who{}, scan.Kinds{Form: true}, fields); !ok {
			t.Fatal(fate)
		}
		if n, err := io.Copy(io.Discard, iotest.HalfReader(&tee)); n != int64(len(body)) || err != nil {
			t.Errorf("%s: the handler got %d bytes of %d, %v", name, n, len(body), err)
		}
		kept, fate := tee.seal()
		for _, field := range fields[:3] {
			if v, _ := kept.Form.Get(field); v != "value of "+field || fate != scan.Complete {
				t.Errorf("%s: %s is %q, %v", name, field, v, fate)
			}
		}
		if kept.Form.Doubt(fields) != scan.NoDoubt || kept.Form.Complete() {
			t.Errorf("%s: what is not there is in doubt", name)
		}
		if tee.release(); budget.Held() != 0 {
			t.Errorf("%s: %d bytes held", name, budget.Held())
		}
	}
}

// TestTeePairsGivenUp: a urlencoded form of which too much is wanted is given up by name,
// and the handler reads on.
func TestTeePairsGivenUp(t *testing.T) {
	for _, tt := range []struct {
		pairs  int
		budget int64
		want   scan.Outcome
	}{
		{25, 1 << 20, scan.Complete}, {40, 1 << 20, scan.TooLarge}, {25, 20 << 10, scan.OverBudget},
	} {
		body := strings.Repeat("a="+strings.Repeat("x", 2<<10)+"&", tt.pairs)
		budget := newBudget(tt.budget)
		var tee bodyTee
		tee.start(formPost(urlEncoded, body), scan.BodyLimit, budget, fair.Who{}, scan.Kinds{Form: true}, []string{"a"})
		if got, err := io.ReadAll(&tee); string(got) != body || err != nil {
			t.Errorf("the handler got %d bytes, %v", len(got), err)
		}
		if _, fate := tee.seal(); fate != tt.want {
			t.Errorf("%d pairs, budget %d: %v, want %v", tt.pairs, tt.budget, fate, tt.want)
		}
		if tee.release(); budget.Held() != 0 {
			t.Errorf("%d bytes held", budget.Held())
		}
	}
}

// TestTeePartsGivenUp: a multipart form of which too much is wanted is given up by
// name, and the handler reads on.
func TestTeePartsGivenUp(t *testing.T) {
	part := "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + strings.Repeat("x", 2<<10) + "\r\n"
	for _, tt := range []struct {
		parts  int
		budget int64
		want   scan.Outcome
	}{
		{25, 1 << 20, scan.Complete}, {40, 1 << 20, scan.TooLarge}, {25, 20 << 10, scan.OverBudget},
	} {
		body := strings.Repeat(part, tt.parts) + "--x--\r\n"
		budget := newBudget(tt.budget)
		var tee bodyTee
		tee.start(formPost("multipart/form-data; boundary=x", body), scan.BodyLimit, budget, fair.Who{}, scan.Kinds{Form: true}, []string{"a"})
		if got, err := io.ReadAll(&tee); string(got) != body || err != nil {
			t.Errorf("the handler got %d bytes, %v", len(got), err)
		}
		if _, fate := tee.seal(); fate != tt.want {
			t.Errorf("%d parts, budget %d: %v, want %v", tt.parts, tt.budget, fate, tt.want)
		}
		if tee.release(); budget.Held() != 0 {
			t.Errorf("%d bytes held", budget.Held())
		}
	}
}

// TestTeeBudget: when the budget is gone a form is not seen, but still read.
func TestTeeBudget(t *testing.T) {
	budget := newBudget(1500)
	tees := make([]bodyTee, 3)
	fates := make([]scan.Outcome, 3)
	for i := range tees {
		if _, ok := tees[i].start(formPost(jsonType, strings.Repeat("a", 600)), 1000, budget, fair.Who{}, scan.Kinds{JSON: true}, nil); !ok {
			t.Fatal("not started")
		}
		if got, err := io.ReadAll(&tees[i]); len(got) != 600 || err != nil {
			t.Errorf("tee %d: the handler got %d bytes, %v", i, len(got), err)
		}
		_, fates[i] = tees[i].seal()
	}
	if fates[0] != scan.Complete || fates[2] != scan.OverBudget {
		t.Errorf("fates %v", fates)
	}
	for i := range tees {
		tees[i].release()
	}
	if held := budget.Held(); held != 0 || budget.hand != nil {
		t.Errorf("%d bytes held after release", held)
	}
}

func TestBudgetConcurrent(t *testing.T) {
	budget := newBudget(10)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			tee := &bodyTee{limit: 10, budget: budget}
			for range 1000 {
				tee.mu.Lock()
				if budget.take(tee, 3) {
					if held := budget.Held(); held > 10 {
						t.Errorf("%d held of 10", held)
					}
					budget.give(tee)
				}
				tee.mu.Unlock()
			}
		})
	}
	wg.Wait()
	if held := budget.Held(); held != 0 || budget.large != 0 || budget.hand != nil {
		t.Errorf("%d held in the end", held)
	}
}

func BenchmarkTee(b *testing.B) {
	body := "email=a%40example.com&name=" + strings.Repeat("x", 200)
	r := formPost(urlEncoded, body)
	budget, rd, buf := newBudget(32<<20), strings.NewReader(body), make([]byte, 512)
	r.Body = io.NopCloser(rd)
	b.ReportAllocs()
	for b.Loop() {
		rd.Reset(body)
		var tee bodyTee
		tee.start(r, scan.BodyLimit, budget, fair.Who{}, scan.Kinds{Form: true}, nil)
		for {
			if _, err := tee.Read(buf); err != nil {
				break
			}
		}
		tee.seal()
		tee.release()
	}
}

// complete is completeLocked with the lock.
func (t *bodyTee) complete() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.completeLocked()
}
