package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/report/live"
)

// A preview has one page here, on which a link is made. It has three on the site, because
// only there a cookie can be set for it: what a link asks, what a marked browser did, and its
// end. They are answered in front of the site, for requests with the parameter alone.

type previewModel struct {
	frame

	Address, Link string
	Dry           bool
	Wrong         string
}

// preview makes the page on which a link is made.
func (p *pages) preview(a *asked) (page, error) {
	m := previewModel{frame: p.frame(a.r, a), Address: a.r.URL.Query().Get("address"), Dry: a.r.URL.Query().Get("dry") != ""}
	m.withoutDays()
	if m.Address == "" {
		if p.base != "" { // the pages are on the site itself
			m.Address = originOf(a.r) + "/"
		}
		return page{"preview", m}, nil
	}
	var err error
	if m.Link, err = p.Preview.Link(m.Address, m.Dry); err != nil {
		m.Wrong = say("preview.wrong")
	}
	return page{"preview", m}, nil
}

func originOf(r *http.Request) string {
	if web.IsHTTPS(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// previewShow and previewEnd are values of the parameter beside those of links.
const (
	previewShow = "show"
	previewEnd  = "end"
)

// Preview answers the requests of a site that are for a preview, which have the parameter
// [live.PreviewName]. All others go to next. Put it outside of what a tracker and a router
// wrap. What it answers is for nobody's cache. Times are shown in zone; nil is UTC.
func Preview(p *live.Preview, zone *time.Location, next http.Handler) http.Handler {
	if zone == nil {
		zone = time.UTC
	}
	s := &sitePreview{p, zone, http.NewCrossOriginProtection()}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.RawQuery, live.PreviewName) || !r.URL.Query().Has(live.PreviewName) {
			next.ServeHTTP(w, r)
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
			s.answer(w, r, r.URL.Query().Get(live.PreviewName))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// sitePreview are the pages on the site.
type sitePreview struct {
	p      *live.Preview
	zone   *time.Location
	origin *http.CrossOriginProtection
}

// policyAlone lets a page have its own style, and forms to where it is from.
var policyAlone = func() string {
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

type sitePreviewModel struct {
	frame

	Asks, Marked, Dry bool
	Until             string
	Requests          []previewRequest
	Show, End         string
	Text              string
}

// previewRequest is what became of a request.
type previewRequest struct {
	Time, Method, Path, Answer string
	Refused                    string
	Goals, Apart               []previewGoal
}

type previewGoal struct {
	Label, Name, Says, Reason, Why string
	Fired                          bool
	Events                         []previewEvent
}

type previewEvent struct{ Body, Answer string }

func (s *sitePreview) answer(w http.ResponseWriter, r *http.Request, value string) {
	h := w.Header()
	protect(h)
	h.Set("Content-Security-Policy", policyAlone)
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cache-Control", "private, no-store")
	m := sitePreviewModel{frame: frame{Title: say("preview.title"), Style: template.CSS(style)}} //nolint:gosec // It is ours.
	m.Show, m.End = "?"+live.PreviewName+"="+previewShow, "?"+live.PreviewName+"="+previewEnd
	if r.Method == http.MethodPost {
		// Nobody's browser is marked by a page of others, not even by a click there.
		if err := s.origin.Check(r); err != nil {
			m.Text = say("preview.foreign")
			s.write(w, http.StatusForbidden, m)
			return
		}
		s.act(w, r, value, m)
		return
	}
	if value == previewShow || value == previewEnd {
		s.show(w, r, m)
		return
	}
	if m.Dry, m.Asks = s.p.Asks(value); !m.Asks {
		m.Text = say("preview.over")
		s.write(w, http.StatusNotFound, m)
		return
	}
	s.write(w, http.StatusOK, m)
}

// act marks the browser, or ends that.
func (s *sitePreview) act(w http.ResponseWriter, r *http.Request, value string, m sitePreviewModel) {
	c := &http.Cookie{Name: live.PreviewName, Path: "/", HttpOnly: true, Secure: web.IsHTTPS(r), SameSite: http.SameSiteLaxMode} //nolint:gosec // Without TLS, a browser would not keep it with Secure.
	if value == previewEnd {
		if had, err := r.Cookie(live.PreviewName); err == nil {
			s.p.Forget(had.Value)
		}
		c.MaxAge = -1
	} else {
		mark, ok := s.p.Mark(value)
		if !ok {
			m.Text = say("preview.over")
			s.write(w, http.StatusNotFound, m)
			return
		}
		c.Value, c.MaxAge = mark, int(live.MarkAge.Seconds())
	}
	http.SetCookie(w, c)
	w.Header().Set("Location", m.Show)
	w.WriteHeader(http.StatusSeeOther)
}

// show shows what the browser did that asks, and nobody else's.
func (s *sitePreview) show(w http.ResponseWriter, r *http.Request, m sitePreviewModel) {
	var state live.State
	if c, err := r.Cookie(live.PreviewName); err == nil {
		state, m.Marked = s.p.State(c.Value)
	}
	if !m.Marked {
		m.Text = say("preview.unmarked")
		s.write(w, http.StatusOK, m)
		return
	}
	m.Dry, m.Until = state.Dry, state.Until.In(s.zone).Format(say("date.second"))
	for i := range state.Requests {
		m.Requests = append(m.Requests, s.request(&state.Requests[i]))
	}
	s.write(w, http.StatusOK, m)
}

func (s *sitePreview) write(w http.ResponseWriter, status int, m sitePreviewModel) {
	(&pages{}).write(w, status, page{"sitePreview", m})
}

// request is a request in words: the goals that it could make happen first.
func (s *sitePreview) request(r *live.Request) previewRequest {
	made := previewRequest{
		Time: r.Time.In(s.zone).Format(say("date.second")), Method: r.Method, Path: r.Path,
		Answer: answerOf(r.Status, r.Location),
	}
	if r.Refused != "" {
		made.Refused = reasonInWords(r.Refused)
	}
	for i := range r.Goals {
		g := goalOf(&r.Goals[i])
		if g.Reason == "" {
			made.Apart = append(made.Apart, g)
			continue
		}
		for _, sent := range r.Sent {
			if sent.Goal == g.Name {
				g.Events = append(g.Events, previewEvent{sent.Event, answerInWords(sent.Answer, r)})
			}
		}
		made.Goals = append(made.Goals, g)
	}
	return made
}

func goalOf(g *fact.SeenGoal) previewGoal {
	made := previewGoal{Label: g.Label, Name: g.Name, Reason: g.Reason, Why: g.Why, Fired: g.Reason == fact.Fired}
	if made.Label == "" {
		made.Label = g.Name
	}
	switch {
	case made.Fired:
		made.Says = say("live.fired")
	case g.Reason != "":
		made.Says = reasonInWords(g.Reason)
	}
	return made
}

// answerOf is what the site answered.
func answerOf(status int, location string) string {
	switch {
	case status == 0:
		return ""
	case location != "":
		return say("preview.redirected", status, location)
	}
	return say("preview.answered", status)
}

// answerInWords is what became of an event.
func answerInWords(answer string, r *live.Request) string {
	switch {
	case answer == "delivered":
		return say("preview.delivered")
	case answer != "":
		return say("preview.dead", strings.TrimPrefix(answer, "dead: "))
	}
	for i := range r.Goals {
		if r.Goals[i].Reason == "preview" {
			return say("preview.notSent")
		}
	}
	return say("preview.onItsWay")
}
