package web

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/live"
)

// Options are what the pages are made of.
type Options struct {
	// Store has the numbers. It is required.
	Store report.Store
	// Authorize says who may look. It is required, and called for every request but that
	// of the style sheet. For pages that everybody may see, write [Open].
	Authorize func(*http.Request) bool
	// FeedToken, if set, opens /feed.csv and no other page to whoever brings it: programs
	// such as Power BI, which cannot log in as people do. [HasFeedToken] says how. It has
	// at least 16 characters. Whom Authorize lets in needs no token.
	FeedToken string
	// Path is where the pages are, such as "/report". "" is "/".
	Path string
	// Snapshot returns how delivery is going. Without it the pages do not show that. Most
	// give it the method of a tracker.
	Snapshot func() goaltrack.Snapshot
	// Fresh, if set, is called before each page, so that it shows what has just happened:
	// most give it the Flush of a report's recorder. An error is logged, and the page is
	// shown all the same.
	Fresh func(context.Context) error
	// Letters returns the events that were given up and are kept, and Resend sends them
	// all again; both are for the page of delivery. Without Resend nobody can. Most give
	// them the methods of a tracker.
	Letters func() []goaltrack.DeadLetter
	Resend  func() (int, error)
	// Live, if set, is shown as a list of the last decisions. Whoever serves the pages
	// closes it before they shut the server down, which waits for those who look.
	Live *live.List
	// Preview, if set, adds a page that makes links for it. The links need [Preview] in
	// front of the site.
	Preview *live.Preview
	// Notice stands above everything, such as "These figures are made up."
	Notice string
	// Logger takes what goes wrong. nil is [slog.Default].
	Logger *slog.Logger
}

// Open lets everybody look. Give it as Options.Authorize if something in front of the pages
// decides who may come.
func Open(*http.Request) bool { return true }

// pages are the handlers, with what they share.
type pages struct {
	Options
	base string // Path without a slash at the end
	mux  http.ServeMux
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed style.css
var style []byte

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"t":       say,
	"number":  number[uint64],
	"percent": percent,
}).ParseFS(templateFiles, "templates/*.html"))

// New makes the handler of all pages, for Options.Path and what lies below it. It is safe
// for concurrent use. It returns an error if the options lack something.
func New(o Options) (http.Handler, error) {
	if o.Store == nil {
		return nil, errors.New("web: Options.Store is not set")
	}
	if o.Authorize == nil {
		return nil, errors.New("web: Options.Authorize is not set, so everybody could look; if that is meant, write web.Open")
	}
	if o.FeedToken != "" && len(o.FeedToken) < leastToken {
		return nil, fmt.Errorf("web: Options.FeedToken has less than %d characters", leastToken)
	}
	if o.Path != "" && !strings.HasPrefix(o.Path, "/") {
		return nil, fmt.Errorf("web: Options.Path %q does not begin with a slash", o.Path)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &pages{Options: o, base: strings.TrimRight(o.Path, "/")}
	p.mux.HandleFunc("GET "+p.base+"/{$}", p.shows(p.overview))
	if p.base != "" {
		p.mux.HandleFunc("GET "+p.base, p.shows(p.overview))
	}
	p.mux.HandleFunc("GET "+p.base+"/goal/{goal}", p.shows(p.goal))
	p.mux.HandleFunc("GET "+p.base+"/funnels", p.shows(p.funnels))
	p.mux.HandleFunc("GET "+p.base+"/delivery", p.shows(p.delivery, "resent"))
	p.mux.HandleFunc("GET "+p.base+"/cost", p.shows(p.cost))
	if p.Resend != nil {
		p.mux.Handle("POST "+p.base+"/delivery/resend", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.resend)))
	}
	p.routeLive()
	if p.Preview != nil {
		p.mux.HandleFunc("GET "+p.base+"/preview", p.shows(p.preview, "address", "dry"))
	}
	p.mux.HandleFunc("GET "+p.base+"/goals.json", p.exports(asJSON))
	p.mux.HandleFunc("GET "+p.base+"/goals.csv", p.exports(asCSV))
	p.mux.HandleFunc("GET "+p.base+"/cost.json", p.costs(costJSON))
	p.mux.HandleFunc("GET "+p.base+"/cost.csv", p.costs(costCSV))
	p.mux.HandleFunc("GET "+p.base+"/feed.csv", p.feed)
	p.mux.HandleFunc("GET "+p.base+"/style.css", serveStyle)
	return p, nil
}

// ServeHTTP implements [http.Handler].
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	switch {
	case r.URL.Path == p.base+"/style.css", p.Authorize(r):
		p.mux.ServeHTTP(w, r)
	case p.opensFeed(r):
		p.feed(w, r)
	default:
		http.Error(w, say("refused"), http.StatusForbidden)
	}
}

// protect sets what keeps pages with other people's words in them harmless, and out of
// caches and frames.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(style))
}

// page is what a page is made from: the name of its template, and the model.
type page struct {
	template string
	model    any
}

// shows makes a handler of a function that makes a page. more is as for ask.
func (p *pages) shows(show func(*asked) (page, error), more ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := p.ask(r, more...)
		if err == nil {
			var made page
			if made, err = show(a); err == nil {
				p.write(w, http.StatusOK, made)
				return
			}
		}
		status, text := p.fault(r, err)
		m := faultModel{frame: p.frame(r, nil), Text: text}
		m.Page = say("fault.title")
		if other, ok := errors.AsType[*noSuchSite](err); ok {
			for _, name := range other.sites {
				m.Sites = append(m.Sites, nav{Text: name, Link: withQuery(p.base, url.Values{"site": {name}})})
			}
		}
		p.write(w, status, page{"fault", m})
	}
}

type faultModel struct {
	frame

	Text string
}

// write renders a page, all of it before its first byte leaves.
func (p *pages) write(w http.ResponseWriter, status int, made page) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, made.template, made.model); err != nil {
		p.Logger.Error("goaltrack: a page of the report is broken", "page", made.template, "error", err)
		http.Error(w, say("broken"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader has gone
}

// errNoSuchGoal is given for a goal that neither the rules nor the numbers have.
var errNoSuchGoal = errors.New("no such goal")

// noSuchSite is given for a site that the report does not have, beside those that it has.
type noSuchSite struct{ sites []string }

// Error implements error.
func (e *noSuchSite) Error() string {
	if len(e.sites) == 0 {
		return say("fault.noSite")
	}
	names := make([]string, len(e.sites))
	for i, name := range e.sites {
		names[i] = cmp.Or(name, say("site.unnamed"))
	}
	return say("fault.site", strings.Join(names, ", "))
}

// wrongQuery is a mistake in the address.
type wrongQuery struct{ error }

// fault says what a reader is shown of an error. What a store says may name files and users,
// so it goes to the log.
func (p *pages) fault(r *http.Request, err error) (status int, text string) {
	var wrong wrongQuery
	other, isOther := errors.AsType[*noSuchSite](err)
	switch {
	case errors.Is(err, errNoSuchGoal):
		return http.StatusNotFound, say("fault.goal")
	case isOther:
		return http.StatusNotFound, other.Error()
	case errors.As(err, &wrong):
		return http.StatusBadRequest, wrong.Error()
	case r.Context().Err() == nil:
		p.Logger.Warn("goaltrack: a page of the report cannot be shown", "page", r.URL.Path, "error", err)
	}
	return http.StatusServiceUnavailable, p.why("fault.store", err)
}

// why says what an error of the store means, by the texts that begin with a name.
func (p *pages) why(name string, err error) string {
	if e, ok := p.Store.(report.Explainer); ok {
		if why := e.Explain(err); why != report.Unexplained && words[name+"."+string(why)] != "" {
			name += "." + string(why)
		}
	}
	return say(name)
}
