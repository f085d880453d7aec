package page

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Inject returns a handler that puts the tag of [Page.Loader] into the pages of a site that
// nobody can change, right before </head>. It is for a proxy to the site, inside of the
// tracker's Handler. Everything else passes as it is, byte by byte.
//
// It changes an answer only to a person who goes to a page, and only if the answer is a
// 200 with HTML that is not encoded. It asks the site for that. It looks for </head> in
// the first 16 KiB, and not in comments and scripts. It changes nothing if the site
// forbids it (Cache-Control: no-transform) or says what the bytes are (a digest). Neither
// does it if a Content-Security-Policy would keep the script from running or names a
// nonce, or if the page has the tag already. The tracker's notes count such pages as
// not_injected_ with a reason. The tag is the same for all visitors, so caches may keep
// the page.
//
// Content-Length is that of the longer page, and a strong ETag becomes a weak one. The
// header is held back until </head> has come, at most so long as the site flushes nothing.
func (p *Page) Inject(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !navigation.Is(r) || r.Header.Get("Range") != "" {
			site.ServeHTTP(w, r)
			return
		}
		asked := r.WithContext(r.Context())
		asked.Header = r.Header.Clone()
		asked.Header.Set("Accept-Encoding", "identity")
		i := &injector{ResponseWriter: w, page: p, r: r}
		site.ServeHTTP(i, asked)
		i.end()
	})
}

// mostHead is how much of a page is looked at.
const mostHead = 16 << 10

// injector is the writer of a page that may get the tag.
type injector struct {
	http.ResponseWriter
	page *Page
	r    *http.Request

	status  int  // that the site has named; 0 before
	open    bool // </head> is still looked for
	sent    bool // the header
	seen    []byte
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
	contentType, _ := web.First(i.Header()["Content-Type"])
	// In XHTML, which is XML, the tag would be a syntax error, and the page not be shown.
	if status == http.StatusOK && web.IsHTML(contentType) && !strings.Contains(strings.ToLower(contentType), "xml") {
		reason := i.refusal()
		i.open = reason == ""
		i.note(reason)
	}
	if !i.open {
		i.send(0)
	}
}

// note counts a page that is left as it is.
func (i *injector) note(reason string) {
	if reason != "" {
		i.page.tracker.Note("not_injected_" + reason)
	}
}

// refusal is why the page may not be changed, by its header.
func (i *injector) refusal() string {
	h := i.Header()
	encoding, encoded := web.First(h["Content-Encoding"])
	switch {
	case encoded && !strings.EqualFold(encoding, "identity"):
		return "encoded"
	case strings.Contains(strings.ToLower(strings.Join(h["Cache-Control"], ",")), "no-transform"):
		return "no_transform"
	case h["Digest"] != nil || h["Content-Digest"] != nil || h["Repr-Digest"] != nil || h["Content-Md5"] != nil:
		return "digest"
	}
	for _, policy := range h["Content-Security-Policy"] {
		if !allows(policy) {
			return "policy"
		}
	}
	return ""
}

// allows reports whether a Content-Security-Policy lets the script of the site's own
// address run, and send.
func allows(policies string) bool {
	for policy := range strings.SplitSeq(policies, ",") {
		directives := map[string]string{}
		for directive := range strings.SplitSeq(policy, ";") {
			name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
			if name = strings.ToLower(name); directives[name] == "" {
				directives[name] = " " + strings.ToLower(sources) + " "
			}
		}
		for _, names := range [][]string{{"script-src-elem", "script-src", "default-src"}, {"connect-src", "default-src"}} {
			for _, name := range names {
				sources, ok := directives[name]
				if !ok {
					continue
				}
				if !strings.Contains(sources, " 'self' ") || name != "connect-src" && (strings.Contains(sources, "'nonce-") || strings.Contains(sources, "'strict-dynamic'")) {
					return false
				}
				break
			}
		}
	}
	return true
}

// send writes the header, for a page that gets longer.
func (i *injector) send(longer int) {
	i.sent = true
	if h := i.Header(); longer > 0 {
		if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil {
			h.Set("Content-Length", strconv.FormatInt(length+int64(longer), 10))
		}
		if etag := h.Get("ETag"); etag != "" && !strings.HasPrefix(etag, "W/") {
			h.Set("ETag", "W/"+etag)
		}
		h.Del("Accept-Ranges")
	}
	i.ResponseWriter.WriteHeader(i.status)
}

// Write implements [io.Writer].
func (i *injector) Write(b []byte) (int, error) {
	if i.status == 0 {
		if len(i.Header()["Content-Type"]) == 0 { // as net/http would
			i.Header().Set("Content-Type", http.DetectContentType(b))
		}
		i.WriteHeader(http.StatusOK)
	}
	if !i.open {
		return i.ResponseWriter.Write(b)
	}
	i.seen = append(i.seen, b...)
	if at := endOfHead(i.seen[:min(len(i.seen), mostHead)]); at >= i.written && at >= 0 {
		return len(b), i.inject(at)
	}
	if len(i.seen) > mostHead {
		i.note("no_head")
		return len(b), i.close("")
	}
	return len(b), nil
}

// inject puts the tag into what is seen, unless the page itself speaks against it.
func (i *injector) inject(at int) error {
	head := bytes.ToLower(i.seen[:at])
	switch {
	case bytes.Contains(head, []byte("content-security-policy")):
		i.note("policy")
		return i.close("")
	case bytes.Contains(head, []byte(strings.ToLower(i.page.Path()+"/"+loaderName))):
		i.note("there")
		return i.close("")
	}
	tag := string(i.page.Loader(i.r))
	if !i.sent {
		i.send(len(tag))
	}
	if err := i.pass(at); err != nil {
		return err
	}
	return i.close(tag)
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
	if i.open {
		i.note("no_head")
		_ = i.close("") // the visitor may have left
	}
}

// FlushError is what http.ResponseController calls. What the site sends at once goes on at
// once. Of a page whose length is not told, the search can go on then.
func (i *injector) FlushError() error {
	if i.status == 0 {
		i.WriteHeader(http.StatusOK)
	}
	if i.open {
		var err error
		if i.Header().Get("Content-Length") != "" {
			i.note("flushed")
			err = i.close("")
		} else {
			if !i.sent {
				i.send(1)
			}
			err = i.pass(max(i.written, len(i.seen)-len("</head")))
		}
		if err != nil {
			return err
		}
	}
	return http.NewResponseController(i.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (i *injector) Flush() { _ = i.FlushError() }

// Unwrap lets http.ResponseController reach hijack and the rest.
func (i *injector) Unwrap() http.ResponseWriter { return i.ResponseWriter }

// endOfHead is where </head> begins, -1 if it is not there. In comments and scripts it is
// no tag.
func endOfHead(text []byte) int {
	if !bytes.Contains(bytes.ToLower(text), []byte("</head")) {
		return -1
	}
	z := html.NewTokenizer(bytes.NewReader(text))
	for at := 0; ; {
		kind := z.Next()
		raw := len(z.Raw())
		if kind == html.ErrorToken {
			return -1
		}
		if name, _ := z.TagName(); kind == html.EndTagToken && string(name) == "head" {
			return at
		}
		at += raw
	}
}
