package goaltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/goaltest"
)

// The first test tries all examples of the file. The second lets a visitor send a form
// to the application.
func Example() {
	TestGoals := func(t *testing.T) { goaltest.Examples(t, "goals.yaml") }

	TestContact := func(t *testing.T) {
		app := http.NewServeMux() // the application
		site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "goals.yaml")}, app)
		b := site.Browser()
		b.Open("/contact")
		b.Submit("/contact", url.Values{"topic": {"sales"}})
		site.Expect("CONTACT_SENT").With("topic", "sales").Once()
	}
	_, _ = TestGoals, TestContact // go test finds them where they are declared at the top
}

// A site that runs already, such as one that a test has started, is opened by its address.
func ExampleNewBrowserAt() {
	TestLiveSite := func(t *testing.T) {
		b := goaltest.NewBrowserAt(t, "http://127.0.0.1:8080")
		if page := b.Open("/pricing"); page.Status != http.StatusOK {
			t.Error(page.Status)
		}
	}
	_ = TestLiveSite // go test finds it where it is declared at the top
}
