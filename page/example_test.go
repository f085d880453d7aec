package page_test

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/page"
)

// A site that makes its pages for each request has the tag in its template. What a click
// on its page tells then counts.
func Example() {
	rules, err := goaltrack.ParseRules([]byte(`
version: 1
goals:
  - goal: DEMO_CLICKED
    click: book-demo
    on: /products/{id}
    data: { product: $path.id }
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}},
		Rules: rules, DryRun: true, Logger: slog.New(slog.DiscardHandler),
		BeforeSend: func(e *cdp.Event) bool {
			fmt.Println("sent:", e.Type, e.Ext)
			return true
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	pages, err := page.New(tracker, page.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	layout := template.Must(template.New("page").Parse(`<head>{{.Script}}</head>`))
	mux := http.NewServeMux()
	mux.Handle(pages.Path()+"/", pages)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private") // the tag is this visitor's
		if err := layout.Execute(w, map[string]any{"Script": pages.Script(r)}); err != nil {
			slog.Error("page", "error", err)
		}
	})
	site := tracker.Handler(mux)

	// A browser opens two pages, and its script tells of a click.
	ask := func(method, path, body string) string {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header = http.Header{
			"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
			"Accept":     {"text/html"}, "Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"},
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		return w.Body.String()
	}
	fmt.Println("the product has a script:", strings.Contains(ask(http.MethodGet, "/products/7", ""), "<script"))
	fmt.Println("the imprint:", ask(http.MethodGet, "/imprint", ""))
	ask(http.MethodPost, "/goals/e/c", `{"g":"DEMO_CLICKED","i":"0f8b2c9e-5d1a-4c3b-9a77-2f1e6d5c4b3a","u":"/products/7","d":{}}`)
	// Output:
	// the product has a script: true
	// the imprint: <head></head>
	// sent: DEMO_CLICKED [{product 7} {goalFrom page}]
}
