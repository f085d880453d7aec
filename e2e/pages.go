package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/relay"
)

//go:embed pages.html
var pagesSource string

var pageTemplates = template.Must(template.New("pages").Parse(pagesSource))

// guide is a file worth downloading.
var guide = []byte("%PDF-1.4\n" + strings.Repeat("% A guide to many teas.\n", 200) + "%%EOF\n")

// worker is a service worker that keeps the guide for later, and passes on what it does not have.
const worker = `
addEventListener("install", (event) => event.waitUntil(caches.open("e2e").then((cache) => cache.add("/files/guide.pdf"))));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request))));
`

// settings are what the script of a page gives to its SDK.
type settings struct {
	CDP         string `json:"cdp"` // base URL
	ClientKey   string `json:"clientKey"`
	PointOfSale string `json:"pointOfSale"`
	ContextID   string `json:"contextId"`
	SiteName    string `json:"siteName"`
	Domain      string `json:"domain,omitempty"`
	Personal    bool   `json:"personal,omitempty"`
}

// pages returns the site. It knows nothing of goaltrack.
func (s *shop) pages(bundles string) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"home", "pricing", "thanks", "contact", "club"} {
		mux.HandleFunc("GET /"+path, func(w http.ResponseWriter, _ *http.Request) { show(w, path, nil) })
	}
	mux.HandleFunc("GET /sdk/{caching}", s.sdkPage)
	mux.HandleFunc("GET /in/{page}", s.inPage)
	mux.HandleFunc("GET /kept/{page}", s.inPage)
	mux.HandleFunc("GET /ahead/{how}", func(w http.ResponseWriter, r *http.Request) { show(w, "ahead", r.PathValue("how")) })
	mux.HandleFunc("POST /contact", contact)
	mux.HandleFunc("POST /club", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/thanks", http.StatusSeeOther) })
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/home", http.StatusSeeOther) })
	mux.HandleFunc("GET /files/guide.pdf", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		http.ServeContent(w, r, "guide.pdf", time.Time{}, bytes.NewReader(guide))
	})
	mux.HandleFunc("GET /files/prices.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`))
	})
	mux.HandleFunc("GET /worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(worker))
	})
	mux.Handle("GET /scripts/", http.StripPrefix("/scripts/", http.FileServer(http.Dir(bundles))))
	return mux
}

// sdkPage answers with a page in which an SDK runs. Its address says what it
// tells caches.
func (s *shop) sdkPage(w http.ResponseWriter, r *http.Request) {
	switch r.PathValue("caching") {
	case "unsaid":
	case "private":
		w.Header().Set("Cache-Control", "private")
	case "public":
		w.Header().Set("Cache-Control", "public, max-age=60")
	default:
		http.NotFound(w, r)
		return
	}
	api := s.api.URL
	if s.o.Relay {
		api = relay.Path // of the page's own origin
	}
	show(w, "sdk", map[string]any{"SDK": s.o.SDK, "Settings": settings{
		CDP: api, ClientKey: clientKey, PointOfSale: pointOfSale,
		ContextID: contextID, SiteName: siteName, Domain: s.o.PageDomain, Personal: s.o.Personal,
	}})
}

// contact accepts a message with an address to answer to.
func contact(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.PostFormValue("email"), "@") {
		show(w, "contact", "We need your address.")
		return
	}
	http.Redirect(w, r, "/thanks", http.StatusSeeOther)
}

func show(w http.ResponseWriter, page string, data any) {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, page, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the visitor may have left
}
