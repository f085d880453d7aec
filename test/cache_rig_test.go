package test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sharedCache is a small shared cache between visitors and a site. It keeps all
// that RFC 9111 lets it keep, Set-Cookie included. It asks the site where it
// has to, and adds what a 304 says to what it has, as Apache's mod_cache does.
// It is not careful on purpose.
type sharedCache struct {
	site http.RoundTripper
	// heeds are the fields that it looks at before Cache-Control, in this order.
	heeds []string
	// lastCounts: of directives of one name, the last counts, not the first.
	lastCounts bool
	// late: what it keeps is never fresh any more when the next visitor comes.
	late bool

	mu   sync.Mutex
	kept map[string]*cached
}

type cached struct {
	status int
	header http.Header
	body   []byte
	vary   http.Header // what the request had in the fields that Vary names
	fresh  bool
}

// aimed are fields for certain caches (RFC 9213 and those of vendors).
var aimed = []string{
	"Vercel-CDN-Cache-Control", "Netlify-CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Akamai-Cache-Control",
	"CDN-Cache-Control", "Surrogate-Control", "Edge-Control", "X-Accel-Expires",
}

// RoundTrip implements [http.RoundTripper].
func (c *sharedCache) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := r.URL.String()
	one := c.kept[at]
	if r.Method != http.MethodGet || one == nil || !one.isFor(r) {
		return c.fetch(at, r)
	}
	if one.fresh {
		return one.answer(r), nil
	}
	ask := r.Clone(r.Context())
	if tag := one.header.Get("Etag"); tag != "" {
		ask.Header.Set("If-None-Match", tag)
	}
	if modified := one.header.Get("Last-Modified"); modified != "" {
		ask.Header.Set("If-Modified-Since", modified)
	}
	res, err := c.fetch(at, ask)
	if err != nil || res.StatusCode != http.StatusNotModified {
		return res, err
	}
	// RFC 9111, section 3.2
	maps.Copy(one.header, res.Header)
	return one.answer(r), nil
}

// fetch asks the site and keeps the answer, if that may be kept.
func (c *sharedCache) fetch(at string, r *http.Request) (*http.Response, error) {
	res, err := c.site.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || r.Method != http.MethodGet || res.StatusCode == http.StatusNotModified {
		return res, err
	}
	header, fresh, ok := c.keeps(r, res.StatusCode, res.Header)
	if !ok {
		delete(c.kept, at)
		return res, nil
	}
	if c.kept == nil {
		c.kept = map[string]*cached{}
	}
	one := &cached{status: res.StatusCode, header: header, body: body, vary: http.Header{}, fresh: fresh}
	for name := range strings.SplitSeq(strings.Join(header["Vary"], ","), ",") {
		if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
			one.vary[name] = r.Header[name]
		}
	}
	c.kept[at] = one
	return res, nil
}

func (o *cached) isFor(r *http.Request) bool {
	for name, lines := range o.vary {
		if name == "*" || !slices.Equal(lines, r.Header[name]) {
			return false
		}
	}
	return true
}

func (o *cached) answer(r *http.Request) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(o.status) + " kept", StatusCode: o.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: o.header.Clone(), Body: io.NopCloser(bytes.NewReader(o.body)), ContentLength: int64(len(o.body)), Request: r,
	}
}

// keeps decides what is kept of an answer, and whether it may be used again
// without a question (RFC 9111, section 3).
func (c *sharedCache) keeps(r *http.Request, status int, h http.Header) (kept http.Header, fresh, ok bool) {
	says, targeted := c.policy(h)
	understood := slices.Contains(understoodStatus, status)
	_, understand := says["must-understand"]
	private, isPrivate := says["private"]
	_, noStore := says["no-store"]
	_, public := says["public"]
	_, shared := says["s-maxage"]
	_, revalidate := says["must-revalidate"]
	switch {
	case !understood && understand, !understood && status == http.StatusPartialContent:
		return nil, false, false
	case noStore && (!understand || !understood), isPrivate && private == "":
		return nil, false, false
	case r.Header.Get("Authorization") != "" && !public && !shared && !revalidate:
		return nil, false, false
	}
	lifetime, said := time.Duration(0), false
	for _, name := range []string{"s-maxage", "max-age"} {
		if v, ok := says[name]; ok && !said {
			n, _ := strconv.Atoi(v)
			lifetime, said = time.Duration(n)*time.Second, true
		}
	}
	if expires := h.Get("Expires"); expires != "" && !said && !targeted {
		at, _ := http.ParseTime(expires)
		lifetime, said = time.Until(at), true
	}
	noCache, asks := says["no-cache"]
	asks = asks && noCache == ""
	switch {
	case said || public:
	case slices.Contains(heuristicStatus, status):
		lifetime = time.Hour // a default of mod_cache's, if nothing is said (CacheDefaultExpire)
	default:
		return nil, false, false
	}
	kept = h.Clone()
	for name := range strings.SplitSeq(private+","+noCache, ",") { // sections 5.2.2.4 and 5.2.2.7
		kept.Del(strings.TrimSpace(name))
	}
	return kept, lifetime > 0 && !asks && !c.late, true
}

// The statuses that it knows what to do with, and those that it keeps if nothing
// is said (RFC 9110, section 15.1).
var (
	understoodStatus = []int{200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501}
	heuristicStatus  = []int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}
)

// policy is what the answer says to this cache: in the first field aimed at it that
// says anything, or else in Cache-Control (RFC 9213, section 2.2).
func (c *sharedCache) policy(h http.Header) (says map[string]string, targeted bool) {
	for _, name := range c.heeds {
		lines := h.Values(name)
		switch says = c.directives(lines); {
		case len(says) == 0:
		case name != "X-Accel-Expires":
			return says, true
		case lines[0] == "0":
			return map[string]string{"no-store": ""}, true
		case strings.Trim(lines[0], "@0123456789") == "":
			return map[string]string{"max-age": strings.Trim(lines[0], "@")}, true
		}
	}
	return c.directives(h.Values("Cache-Control")), false
}

// directives reads the lines of a field.
func (c *sharedCache) directives(lines []string) map[string]string {
	all := map[string]string{}
	rest := strings.Join(lines, ",")
	for rest != "" {
		end, quoted := 0, false
		for ; end < len(rest) && (quoted || rest[end] != ','); end++ {
			switch {
			case rest[end] == '"':
				quoted = !quoted
			case rest[end] == '\\' && quoted:
				end++
			}
		}
		end = min(end, len(rest))
		name, value, _ := strings.Cut(rest[:end], "=")
		name = strings.ToLower(strings.Trim(name, " \t"))
		if _, twice := all[name]; (!twice || c.lastCounts) && name != "" {
			all[name] = strings.Trim(value, "\" \t")
		}
		rest = strings.TrimPrefix(rest[end:], ",")
	}
	return all
}
