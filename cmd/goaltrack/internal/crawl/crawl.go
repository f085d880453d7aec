// Package crawl looks at the pages of a site, to see which forms and files there are. It only
// ever gets pages, of one host, one after the other, and follows no link that may do
// something. It obeys robots.txt (RFC 9309) and sends no form.
package crawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/temoto/robotstxt"
	"golang.org/x/net/html/charset"
)

// Agent is what robots.txt may call us, and the beginning of the user agent.
const Agent = "goaltrack-init"

const userAgent = Agent + "/1.0 (+https://github.com/goaltrack/goaltrack)"

// These bound a look.
const (
	maxPage   = 1 << 20          // bytes of a page
	maxRobots = 500 << 10        // bytes of robots.txt, as RFC 9309 has it
	maxLinks  = 10_000           // addresses that are remembered
	maxDelay  = 10 * time.Second // that a site may ask for between two pages
	timeout   = 10 * time.Second // for one page
	maxFailed = 5                // pages in a row that cannot be got, before none is asked for any more
	maxTold   = 10               // of them that are named
)

// Options are how to look.
type Options struct {
	// Pages is how many are looked at, at most.
	Pages int
	// Pause is the time between two of them, unless the site asks for more.
	Pause time.Duration
	// Transport is for tests. Default: that of net/http.
	Transport http.RoundTripper
}

// Site is what was found.
type Site struct {
	// Host is that of the site.
	Host string
	// Pages are how many were looked at. More says that there are others.
	Pages int
	More  bool
	// Forms and Files are in the order in which they were found.
	Forms []Form
	Files []File
	// Left are sentences on what was not looked at.
	Left []string
}

// Form is a form, once for each address and method.
type Form struct {
	// On is the page that it is on, Path where it is sent to, and Host the other host if that
	// is on one.
	On, Path, Host string
	// Method is GET or POST.
	Method string
	// Name is what the form calls itself, "" if nothing.
	Name string
	// Fields are the names of its fields. Search is the one of them for words to search for,
	// and Password says that one is a password.
	Fields   []string
	Search   string
	Password bool
}

// File is a document that a page links to.
type File struct{ On, Path, Text string }

// At looks at the site of an address such as https://shop.example/.
func At(ctx context.Context, address string, o Options) (*Site, error) {
	start, err := url.Parse(address)
	if err != nil || start.Scheme != "http" && start.Scheme != "https" || start.Host == "" || start.User != nil {
		return nil, fmt.Errorf("%q is no address such as https://shop.example/", address)
	}
	start.Fragment = ""
	if start.Path == "" {
		start.Path = "/"
	}
	l := &looker{options: o, start: start, site: &Site{Host: start.Host}, seen: map[string]bool{}, found: map[string]bool{}}
	l.client = &http.Client{Timeout: timeout, Transport: o.Transport, CheckRedirect: l.checkRedirect}
	return l.site, l.look(ctx)
}

// looker is one look at a site.
type looker struct {
	options Options
	client  *http.Client
	start   *url.URL
	robots  *robotstxt.Group
	site    *Site
	queue   []*url.URL
	seen    map[string]bool // addresses
	found   map[string]bool // forms and files
	failed  []string        // pages that could not be got, and why
	inRow   int             // how many of them came one after the other
}

// failed is why a page could not be got.
type failed struct{ error }

// Unwrap returns the error itself.
func (f failed) Unwrap() error { return f.error }

// elsewhere says that an address leads away.
type elsewhere struct{ to string }

func (e elsewhere) Error() string { return "it leads to " + e.to }

// checkRedirect follows a redirect on the same host only, and to a page that may be looked
// at.
func (l *looker) checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case next.URL.Host != l.start.Host || next.URL.Scheme != l.start.Scheme:
		return elsewhere{next.URL.Scheme + "://" + next.URL.Host}
	case len(via) >= 5:
		return errors.New("it leads in a circle")
	case !l.mayGet(next.URL):
		return errForbidden
	}
	return nil
}

func (l *looker) look(ctx context.Context) error {
	pause, err := l.readRobots(ctx)
	if err != nil {
		return err
	}
	l.queue = []*url.URL{l.start}
	l.seen[l.start.String()] = true
	for len(l.queue) > 0 && l.site.Pages < l.options.Pages {
		next := l.queue[0]
		l.queue = l.queue[1:]
		if err := wait(ctx, pause); err != nil {
			return err
		}
		err := l.page(ctx, next)
		if first := l.site.Pages == 0 && next == l.start; err != nil && (first || ctx.Err() != nil) {
			return fmt.Errorf("%s: %w", next, err)
		}
		if l.fails(next, err); l.inRow == maxFailed {
			break
		}
	}
	l.tellFailed()
	if l.site.More = len(l.queue) > 0; l.site.More {
		line := fmt.Sprintf("%d more pages were linked and not looked at", len(l.queue))
		if l.inRow < maxFailed {
			line += "; --pages takes more of them"
		}
		l.site.Left = append(l.site.Left, line+".")
	}
	return nil
}

// fails notes whether a page could be got. One that leads to another host, or where robots.txt
// forbids it, or that is no HTML, is none that failed.
func (l *looker) fails(page *url.URL, err error) {
	if failure, ok := errors.AsType[failed](err); ok {
		l.inRow++
		l.failed = append(l.failed, fmt.Sprintf("%s: %s.", page.Path, failure))
	} else {
		l.inRow = 0
	}
}

// tellFailed says which pages could not be got.
func (l *looker) tellFailed() {
	for _, line := range l.failed[:min(len(l.failed), maxTold)] {
		l.site.Left = append(l.site.Left, "This page could not be looked at: "+line)
	}
	if more := len(l.failed) - maxTold; more > 0 {
		l.site.Left = append(l.site.Left, fmt.Sprintf("So it was with %d more.", more))
	}
	if l.inRow == maxFailed {
		l.site.Left = append(l.site.Left, fmt.Sprintf("After %d such pages in a row none was asked for any more.", maxFailed))
	}
}

// readRobots asks what may be looked at, and how fast.
func (l *looker) readRobots(ctx context.Context) (pause time.Duration, err error) {
	answer, err := l.get(ctx, l.start.ResolveReference(&url.URL{Path: "/robots.txt"}))
	if away, ok := errors.AsType[elsewhere](err); ok {
		return 0, fmt.Errorf("%s leads to %s: give that address, if the site is yours", l.start.Host, away.to)
	}
	if err != nil {
		return 0, fmt.Errorf("%s/robots.txt: %w", l.start.Host, err)
	}
	defer func() { _ = answer.Body.Close() }()               // it was only read
	if answer.StatusCode >= http.StatusInternalServerError { // RFC 9309, section 2.3.1.4
		return 0, fmt.Errorf("the site answers %s when asked for robots.txt, so nobody knows what may be looked at; try again later", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRobots))
	if err != nil {
		return 0, err
	}
	rules, err := robotstxt.FromStatusAndBytes(answer.StatusCode, text)
	if err != nil {
		return 0, fmt.Errorf("robots.txt cannot be read: %w", err)
	}
	l.robots = rules.FindGroup(Agent)
	if !l.mayGet(l.start) {
		return 0, errors.New("robots.txt of the site forbids to look at it; a group for " + Agent + " would allow it")
	}
	return min(max(l.options.Pause, l.robots.CrawlDelay), maxDelay), nil
}

func (l *looker) mayGet(u *url.URL) bool { return l.robots == nil || l.robots.Test(u.EscapedPath()) }

// wait waits, unless ctx ends.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

func (l *looker) get(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "text/html")
	answer, err := l.client.Do(req)
	return answer, inWords(err)
}

// inWords takes the method and the address from an error, which are said anyway, and says in
// words that it took too long.
func inWords(err error) error {
	of, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return err
	case of.Timeout():
		return failed{fmt.Errorf("no answer came within %v", timeout)}
	}
	if _, away := errors.AsType[elsewhere](err); away || errors.Is(err, errForbidden) {
		return of.Err
	}
	return failed{of.Err}
}

// errForbidden says that a page leads to where nobody may look.
var errForbidden = errors.New("robots.txt forbids where it leads")

// page gets a page, and notes what is on it.
func (l *looker) page(ctx context.Context, u *url.URL) error {
	answer, err := l.get(ctx, u)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode != http.StatusOK:
		err := fmt.Errorf("the site answers %s", answer.Status)
		if isGone := answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone; isGone {
			return err // a link that leads nowhere is nothing to tell
		}
		return failed{err}
	case kind == "":
		return errors.New("its answer does not say that it is a page (Content-Type: text/html)")
	case kind != "text/html" && kind != "application/xhtml+xml":
		return fmt.Errorf("it is %s, and no page", answer.Header.Get("Content-Type"))
	}
	l.site.Pages++
	at := answer.Request.URL
	l.seen[at.String()] = true
	text, err := charset.NewReader(io.LimitReader(answer.Body, maxPage), answer.Header.Get("Content-Type"))
	if err != nil { // there is none
		text = strings.NewReader("")
	}
	p := read(text, at)
	for _, f := range p.forms {
		l.form(f)
	}
	for _, link := range p.links {
		l.link(at, link, p.nofollow)
	}
	return nil
}

// documents are endings of files that people download on purpose.
var documents = []string{".pdf", ".zip", ".docx", ".xlsx", ".pptx", ".csv", ".epub", ".dmg", ".exe", ".msi", ".mp4"}

// link notes a file, or a page to look at later.
func (l *looker) link(on *url.URL, a link, nofollow bool) {
	u := a.to
	if u.Host != l.start.Host || u.Scheme != l.start.Scheme {
		return
	}
	if ending := strings.ToLower(path.Ext(u.Path)); slices.Contains(documents, ending) {
		if !l.found[u.Path] && len(l.found) < maxLinks {
			l.found[u.Path] = true
			l.site.Files = append(l.site.Files, File{on.Path, u.Path, a.text})
		}
		return
	}
	u.Fragment = ""
	if nofollow || a.nofollow || mayAct(u) || l.seen[u.String()] || len(l.seen) >= maxLinks || !l.mayGet(u) {
		return
	}
	l.seen[u.String()] = true
	l.queue = append(l.queue, u)
}

// acts are words of addresses that may do something when somebody goes there, although a GET
// should not (RFC 9110, section 9.2.1).
var acts = []string{"logout", "log-out", "signout", "sign-out", "logoff", "abmelden", "delete", "remove", "unsubscribe", "add-to", "cancel", "confirm", "vote", "admin", "loeschen", "destroy"}

// mayAct reports whether an address may do more than show a page. With a query it may, such
// as ?add-to-cart=12.
func mayAct(u *url.URL) bool {
	lower := strings.ToLower(u.Path)
	return u.RawQuery != "" || slices.ContainsFunc(acts, func(word string) bool { return strings.Contains(lower, word) })
}

// form notes a form.
func (l *looker) form(f Form) {
	if f.Host == l.start.Host {
		f.Host = ""
	}
	key := f.Method + " " + f.Host + f.Path
	if l.found[key] || len(l.found) >= maxLinks {
		return
	}
	l.found[key] = true
	l.site.Forms = append(l.site.Forms, f)
}
