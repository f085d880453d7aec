package page

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/hostname"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Inject returns a handler that puts the tag of [Page.Loader] into the pages of a site that
// nobody can change, right before </head>. It is for a proxy to the site, inside of the
// tracker's Handler. Everything else passes as it is, byte by byte.
//
// It changes an answer only to a person who goes to a page, perhaps by way of a service
// worker, and only if the answer is a 200 with HTML that is not encoded. It asks the site for
// that. It looks for </head> in the first 16 KiB, and not in comments and scripts. It changes
// nothing if the site forbids it (Cache-Control: no-transform) or says what the bytes are (a
// digest). It also changes nothing if a policy would keep the script from running or names a
// nonce. The same holds for a page that is to be kept as a file, is an AMP page, leads its
// addresses to another host, or has the tag already. The tracker's notes count such pages as
// not_injected_ with a reason. The tag is the same for all visitors, so caches may keep the
// page.
//
// Content-Length is that of the longer page, and a strong ETag becomes a weak one. The
// header is held back until </head> has come, at most so long as the site flushes nothing.
// A page without a Content-Type still gets none, and net/http detects it as usual.
func (p *Page) Inject(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !navigation.Is(r) && !navigation.IsPassedOn(r) || r.Header.Get("Range") != "" {
			site.ServeHTTP(w, r)
			return
		}
		asked := tap.Lend(r.Context(), r)
		asked.Header = r.Header.Clone()
		asked.Header.Set("Accept-Encoding", "identity")
		defer func() {
			asked.Header = r.Header // nobody outside asked for this encoding
			tap.CopyBack(r.Context(), asked, r)
		}()
		i := &injector{ResponseWriter: w, page: p, r: r}
		site.ServeHTTP(i, asked)
		i.end()
	})
}

// mostHead is how much of a page is looked at, and mostSniffed how much of one without a
// Content-Type, in order to know whether it is HTML (as [http.DetectContentType] says).
const (
	mostHead    = 16 << 10
	mostSniffed = 512
)

// injector is the writer of a page that may get the tag.
type injector struct {
	http.ResponseWriter
	page *Page
	r    *http.Request

	status  int         // that the site has named; 0 before
	held    http.Header // as it was then, if it is held back
	untyped bool        // the first bytes have to say whether it is HTML
	open    bool        // </head> is still looked for
	sent    bool        // the header
	seen    []byte
	looked  int // how much of seen has no "</head" but in comments and scripts
	written int // how much of seen the client has
}

// WriteHeader implements [http.ResponseWriter].
func (i *injector) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		i.ResponseWriter.WriteHeader(status)
		return
	}
	if i.status != 0 {
		if i.sent {
			i.ResponseWriter.WriteHeader(status) // which logs that it comes too late
		}
		return
	}
	i.status = status
	if i.untyped = status == http.StatusOK && i.answered()["Content-Type"] == nil; i.untyped {
		_, i.untyped = i.answered()["Content-Type"] // whoever sets it to nil wants none
		i.untyped = !i.untyped && !i.isEncoded()
	}
	if !i.untyped {
		contentType, _ := web.First(i.answered()["Content-Type"])
		i.begin(contentType)
	}
	if !i.untyped && !i.open {
		i.send(0)
	} else {
		i.held = i.Header().Clone() // what the site changes from now on comes too late
	}
}

// answered is the header as the site has answered with it.
func (i *injector) answered() http.Header {
	if i.held != nil {
		return i.held
	}
	return i.Header()
}

// begin begins the search, if the page is one that may be changed.
func (i *injector) begin(contentType string) {
	i.untyped = false
	// In XHTML, which is XML, the tag would be a syntax error, and the page not be shown.
	if i.status == http.StatusOK && web.IsHTML(contentType) && !strings.Contains(strings.ToLower(contentType), "xml") {
		reason := i.refusal()
		i.open = reason == ""
		i.note(reason)
	}
}

// sniff begins the search in a page whose type nobody said, as net/http will say it.
func (i *injector) sniff() error {
	i.begin(http.DetectContentType(i.seen[:min(len(i.seen), mostSniffed)]))
	if !i.open {
		return i.close("")
	}
	return nil
}

// note counts a page that is left as it is.
func (i *injector) note(reason string) {
	if reason != "" {
		i.page.tracker.Note("not_injected_" + reason)
	}
}

// refusal is why the page may not be changed, by its header.
func (i *injector) refusal() string {
	h := i.answered()
	disposition, _ := web.First(h["Content-Disposition"])
	disposition, _, _ = strings.Cut(disposition, ";")
	switch {
	case i.isEncoded():
		return "encoded"
	case strings.Contains(strings.ToLower(strings.Join(h["Cache-Control"], ",")), "no-transform"):
		return "no_transform"
	case h["Digest"] != nil || h["Content-Digest"] != nil || h["Repr-Digest"] != nil || h["Content-Md5"] != nil:
		return "digest"
	case strings.EqualFold(strings.TrimSpace(disposition), "attachment"):
		return "attachment"
	// The tag has no integrity (https://www.w3.org/TR/sri/#integrity-policy-section).
	case strings.Contains(strings.ToLower(strings.Join(h["Integrity-Policy"], ",")), "script"):
		return "policy"
	}
	for _, policy := range h["Content-Security-Policy"] {
		if !allows(policy) {
			return "policy"
		}
	}
	return ""
}

// isEncoded reports whether the page has a Content-Encoding that is one.
func (i *injector) isEncoded() bool {
	for coding := range strings.SplitSeq(strings.Join(i.answered()["Content-Encoding"], ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			return true
		}
	}
	return false
}

// send writes the header, for a page that gets longer.
func (i *injector) send(longer int) {
	i.sent = true
	h := i.Header()
	late := i.takeBack(h)
	if longer > 0 {
		if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			h.Set("Content-Length", strconv.FormatInt(length+int64(longer), 10))
		}
		if etag := h.Get("ETag"); etag != "" && !strings.HasPrefix(etag, "W/") {
			h.Set("ETag", "W/"+etag)
		}
		h.Del("Accept-Ranges")
	}
	i.ResponseWriter.WriteHeader(i.status)
	for name, values := range late {
		if h[name] = values; values == nil {
			delete(h, name)
		}
	}
}

// takeBack undoes what the site has changed in the header since it answered, and returns that.
// It comes too late, but there may be trailers among it.
func (i *injector) takeBack(h http.Header) (late http.Header) {
	if i.held == nil {
		return nil
	}
	late = http.Header{}
	for name, values := range h {
		if held, ok := i.held[name]; !ok || !slices.Equal(held, values) {
			late[name] = values
		}
	}
	for name := range i.held {
		if _, ok := h[name]; !ok {
			late[name] = nil
		}
	}
	clear(h)
	maps.Copy(h, i.held)
	return late
}

// Write implements [io.Writer].
func (i *injector) Write(b []byte) (int, error) {
	if i.status == 0 {
		i.WriteHeader(http.StatusOK)
	}
	if !i.open && !i.untyped {
		return i.ResponseWriter.Write(b)
	}
	i.seen = append(i.seen, b...)
	if i.untyped && len(i.seen) >= mostSniffed {
		if err := i.sniff(); err != nil {
			return len(b), err
		}
	}
	if !i.open {
		return len(b), nil
	}
	return len(b), i.look()
}

// look looks for </head> in what is seen.
func (i *injector) look() error {
	text := i.seen[:min(len(i.seen), mostHead)]
	begins := bytes.LastIndex(lower(text[i.looked:]), []byte("</head"))
	if begins >= 0 {
		if head := readHead(text); head.end >= i.written && head.end >= 0 {
			return i.inject(head)
		}
	}
	if begins += i.looked; begins >= i.looked && bytes.IndexByte(text[begins:], '>') < 0 {
		i.looked = begins // the tag is not whole
	} else {
		i.looked = max(i.looked, len(text)-len("</hea"))
	}
	if len(i.seen) > mostHead {
		i.note("no_head")
		return i.close("")
	}
	return nil
}

// lower is a text with small letters of ASCII. It is as long as the text, whatever bytes are in
// it: in a page of Latin-1, [bytes.ToLower] makes three bytes of one.
func lower(text []byte) []byte {
	text = bytes.Clone(text)
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return text
}

// inject puts the tag before the end of the head, unless the page itself speaks against it.
func (i *injector) inject(head head) error {
	text := bytes.ToLower(i.seen[:head.end])
	switch {
	case bytes.Contains(text, []byte("content-security-policy")):
		i.note("policy")
		return i.close("")
	case bytes.Contains(text, []byte(strings.ToLower(i.page.Path()+"/"+loaderName))):
		i.note("there")
		return i.close("")
	case head.amp:
		i.note("amp")
		return i.close("")
	case i.leadsAway(head.base):
		i.note("base")
		return i.close("")
	}
	tag := string(i.page.Loader(i.r))
	if !i.sent {
		i.send(len(tag))
	}
	if err := i.pass(head.end); err != nil {
		return err
	}
	return i.close(tag)
}

// leadsAway reports whether the base of a page's addresses is not the host of the page.
func (i *injector) leadsAway(base string) bool {
	u, err := url.Parse(strings.TrimSpace(strings.ReplaceAll(base, `\`, "/")))
	return err != nil || u.Opaque != "" || u.Host != "" && !hostname.SameOrigin(u.Host, i.page.tracker.Host(i.r))
}

// pass writes what was seen, up to there.
func (i *injector) pass(to int) error {
	_, err := i.ResponseWriter.Write(i.seen[i.written:to]) //nolint:gosec // It is what the site writes.
	i.written = to
	return err
}

// close ends the search: what was seen follows the tag, and then all else.
func (i *injector) close(tag string) error {
	if !i.sent {
		i.send(0)
	}
	i.open = false
	if tag != "" {
		if _, err := io.WriteString(i.ResponseWriter, tag); err != nil { //nolint:gosec // The tag is this package's.
			return err
		}
	}
	err := i.pass(len(i.seen))
	i.seen = nil
	return err
}

// end is called when the site has returned.
func (i *injector) end() {
	if i.untyped {
		if i.sniff() != nil || i.open && i.look() != nil {
			return // the visitor has left
		}
	}
	if i.open {
		i.note("no_head")
		_ = i.close("") // the visitor may have left
	}
}

// FlushError is what http.ResponseController calls. What the site sends at once goes on at
// once. If the length of the page is not told, the search can go on then.
func (i *injector) FlushError() error {
	if i.status == 0 {
		i.WriteHeader(http.StatusOK)
	}
	if i.untyped {
		if err := i.sniff(); err != nil {
			return err
		}
		if i.open {
			if err := i.look(); err != nil {
				return err
			}
		}
	}
	if i.open {
		var err error
		if i.answered().Get("Content-Length") != "" {
			i.note("flushed")
			err = i.close("")
		} else {
			if !i.sent {
				if h := i.answered(); h["Content-Type"] == nil {
					// net/http would ask the first bytes alone, from which the last are held back.
					h.Set("Content-Type", http.DetectContentType(i.seen[:min(len(i.seen), mostSniffed)]))
				}
				i.send(1)
			}
			err = i.pass(max(i.written, endsIn(i.seen)))
		}
		if err != nil {
			return err
		}
	}
	return http.NewResponseController(i.ResponseWriter).Flush()
}

// endsIn is where a tag </head> begins that has come only in part, or else the end of the text.
func endsIn(text []byte) int {
	const tag = "</head"
	at := bytes.LastIndexByte(text, '<')
	if at < 0 {
		return len(text)
	}
	last := string(lower(text[at:]))
	if strings.HasPrefix(tag, last) {
		return at
	}
	if rest, ok := strings.CutPrefix(last, tag); ok && !strings.Contains(rest, ">") && strings.ContainsRune(" \t\r\n\f/", rune(rest[0])) {
		return at
	}
	return len(text)
}

// Flush implements [http.Flusher].
func (i *injector) Flush() { _ = i.FlushError() }

// Unwrap lets http.ResponseController reach hijack and the rest.
func (i *injector) Unwrap() http.ResponseWriter { return i.ResponseWriter }
