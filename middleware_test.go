package goaltrack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// These tests tell what goaltrack does: what a visitor does on a site, and what the CDP
// receives of it. The rules and the site are right here. Package world puts a tracker around
// the site, on a live server, and has a strict CDP and the visitors' browsers. The folder test
// has what else can happen.

// teaGoals are what a marketer wrote.
const teaGoals = `
version: 1
goals:
  - goal: PRICING_VIEWED
    visit: /pricing

  - goal: CONTACT_SENT
    submit: /contact
    success: redirect to /thanks
    data: { topic: $form.topic }

  - goal: BROCHURE_DOWNLOADED
    download: /files/{file}.pdf
    data: { file: $path.file }
`

// teaSite is what a developer wrote. It knows nothing of goals.
func teaSite() http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<h1>Tea</h1>") })
	site.HandleFunc("POST /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("topic") == "" {
			_, _ = io.WriteString(w, "<p>Please say what it is about.</p><form>...</form>")
			return
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	site.HandleFunc("GET /files/{name}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("name") != "guide.pdf" {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "guide.pdf", time.Time{}, strings.NewReader(strings.Repeat("%PDF", 1000)))
	})
	return site
}

// TestPageVisited: a page that a person opens is a goal. One that a bot opens is none, and
// neither is one that no rule names.
func TestPageVisited(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	visitor := w.Visitor()
	visitor.Get("/pricing")
	visitor.Get("/about")
	w.Visitor().Get("/pricing", "User-Agent", "Googlebot/2.1")
	w.Expect("PRICING_VIEWED", "fired 1, bot 1")
	w.CDP.Expect(t, "PRICING_VIEWED").On("pricing").From(visitor.ID()).Once()
}

// TestFormAccepted: a form counts if the application accepted it, which here is a redirect to
// /thanks. What the rule names of the form is sent along, and nothing else.
func TestFormAccepted(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	visitor := w.Visitor()
	answer := visitor.Post("/contact", "topic=sales&message=Hello")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/thanks" {
		t.Errorf("the visitor got another answer: %s to %q", answer.Status, answer.Header.Get("Location"))
	}
	w.Expect("CONTACT_SENT", "fired 1")
	event := w.CDP.Expect(t, "CONTACT_SENT").From(visitor.ID()).With("topic", "sales").Once()
	if strings.Contains(string(event.Raw), "Hello") {
		t.Errorf("the message was sent, too: %s", event.Raw)
	}
}

// TestFormRefused: the application shows the form again, so it does not count. A script in the
// page would have counted the click on the button.
func TestFormRefused(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	w.Visitor().Post("/contact", "topic=&message=Hello")
	w.Expect("CONTACT_SENT", "not_successful 1")
	w.CDP.Expect(t, "CONTACT_SENT").Never()
}

// TestFileDownloaded: a file counts when it is sent. One that is not there does not.
func TestFileDownloaded(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	visitor := w.Visitor()
	visitor.Get("/files/guide.pdf")
	visitor.Get("/files/other.pdf")
	w.Expect("BROCHURE_DOWNLOADED", "fired 1, status 1")
	w.CDP.Expect(t, "BROCHURE_DOWNLOADED").From(visitor.ID()).With("file", "guide").Once()
}

// TestGoalInCode: the application can say what no rule can see.
func TestGoalInCode(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: ORDER_PAID, code: true}]}"
	w := world.Setup{Rules: rules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		return tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := tracker.Trigger(r, "ORDER_PAID", goaltrack.Data{"orderId": "A-1001"}); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, "<p>Thank you.")
		}))
	}}.Start(t)
	visitor := w.Visitor()
	visitor.Get("/paid")
	w.Flush()
	w.CDP.Expect(t, "ORDER_PAID").From(visitor.ID()).With("orderId", "A-1001").Once()
}

// TestConsentIsAsked: with a consent reader nothing counts, and no cookie is set, until the
// visitor agrees. When they take it back, their cookie is deleted.
func TestConsentIsAsked(t *testing.T) {
	w := world.New(t, teaGoals, teaSite(), func(c *goaltrack.Config) {
		c.Consent = goaltrack.ConsentCookie("consent", "yes") // the cookie of the site's banner
	})
	visitor := w.Visitor()
	visitor.Get("/pricing")
	if id := visitor.ID(); id != "" {
		t.Errorf("a visitor who was not asked yet has the ID %s", id)
	}
	visitor.Answers("consent", "yes")
	visitor.Get("/pricing")
	id := visitor.ID()
	visitor.Answers("consent", "no")
	visitor.Get("/pricing")
	if left := visitor.ID(); id == "" || left != "" {
		t.Errorf("the ID was %q after Yes, and %q after No", id, left)
	}
	w.Expect("PRICING_VIEWED", "fired 1, consent_refused 1, consent_unknown 1")
	w.CDP.Expect(t, "PRICING_VIEWED").From(id).Once()
}

// TestBrowserIDCookie: the CDP makes an ID for each new browser. It is in the cookie of
// Sitecore's own scripts, so that they and goaltrack speak of one visitor.
func TestBrowserIDCookie(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	visitor := w.Visitor()
	first := visitor.Get("/")
	id := visitor.ID()
	if id == "" || !strings.HasPrefix(first.Header.Get("Set-Cookie"), "bid_"+cdptest.TestClientKey+"="+id+"; ") {
		t.Errorf("ID %q, Set-Cookie: %q", id, first.Header.Get("Set-Cookie"))
	}
	visitor.Get("/pricing")
	visitor.Post("/contact", "topic=sales")
	w.Flush()
	w.CDP.Expect(t, "PRICING_VIEWED").From(id).Once()
	w.CDP.Expect(t, "CONTACT_SENT").From(id).Once()
}

// TestCountedOncePerSession: what counts once is remembered in a second cookie, which only this
// site's keys open.
func TestCountedOncePerSession(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: SEEN_ONCE, visit: /pricing, count: once per session}]}", teaSite())
	visitor := w.Visitor()
	visitor.Get("/pricing")
	visitor.Get("/pricing")
	w.Expect("SEEN_ONCE", "fired 1, already_counted 1")
}

// TestQueueOutlastsTheCDP: nobody waits for the CDP. While it takes nothing, events wait in a
// queue, and are delivered when it does. In the end, the account has a place for each of them.
func TestQueueOutlastsTheCDP(t *testing.T) {
	w := world.New(t, teaGoals, teaSite())
	visitor := w.Visitor()
	visitor.Get("/")
	w.CDP.Fault(cdptest.Status(http.StatusServiceUnavailable).On(cdptest.Sends))
	if answer := visitor.Get("/pricing"); answer.StatusCode != http.StatusOK {
		t.Errorf("the visitor noticed: %s", answer.Status)
	}
	w.CDP.ClearFaults()
	account := w.Done()
	w.CDP.Expect(t, "PRICING_VIEWED").From(visitor.ID()).Once()
	if account.Fired != 1 || account.Delivered != 1 || account.Waiting != 0 || !account.Balanced() {
		t.Errorf("the account:\n%v", account)
	}
}

// TestRequestBecomesGoal is a visitor's whole way through a shop, from a link in a newsletter to
// an order. What they are refused on it does not count.
func TestRequestBecomesGoal(t *testing.T) {
	w := world.New(t, world.ShopRules, world.Shop(), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	v := w.Visitor()
	v.Get("/?utm_source=news&UTM_Campaign=spring%20sale")
	w.Flush()
	v.Get("/pricing")
	v.Get("/products/sku-42")
	v.Get("/products/compare")
	v.Post("/newsletter", "email=ada%40example.com", "Referer", w.Site.URL+"/about/us")
	v.Post("/newsletter", "email=nonsense")
	v.Post("/contact", "topic=")
	v.Post("/contact", "topic=sales")
	v.Post("/checkout", "total=129.90")
	v.Get("/files/2026/eu/guide.pdf")
	account := w.Done()
	id := v.ID()
	if id == "" {
		t.Fatal("the visitor has no browser ID")
	}
	w.CDP.Expect(t, "PRICING_VIEWED").On("pricing").From(id).With("goalValue", 5.0).With("goalCurrency", "EUR").Once()
	w.CDP.Expect(t, "PRODUCT_VIEWED").On("products").From(id).With("productId", "sku-42").Once()
	w.CDP.Expect(t, "NEWSLETTER_SIGNUP").On("us").From(id).Once()
	w.CDP.Expect(t, "CONTACT_SENT").On("contact").From(id).With("topic", "sales").Once()
	w.CDP.Expect(t, "BROCHURE_DOWNLOADED").From(id).With("file", "guide").Once()
	w.CDP.Expect(t, "ORDER_PLACED").From(id).With("orderId", "A-1001").With("goalValue", 129.9).Once()
	w.CDP.Expect(t, "VIEW").From(id).Times(4)
	if account.Waiting != 0 || !account.Balanced() {
		t.Errorf("account:\n%v", account)
	}
}
