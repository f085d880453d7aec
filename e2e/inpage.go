package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/page"
)

// policies are Content-Security-Policies of pages with goaltrack's script, by the part
// of their addresses.
var policies = map[string]string{
	"self":    "default-src 'self'",
	"nothing": "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
	"nonce":   "script-src 'nonce-e2e'; connect-src 'self'",
	"dynamic": "script-src 'nonce-e2e' 'strict-dynamic'; connect-src 'self'; require-trusted-types-for 'script'",
}

// scripted puts the tracker in front of the site, package page in front of both, if the
// options say so, and then a CDN in front of all.
func (s *shop) scripted(site http.Handler) (http.Handler, error) {
	if s.o.Page == "" {
		return s.tracker.Handler(site), nil
	}
	var err error
	s.page, err = page.New(s.tracker, page.Options{Nonce: func(r *http.Request) string {
		if strings.Contains(policies[r.URL.Query().Get("policy")], "nonce") {
			return "e2e"
		}
		return ""
	}})
	if err != nil {
		return nil, err
	}
	if s.o.Page == "inject" {
		site = s.page.Inject(site)
	}
	pages := s.page.Around(s.tracker.Handler(site))
	return cdn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == s.page.Path()+"/c" {
			time.Sleep(time.Duration(s.o.Slow) * time.Millisecond)
		}
		pages.ServeHTTP(w, r)
	})), nil
}

// tag is the tag of a page.
func (s *shop) tag(r *http.Request) any {
	switch {
	case s.page == nil, s.o.Page == "inject":
		return ""
	case s.o.Page == "loader" || strings.HasPrefix(r.URL.Path, "/kept/"):
		return s.page.Loader(r)
	}
	return s.page.Script(r)
}

// inPage shows a page with whatever can be clicked.
func (s *shop) inPage(w http.ResponseWriter, r *http.Request) {
	if policy := policies[r.URL.Query().Get("policy")]; policy != "" {
		w.Header().Set("Content-Security-Policy", policy)
	}
	if strings.HasPrefix(r.URL.Path, "/kept/") {
		w.Header().Set("Cache-Control", "public, max-age=60")
	}
	show(w, "in", map[string]any{"Page": r.PathValue("page"), "Tag": s.tag(r), "Later": s.o.Page == "later"})
}

// rules are those of the shop.
func (o options) rules() []byte {
	text := bytes.Clone(goals)
	for i := range o.Clicks {
		text = fmt.Appendf(text, "  - {goal: CLICKED_%d, click: \"#part%d .button > a\"}\n", i, i)
	}
	return text
}

// consent is how the shop reads its visitors' consent, if it asks.
func (o options) consent() func(*http.Request) goaltrack.Consent {
	if !o.Consent {
		return nil
	}
	return goaltrack.ConsentCookie("consent", "yes")
}

// cdn keeps pages below /kept for everybody, as their first answer was.
func cdn(next http.Handler) http.Handler {
	var mu sync.Mutex
	kept := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/kept/") {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		answer := kept[r.URL.Path]
		if answer == nil {
			answer = httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			kept[r.URL.Path] = answer
		}
		maps.Copy(w.Header(), answer.Header())
		w.Header().Set("Cache-Control", "no-store") // the browser itself keeps nothing
		w.WriteHeader(answer.Code)
		_, _ = fmt.Fprint(w, bytes.NewBuffer(answer.Body.Bytes()))
	})
}
