package page

import (
	"encoding/base32"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/script"
)

// DefaultPath is where the script and the collector are unless Options say otherwise.
const DefaultPath = "/goals/e"

// Derived stands, as the Path of [Options], for a path of eight characters that is made of
// the first of the tracker's Keys, such as /_k3x7qa. It is the same on all instances, and
// another one when the key changes.
const Derived = "derived"

// Options say how the pages of a site are served. The zero value is a working default.
type Options struct {
	// Path is where the script and the collector are, as the site's own code sees it: a
	// path such as "/goals/e", or Derived. It belongs to this package with all that is
	// below it. Default: DefaultPath.
	Path string

	// Nonce returns the nonce that the Content-Security-Policy of the answer to a request
	// has, for the tag. It may be called by several goroutines at once. Default: the tag
	// has none, which is right for a policy that names 'self'.
	Nonce func(*http.Request) string

	// SeveralProcesses says that the pages of one visitor are served by several processes.
	// None of them knows all pages that were shown. So a page that a cache answered does not
	// count then, and one that was fetched ahead counts only if the process that fetched it
	// is told. Default: false, this process serves all pages, or each visitor comes back to
	// the same process. If they do not, a process notices it soon, by the scripts of the
	// others, and says so in the log. Until then it may have counted a page twice. Without
	// Keys it notices that of single pages alone.
	SeveralProcesses bool

	// Relay gets the requests for Path + "/r" and below, as they come. Default: these are
	// answered 404.
	Relay http.Handler
}

// Page serves the script of a site's pages, and takes what it tells. Make it with [New].
// All methods are safe for concurrent use.
//
// It answers everything at its path: s.js is the loader, c the collector, and the other
// names are those of the script. All else is answered 404.
type Page struct {
	tracker script.Tracker
	options Options
	// patience is how long a message may take to come.
	patience time.Duration
	process  process

	mu    sync.Mutex
	files files
}

// New makes the Page of a site whose goals a tracker counts. The tracker counts nothing for
// requests to the Page's own path. The error says what is wrong with the Options.
func New(tracker *goaltrack.Tracker, o Options) (*Page, error) {
	if tracker == nil {
		return nil, errors.New("page: no tracker")
	}
	p := &Page{tracker: script.Of(tracker), options: o, patience: mostTime}
	switch o.Path {
	case "":
		p.options.Path = DefaultPath
	case Derived:
		key, ok := p.tracker.Derive("page")
		if !ok {
			return nil, errors.New("page: a derived Path needs Keys, or it would be another one after each start")
		}
		p.options.Path = "/_" + strings.ToLower(base32.StdEncoding.EncodeToString(key[:])[:6])
	}
	if err := CheckPath(p.options.Path); err != nil {
		return nil, fmt.Errorf("page: Path: %w", err)
	}
	p.process.begin(p.tracker.Derive("process " + p.tracker.Environment()))
	p.process.several.Store(o.SeveralProcesses)
	p.tracker.Own(p.options.Path)
	return p, nil
}

// CheckPath returns what is wrong with a Path of [Options]: it is one or more segments of
// letters, digits and -._~, such as "/goals/e", without a slash at the end.
func CheckPath(path string) error {
	if path == Derived {
		return nil
	}
	rest, ok := strings.CutPrefix(path, "/")
	for segment := range strings.SplitSeq(rest, "/") {
		if segment == "" || segment == "." || segment == ".." {
			ok = false
		}
	}
	if !ok || len(path) > 100 || !isWord(rest, "-._~/") {
		return fmt.Errorf("%q is not a path such as %s", path, DefaultPath)
	}
	return nil
}

// Path is where the Page answers, without a slash at the end.
func (p *Page) Path() string { return p.options.Path }

// Around returns a handler that answers what is at the Page's path, and passes all else on
// to next, which usually is the tracker's Handler.
func (p *Page) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, p.options.Path); ok && (rest == "" || rest[0] == '/') {
			p.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Script returns the tag for the page that answers r: "" if no goal can happen there, or if
// the visitor may not be counted. The answer then differs by visitor, so no shared cache may
// keep it.
func (p *Page) Script(r *http.Request) template.HTML {
	look := p.tracker.Page(r, false)
	if len(look.Goals) == 0 && !look.Visits {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// The server sees each of these pages, unless the browser has kept it, or a service worker
	// asks in the browser's place.
	shown := onlyCached
	if navigation.IsPassedOn(r) {
		shown = p.whole()
	}
	tag := fmt.Sprintf(`<script src="%s%s/%s#%s" defer data-r='%s'`, template.HTMLEscapeString(look.Prefix), p.options.Path,
		p.files.plain(&look).name, p.process.stamp(p.tracker.Host(r), p.process.steady()), strings.ReplaceAll(p.files.settings(&look, shown), "'", "&#39;"))
	return template.HTML(tag + p.nonce(r) + "></script>") //nolint:gosec // All parts are escaped.
}

// Loader returns the fixed tag, which is the same for every page and visitor. The loader
// that it names is answered by the visitor's cookies: without consent it is empty. The
// request r may be nil; it is for the Nonce and for the prefix that a trusted proxy names.
func (p *Page) Loader(r *http.Request) template.HTML {
	prefix, nonce := "", ""
	if r != nil {
		prefix, nonce = p.tracker.Page(r, true).Prefix, p.nonce(r)
	}
	return template.HTML(`<script src="` + template.HTMLEscapeString(prefix) + p.options.Path + `/` + loaderName + `" defer` + nonce + `></script>`) //nolint:gosec // All parts are escaped.
}

// nonce is the attribute for the tag.
func (p *Page) nonce(r *http.Request) string {
	if p.options.Nonce == nil {
		return ""
	}
	if nonce := p.options.Nonce(r); nonce != "" {
		return ` nonce="` + template.HTMLEscapeString(nonce) + `"`
	}
	return ""
}

// The names at the path.
const (
	loaderName    = "s.js"
	collectorName = "c"
	relayName     = "r"
)

// ServeHTTP implements [http.Handler].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, p.options.Path+"/")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch first, _, _ := strings.Cut(name, "/"); {
	case !ok:
	case name == collectorName:
		p.collect(w, r)
		return
	case name == loaderName && reads:
		p.load(w, r)
		return
	case first == relayName && p.options.Relay != nil:
		p.options.Relay.ServeHTTP(w, r)
		return
	case isFile(name) && reads:
		p.file(w, r, name)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "not found", http.StatusNotFound)
}

// load answers with the loader, which is empty for whoever may not be counted.
func (p *Page) load(w http.ResponseWriter, r *http.Request) {
	look := p.tracker.Page(r, true)
	text := ""
	if len(look.Goals) > 0 || look.Shown {
		p.mu.Lock()
		text = loader(p.files.whole(&look, p.whole()).name + "#" + p.process.stamp(p.tracker.Host(r), time.Now()))
		p.mu.Unlock()
	}
	write(w, r, "no-store", []byte(text))
}

// whole says which pages tell that they are shown.
func (p *Page) whole() shownPages {
	if p.process.several.Load() {
		return onlyCached
	}
	return allShown
}

// file answers with a file by its name. A name that this process does not have belongs to
// another version of the rules or of the program, or is made up. It is answered with what is
// in force, which nobody may keep under that name.
func (p *Page) file(w http.ResponseWriter, r *http.Request, name string) {
	p.mu.Lock()
	f := p.files.find(name)
	p.mu.Unlock()
	caching := "public, max-age=31536000, immutable"
	if f == nil {
		look := p.tracker.Page(r, true)
		p.mu.Lock()
		if strings.HasSuffix(name, wholeEnd) {
			f = p.files.whole(&look, p.whole())
		} else {
			f = everything
		}
		p.mu.Unlock()
		if f.name != name {
			caching = "no-store"
		}
	}
	if f.zipped != nil && acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		write(w, r, caching, f.zipped)
		return
	}
	w.Header().Set("Vary", "Accept-Encoding")
	write(w, r, caching, f.text)
}
