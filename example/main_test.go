package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
)

// step is one thing that a visitor does, and what the shop and the CDP make of
// it.
type step struct {
	name   string
	method string // default: GET, or POST with a form
	path   string
	form   string // "a=1&b=2"
	site   string // Sec-Fetch-Site; default: same-origin

	via    int    // the status of the redirect, if there is one
	status int    // default: 200
	end    string // where the visitor ends up; default: path
	goal   string // the goals reached, with their data, each on a line; default: none
}

const order1 = "product=moon-cup&quantity=2&card="

var steps = []step{
	{name: "home", path: "/"},
	{name: "shelf", path: "/products"},
	{name: "checkout, before a look at any tea", path: "/checkout"},
	{name: "product that does not exist", path: "/products/sun-cup", status: 404},
	{name: "product", path: "/products/moon-cup", goal: "PRODUCT_VIEWED productId=moon-cup"},
	{name: "tea club", path: "/pricing", goal: "PRICING_VIEWED goalCurrency=EUR goalValue=5"},
	{name: "tea club again", path: "/pricing"}, // counts once per session
	{name: "search box only", path: "/search"},
	{name: "search for nothing", path: "/search?q="},
	{name: "search", path: "/search?q=green+tea", goal: `SITE_SEARCHED term="green tea"`},
	{name: "second page of a search", path: "/search?q=tea&page=2"},
	{name: "newsletter form", path: "/newsletter"},
	{name: "newsletter, not an address", path: "/newsletter", form: "email=nobody", status: 422},
	{name: "newsletter, empty", path: "/newsletter", form: "email=", status: 422},
	{
		name: "newsletter", path: "/newsletter", form: "email=ann@tea.example",
		via: 303, end: "/welcome", goal: "NEWSLETTER_SIGNUP goalCurrency=EUR goalValue=10",
	},
	{name: "contact form", path: "/contact"},
	{name: "contact without a message", path: "/contact", form: "name=Ann&email=ann@tea.example&topic=sales"},
	{
		name: "contact", path: "/contact", form: "name=Ann&email=ann@tea.example&topic=sales&message=Hello",
		via: 303, end: "/thanks", goal: "CONTACT_SENT topic=sales",
	},
	{
		name: "contact from a forged page", path: "/contact", site: "cross-site",
		form: "name=Ann&email=ann@tea.example&topic=sales&message=Hello", status: 403,
	},
	{name: "log-in form", path: "/login"},
	{
		name: "wrong password", path: "/login", form: "email=ann@tea.example&password=oolong",
		via: 302, end: "/login?error=1",
	},
	{
		name: "log-in", path: "/login", form: "email=ann@tea.example&password=earl+grey",
		via: 302, end: "/account", goal: "LOGGED_IN",
	},
	{name: "brochure", path: "/files/2026/tea-guide.pdf", goal: "BROCHURE_DOWNLOADED file=tea-guide"},
	{name: "brochure, asked for its size", method: http.MethodHead, path: "/files/2026/tea-guide.pdf"},
	{name: "checkout form", path: "/checkout?product=moon-cup", goal: "CHECKOUT_STARTED"},
	{
		name: "card declined", path: "/checkout", form: order1 + "bad",
		via: 303, end: "/checkout?declined=1&product=moon-cup&quantity=2",
	},
	{name: "nothing to buy", path: "/checkout", form: "card=good", via: 303, end: "/checkout?declined=1"},
	{
		name: "order", path: "/checkout", form: order1 + "good",
		via: 303, end: "/orders/{id}", goal: "ORDER_PLACED goalCurrency=EUR goalValue=37 orderId={id}",
	},
	{name: "an order nobody made", path: "/orders/KC-0", status: 404},
	{
		name: "payment", path: "/orders/{id}/pay", form: "pay=now",
		via: 303, end: "/orders/{id}", goal: "ORDER_PAID goalCurrency=EUR goalValue=37 orderId={id} total=37",
	},
	{name: "payment, button pressed twice", path: "/orders/{id}/pay", form: "pay=now", via: 303, end: "/orders/{id}"},
	{name: "styles", path: "/static/shop.css"},
	{name: "no such page", path: "/pricing/old", status: 404},
}

// TestEveryStep lets one visitor do everything. It compares what the CDP has
// when the shop has closed, because nothing can follow then.
func TestEveryStep(t *testing.T) {
	stand := cdptest.New(cdptest.Options{ClientKeys: []string{"key"}, PointsOfSale: []string{"shop"}})
	server := httptest.NewServer(stand)
	defer server.Close()
	s := open(t, "-cdp", server.URL, "-client-key", "key", "-pos", "shop")
	v := s.visitor(t)
	var want []string
	for _, step := range steps {
		v.take(t, step)
		if step.goal != "" {
			want = append(want, strings.Split(v.fill(step.goal), "\n")...)
		}
	}
	if out := s.close(t); strings.Contains(out, "CDP received") {
		t.Errorf("the shop speaks for a CDP that is not its own:\n%s", out)
	}
	var got []string
	views := 0
	for _, e := range stand.Events() {
		if e.Lost || e.Currency != "EUR" || e.Language != "EN" || e.Channel != "WEB" {
			t.Errorf("%s: lost %t, currency %q, language %q, channel %q", e.Type, e.Lost, e.Currency, e.Language, e.Channel)
		}
		mine := e.BrowserID == v.browserID(t)
		switch {
		case e.Type != "VIEW":
			got = append(got, strings.Join(append([]string{e.Type}, attributes(e)...), " "))
			if !mine {
				t.Errorf("%s came with browser ID %s, the cookie has %s", e.Type, e.BrowserID, v.browserID(t))
			}
		case mine:
			views++
		}
	}
	if views != v.pages {
		t.Errorf("%d page views at the CDP, the visitor saw %d pages", views, v.pages)
	}
	if !slices.Equal(got, want) {
		t.Errorf("goals at the CDP:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPrinted reads what a newcomer reads: where to click, a line for each
// event, the account.
func TestPrinted(t *testing.T) {
	s := open(t)
	v := s.visitor(t)
	for _, step := range steps {
		v.take(t, step)
	}
	visitor := v.browserID(t)[:8]
	out := s.close(t)
	wanted := map[string]int{}
	for _, step := range steps {
		if step.goal != "" {
			for goal := range strings.SplitSeq(v.fill(step.goal), "\n") {
				wanted[goal]++
			}
		}
	}
	for goal, times := range wanted {
		name, data, _ := strings.Cut(goal, " ")
		line := regexp.MustCompile(`(?m)^CDP received  ` + name + ` +visitor ` + visitor + `  page \S+ *` + regexp.QuoteMeta(data) + `$`)
		if n := len(line.FindAllString(out, -1)); n != times {
			t.Errorf("%d lines for %s, want %d", n, goal, times)
		}
	}
	for _, want := range []string{
		"  1. The shop                      " + s.url + "/\n",
		"  6. Conversions over time         http://127.0.0.1:", "  7. What the CDP received         http://127.0.0.1:",
		"\nThe shop is closed.\n",
	} {
		if !strings.Contains(s.printed, want) {
			t.Errorf("not printed: %q", want)
		}
	}
	for _, line := range readmeLines(t) {
		if line = regexp.MustCompile(`visitor [0-9a-f]{8}`).ReplaceAllString(line, "visitor "+visitor); !strings.Contains(out, "\n"+line+"\n") {
			t.Errorf("README shows a line that is not printed: %q", line)
		}
	}
	received := strings.Count(out, "\nCDP received")
	if account := fmt.Sprintf("accepted %d = delivered %[1]d ", received); !strings.Contains(out, account) {
		t.Errorf("%d events were received, the account does not say %q", received, account)
	}
	if t.Failed() {
		t.Log(s.printed)
	}
}

// readmeLines are the lines of the shop that README shows.
func readmeLines(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^(?:CDP received|Not counted) .*$`).FindAllString(string(readme), -1)
	if len(lines) < 2 {
		t.Fatalf("README shows %q", lines)
	}
	return lines
}

func TestRunRefuses(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("version: 1\ngoals:\n  - goal: A\n    vist: /a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown flag", []string{"-lisen", "x"}, "lisen"},
		{"an argument", []string{"x"}, "x"},
		{"an address of another machine", []string{"-listen", "192.0.2.1:0"}, "192.0.2.1"},
		{"a file that is not there", []string{"-rules", "no-such.yaml"}, "no-such.yaml"},
		{"a rule file with a fault", []string{"-rules", broken}, "vist"},
		{"a CDP without a key", []string{"-cdp", "http://127.0.0.1:1", "-pos", "shop"}, "ClientKey"},
		{"a CDP without a point of sale", []string{"-cdp", "http://127.0.0.1:1", "-client-key", "k"}, "PointOfSale"},
		{"a key without a CDP", []string{"-client-key", "k"}, "-cdp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := run(ctx, append([]string{"-listen", "127.0.0.1:0"}, test.args...), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"sales": "sales", "": `""`, "green tea": `"green tea"`, "\x1b[2J": `"\x1b[2J"`, `a"b`: `"a\"b"`, "thé": "thé",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %s, want %s", in, got, want)
		}
	}
}

// TestPrintedWhy: what did not count is a line too, with the reason. It has no colour,
// since the test is no terminal.
func TestPrintedWhy(t *testing.T) {
	s := open(t)
	v := s.visitor(t)
	for _, step := range steps {
		v.take(t, step)
	}
	out := s.close(t)
	for _, want := range []string{
		"Not counted   PRICING_VIEWED      already_counted: it had counted before\n",
		"Not counted   SITE_SEARCHED       condition",
		"Not counted   NEWSLETTER_SIGNUP   not_successful: line 46: answered 422; ",
	} {
		if !strings.Contains(out, "\n"+want) {
			t.Errorf("not printed: %q", want)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("there are colours")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestUncountedLines: a terminal gets grey lines; nobody waits for it, and nothing of a
// visitor's can command it.
func TestUncountedLines(t *testing.T) {
	hold := make(chan struct{})
	var printed bytes.Buffer
	out := log.New(writerFunc(func(p []byte) (int, error) { <-hold; return printed.Write(p) }), "", 0)
	u := startUncounted(out, true)
	u.Report(fact.Fact{Kind: fact.Visit, Reason: "gpc"})
	u.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: fact.Fired})
	for range 1000 { // more than wait
		u.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: "not_successful", NearMiss: "answered 303 /\x1b[2Jx"})
	}
	close(hold)
	u.close()
	u.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: "gpc"})
	lines := strings.SplitAfter(printed.String(), "\n")
	if want := "\x1b[90mNot counted   A                   not_successful: answered 303 /[2Jx\x1b[0m\n"; lines[0] != want {
		t.Errorf("printed %q, want %q", lines[0], want)
	}
	if n := len(lines) - 1; n < 100 || n > 200 {
		t.Errorf("%d lines", n)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestColor: only a terminal that wants colours gets them.
func TestColor(t *testing.T) {
	if hasColor(&bytes.Buffer{}) {
		t.Error("a buffer has colours")
	}
	terminal, err := os.Open(os.DevNull) // a character device like one
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !hasColor(terminal) || hasColor(file) {
		t.Errorf("a terminal %v, a file %v", hasColor(terminal), hasColor(file))
	}
	t.Setenv("NO_COLOR", "1")
	if hasColor(terminal) {
		t.Error("colours in spite of NO_COLOR")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if hasColor(terminal) {
		t.Error("colours in a dumb terminal")
	}
}
