package goaltest_test

// The Go code of docs/testing.md is in this file, and TestDocsTesting compares them.

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/goaltest"
)

func TestGoals(t *testing.T) { goaltest.Examples(t, "testdata/goals.yaml") }

func TestContact(t *testing.T) {
	site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "testdata/goals.yaml")}, newApp())
	b := site.Browser()
	b.Open("/contact")
	b.Submit("/contact", url.Values{"topic": {""}}) // the form comes again, with its errors
	site.Expect("CONTACT_SENT").Never()

	b.Submit("/contact", url.Values{"topic": {"sales"}})
	site.Expect("CONTACT_SENT").With("topic", "sales").Once()
}

func TestBrochure(t *testing.T) {
	site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "testdata/goals.yaml")}, newApp())
	site.Browser().Download("/files/tea.pdf")
	site.Expect("BROCHURE_DOWNLOADED").With("file", "tea").Once()
}

func TestMachinesDoNotCount(t *testing.T) {
	site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "testdata/goals.yaml")}, newApp())
	b := site.Browser()
	b.Header.Set("User-Agent", "Googlebot/2.1")
	b.Open("/pricing")
	if got := site.Fates("PRICING_VIEWED"); got != "bot 1" {
		t.Error(got)
	}
}

func TestOnlyWithConsent(t *testing.T) {
	site := goaltest.NewSite(t, goaltrack.Config{
		Rules:   goaltest.Rules(t, "testdata/goals.yaml"),
		Consent: goaltrack.ConsentCookie("consent", "yes"),
	}, newApp())
	b := site.Browser()
	b.Open("/pricing")
	site.Expect("PRICING_VIEWED").Never()

	b.SetCookie("consent", "yes")
	b.Open("/pricing")
	site.Expect("PRICING_VIEWED").Once()
}

func TestWholeProgram(t *testing.T) {
	cdp := cdptest.NewServer(t, cdptest.Options{})
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct(), Language: "EN", Currency: "EUR"}},
		Rules: goaltest.Rules(t, "testdata/goals.yaml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer tracker.Close(t.Context())

	b := goaltest.NewBrowser(t, tracker.Handler(newApp()))
	b.Open("/pricing")
	cdp.Expect(t, "PRICING_VIEWED").Within(time.Minute).Once()
}

// newApp is the application under test.
func newApp() http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html><p>A page.") }
	mux.HandleFunc("GET /", page)
	mux.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("topic") == "" {
			page(w, r)
			return
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /files/tea.pdf", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "tea.pdf", time.Time{}, strings.NewReader("%PDF"))
	})
	// Forms from other sites are refused, as in a real application.
	return http.NewCrossOriginProtection().Handler(mux)
}

// TestDocsTesting: all code of the page is tested.
func TestDocsTesting(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sources := map[string]string{"go": read("docs_test.go"), "yaml": read("testdata/goals.yaml")}
	found := regexp.MustCompile("(?s)```(go|yaml)\n(.*?)```").FindAllStringSubmatch(read("../docs/testing.md"), -1)
	if len(found) < 6 {
		t.Errorf("%d blocks of code were found", len(found))
	}
	for _, m := range found {
		// In the page, the file has no folder: a reader's is beside the test.
		if !strings.Contains(strings.ReplaceAll(sources[m[1]], "testdata/", ""), m[2]) {
			t.Errorf("nothing tests\n%s", m[2])
		}
	}
}
