package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

// answerAs is a site that reads every form and answers as the request's query
// says: as=303:/thanks, as=200.
func answerAs(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("Content-Type"), "json") {
		_, _ = io.Copy(io.Discard, r.Body)
	} else {
		_ = r.ParseForm()
	}
	as, target, _ := strings.Cut(r.URL.Query().Get("as"), ":")
	switch as {
	case "", "200":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>A page.")
	case "json":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, target)
	default:
		status := 0
		_, _ = fmt.Sscan(as, &status)
		if target != "" {
			w.Header().Set("Location", target)
		}
		w.WriteHeader(status)
	}
}

func TestLanguage(t *testing.T) {
	const rules = `
defaults: { currency: EUR, identityProvider: email }
goals:
  - goal: TRIAL_STARTED
    submit: /trial
    if: { json.user.plan: [pro, team], json.seats: "> 1" }
    success: 2xx
    data: { plan: $json.user.plan, seats: $json.seats, months: { from: $query.months, as: number } }
  - goal: CART_FILLED
    submit: /cart
    success: { response.json.ok: true }
    data: { items: $response.json.cart.items }
  - goal: HELP_FOUND
    any:
      - visit: /help/**
      - visit: /faq
      - submit: /ask
  - goal: SECOND_FORM
    submit: { path: /forms, form: second }
  - goal: DRAFTED
    visit: /draft
    status: draft
  - goal: PAUSED
    visit: /paused
    status: paused
  - goal: ELSEWHERE
    visit: /elsewhere
    hosts: "*.elsewhere.example"
  - goal: IN_PRODUCTION
    visit: /env
    env: production
  - goal: LONG_AGO
    visit: /dated
    until: 2020-01-01
  - goal: CAMPAIGN_VISIT
    visit: /landing
    data: { campaign: $utm.campaign, from: $referrer }
  - goal: FORM_SENT
    sends: FORM
    submit: /survey
    data: { formId: survey-1 }
`
	const (
		rsc   = "RSC"
		jsonH = "Content-Type"
	)
	for _, tt := range []struct {
		name   string
		do     func(v *world.Visitor)
		fires  string // the event's type, "" for nothing
		data   map[string]any
		reason string // why the goal did not fire
	}{
		{"json body", func(v *world.Visitor) {
			v.Post("/trial?as=201&months=12", `{"user":{"plan":"pro"},"seats":5}`, jsonH, "application/json")
		}, "TRIAL_STARTED", map[string]any{"plan": "pro", "seats": 5.0, "months": 12.0}, ""},
		{"json body, condition fails", func(v *world.Visitor) {
			v.Post("/trial?as=201", `{"user":{"plan":"free"},"seats":5}`, jsonH, "application/json")
		}, "", nil, "condition"},
		{"json body that is none", func(v *world.Visitor) {
			v.Post("/trial?as=201", `{"user":`, jsonH, "application/json")
		}, "", nil, "condition"},
		{"answer says ok", func(v *world.Visitor) {
			v.Post(`/cart?as=json:{"ok":true,"cart":{"items":3}}`, "a=b")
		}, "CART_FILLED", map[string]any{"items": 3.0}, ""},
		{"answer says no", func(v *world.Visitor) { v.Post(`/cart?as=json:{"ok":false}`, "a=b") }, "", nil, "not_successful"},
		{"answer too long", func(v *world.Visitor) {
			v.Post(`/cart?as=json:{"ok":true,"x":"`+strings.Repeat("x", 17<<10)+`"}`, "a=b")
		}, "", nil, "answer_unreadable"},
		{"first alternative", func(v *world.Visitor) { v.Get("/help/a/b") }, "HELP_FOUND", nil, ""},
		{"second alternative", func(v *world.Visitor) { v.Get("/faq") }, "HELP_FOUND", nil, ""},
		{"third alternative", func(v *world.Visitor) { v.Post("/ask?as=204", "q=1") }, "HELP_FOUND", nil, ""},
		{"the form by its name", func(v *world.Visitor) { v.Post("/forms?as=204", "form_id=second") }, "SECOND_FORM", nil, ""},
		{"another form", func(v *world.Visitor) { v.Post("/forms?as=204", "form_id=first") }, "", nil, "other_form"},
		{"draft", func(v *world.Visitor) { v.Get("/draft") }, "", nil, "draft"},
		{"paused", func(v *world.Visitor) { v.Get("/paused") }, "", nil, ""},
		{"other host", func(v *world.Visitor) { v.Get("/elsewhere") }, "", nil, "other_host"},
		{"other environment", func(v *world.Visitor) { v.Get("/env") }, "", nil, ""},
		{"past", func(v *world.Visitor) { v.Get("/dated") }, "", nil, "not_now"},
		{"utm and referrer", func(v *world.Visitor) {
			v.Get("/landing?utm_campaign=spring%20sale", "Referer", "https://news.example/a")
		}, "CAMPAIGN_VISIT", map[string]any{"campaign": "spring sale", "from": "https://news.example/a"}, ""},
		{
			"FORM event", func(v *world.Visitor) { v.Post("/survey?as=204", "a=b") }, "FORM",
			map[string]any{"formId": "survey-1", "interactionType": "SUBMITTED"},
			"",
		},
		{"soft navigation", func(v *world.Visitor) {
			v.Get("/_next/data/b1/faq.json?as=json:{}", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors")
		}, "HELP_FOUND", nil, ""},
		{"soft prefetch", func(v *world.Visitor) {
			v.Get("/faq", rsc, "1", "Next-Router-Prefetch", "1", "Sec-Fetch-Dest", "empty")
		}, "", nil, "prefetch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := world.New(t, rules, http.HandlerFunc(answerAs))
			tt.do(w.Visitor())
			if tt.fires != "" {
				if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}
			account := w.Done()
			if tt.fires == "" {
				if n := len(w.CDP.Events()); n != 0 {
					t.Errorf("%d events, want none", n)
				}
				if tt.reason != "" && account.NotFired[tt.reason] != 1 || tt.reason == "" && account.Decisions != 0 {
					t.Errorf("the reason is not %q:\n%v", tt.reason, account)
				}
				return
			}
			e := w.CDP.Expect(t, tt.fires)
			for name, v := range tt.data {
				e = e.With(name, v)
			}
			e.Once()
		})
	}
}

// TestLanguageIdentity: who the visitor is reaches the CDP before the goal.
func TestLanguageIdentity(t *testing.T) {
	const rules = `
defaults: { currency: EUR, identityProvider: email }
goals:
  - goal: LOGGED_IN
    submit: /login
    identify: { email: $form.email, crm: $app.customer, firstName: $form.name, verified: true }
  - goal: MEMBER_HASHED
    submit: /hashed
    identify: { email: "sha256($form.email)", verified: true }
  - goal: ORDERED
    submit: /order
    identify: { crm: $app.customer }
    order: { id: $redirect.id, total: $app.total, payment: PayPal, items: $app.items }
    success: redirect to /orders/{id}
`
	var tracker *goaltrack.Tracker
	w := world.New(t, rules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if customer := r.URL.Query().Get("customer"); customer != "" {
			if err := tracker.Set(r, "customer", customer); err != nil {
				t.Error(err)
			}
		}
		if err := tracker.Set(r, "total", 49.5); err != nil {
			t.Error(err)
		}
		items := []cdp.OrderItem{
			{Type: "TEA", ReferenceID: "1", Name: "Sencha", ProductID: "s", Price: 20},
			{Type: "POT", ReferenceID: "2", Name: "Kettle", ProductID: "k", Price: 29.5},
		}
		if err := tracker.Set(r, "items", items); err != nil {
			t.Error(err)
		}
		clear(items) // a Set value is copied
		answerAs(rw, r)
	}))
	tracker = w.Tracker
	v := w.Visitor()
	v.Get("/")
	v.Post("/login?customer=c-1&as=303:/account", "email=+Ada%40Example.com&name=Ada")
	v.Post("/login?as=303:/account", "email=nonsense&name=Ada")
	v.Post("/hashed?as=303:/account", "email=Ada%40example.com")
	v.Post("/order?customer=c-1&as=303:/orders/A-7", "a=b")
	v.Post("/order?as=303:/orders/A-8", "a=b") // nobody knows who
	if _, err := w.CDP.WaitEvents(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	account := w.Flush()
	if got, want := fmt.Sprint(w.CDP.Types()), "[IDENTITY LOGGED_IN LOGGED_IN IDENTITY MEMBER_HASHED IDENTITY ORDER_CHECKOUT]"; got != want {
		t.Fatalf("the CDP received %s, want %s", got, want)
	}
	if account.NotFired["no_identity"] != 1 {
		t.Errorf("an order of somebody unknown: %v", account)
	}
	for i, want := range map[int]string{
		0: `{"email":"ada@example.com","firstname":"Ada","identifiers":[{"id":"ada@example.com","provider":"email"},{"id":"c-1","provider":"crm"}]}`,
		3: `{"identifiers":[{"id":"b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72","provider":"email"}]}`,
	} {
		body := w.CDP.Events()[i].Body
		got := map[string]any{"identifiers": body["identifiers"]}
		for _, name := range []string{"email", "firstname"} {
			if v, ok := body[name]; ok {
				got[name] = v
			}
		}
		var wanted map[string]any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Errorf("identity %d:\n%v, want\n%v", i, got, wanted)
		}
	}
	order, _ := w.CDP.Events()[6].Body["order"].(map[string]any)
	if order["referenceId"] != "A-7" || order["price"] != 49.5 || order["paymentType"] != "PayPal" || order["currencyCode"] != "EUR" {
		t.Errorf("order %v", order)
	}
	if items, _ := order["orderItems"].([]any); len(items) != 2 || items[1].(map[string]any)["name"] != "Kettle" {
		t.Errorf("items %v", order["orderItems"])
	}
}

// TestNearMisses: whoever wrote a rule learns why it nearly counted.
func TestNearMisses(t *testing.T) {
	w := world.New(t, "goals:\n  - goal: SIGNED_UP\n    submit: /newsletter\n    if: { form.email: present }\n", http.HandlerFunc(answerAs))
	v := w.Visitor()
	for range 3 {
		v.Post("/newsletter?as=200", "email=a")
	}
	v.Post("/newsletter?as=204", "email=")
	v.Post("/newsletter?as=204", "email=a")
	if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	misses := w.Tracker.Snapshot().Goals[0].NearMisses
	if len(misses) != 2 || misses[0].Times != 3 || !strings.Contains(misses[0].What, "answered 200") ||
		!strings.Contains(misses[0].Hint, "success: 200") || !strings.Contains(misses[1].What, "form.email: present does not hold") {
		t.Errorf("near misses: %+v", misses)
	}
}

// TestEarlyNearMisses: also what is known before the handler runs.
func TestEarlyNearMisses(t *testing.T) {
	w := world.New(t, "goals:\n  - goal: SEARCHED\n    visit: /search\n    if: { query.q: present }\n  - goal: ALWAYS\n    visit: /search\n", http.HandlerFunc(answerAs))
	v := w.Visitor()
	v.Get("/search")
	v.Get("/search", "Sec-Fetch-Dest", "empty") // nobody's way to a page
	if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.Done()
	misses := w.Tracker.Snapshot().Goals[0].NearMisses
	if len(misses) != 1 || misses[0].Times != 2 || misses[0].What != "if: query.q: present does not hold" {
		t.Errorf("near misses: %+v", misses)
	}
}

// TestRulesHashOnEvents: a jump in the numbers can be traced to the file.
func TestRulesHashOnEvents(t *testing.T) {
	w := world.New(t, "goals:\n  - goal: SEEN\n    visit: /\n", http.HandlerFunc(answerAs), func(c *goaltrack.Config) { c.RulesHash = true })
	w.Visitor().Get("/")
	if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.CDP.Expect(t, "SEEN").With("goalConfig", w.Tracker.Snapshot().RulesHash).Once()
}

// TestAlternativesCountOnce: several alternatives of a goal match one request,
// and another goal stands between them.
func TestAlternativesCountOnce(t *testing.T) {
	w := world.New(t, `
goals:
  - goal: A_GOAL
    any: [{ visit: "/**" }, { visit: /shop/tea }, { download: "/shop/{x}" }]
  - goal: B_GOAL
    visit: /shop/**
`, http.HandlerFunc(answerAs))
	w.Visitor().Get("/shop/tea")
	if _, err := w.CDP.WaitEvents(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if account := w.Flush(); account.Decisions != 2 || account.Fired != 2 {
		t.Errorf("two goals, once each:\n%v", account)
	}
	w.CDP.Expect(t, "A_GOAL").Once()
	w.CDP.Expect(t, "B_GOAL").Once()
}

// TestRaisedGoalsKeepTheirLimits: what a rule says beside code: true holds.
func TestRaisedGoalsKeepTheirLimits(t *testing.T) {
	const rules = `
goals:
  - { goal: PAUSED, code: true, status: paused }
  - { goal: PAST, code: true, until: 2020-01-01 }
  - { goal: ELSEWHERE, code: true, hosts: other.example }
  - { goal: PRODUCTION, code: true, env: production }
  - { goal: PROS, code: true, if: { app.plan: pro } }
  - { goal: REJECTED, code: true }
  - { goal: SENT, code: true, if: { app.plan: free } }
`
	want := map[string]uint64{"paused": 1, "not_now": 1, "other_host": 1, "other_env": 1, "condition": 1, "rejected_by_handler": 1}
	var tracker *goaltrack.Tracker
	names := []string{"PAUSED", "PAST", "ELSEWHERE", "PRODUCTION", "PROS", "REJECTED", "SENT"}
	raise := func(r *http.Request) {
		if err := tracker.Reject(r, "REJECTED"); err != nil {
			t.Error(err)
		}
		for _, name := range names {
			if err := tracker.Trigger(r, name, goaltrack.Data{"plan": "free"}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	w := world.New(t, rules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		raise(r)
		answerAs(rw, r)
	}))
	tracker = w.Tracker
	v := w.Visitor()
	v.Get("/")
	if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if account := w.Flush(); fmt.Sprint(account.NotFired) != fmt.Sprint(want) {
		t.Errorf("not fired %v, want %v", account.NotFired, want)
	}
	for _, name := range names[:5] { // of nobody there is no host to compare
		_ = tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: v.ID()}, name, goaltrack.Data{"plan": "free"})
	}
	w.Flush()
	w.CDP.Expect(t, "SENT").With("plan", "free").Once()
	w.CDP.Expect(t, "ELSEWHERE").Once()
	if got := len(w.CDP.Events()); got != 2 {
		t.Errorf("%v", w.CDP.Types())
	}
}

// TestJSONNumbers: an order number keeps all its digits.
func TestJSONNumbers(t *testing.T) {
	w := world.New(t, `
goals:
  - goal: ORDERED
    submit: /order
    if: { json.id: "900719925474099301", json.items: present, json.none: absent }
    success: 201
    data: { id: $json.id, n: $json.n, f: $json.f, list: $json.items }
`, http.HandlerFunc(answerAs))
	w.Visitor().Post("/order?as=201", `{"id":900719925474099301,"n":7,"f":1.5,"items":[1],"none":[]}`, "Content-Type", "application/vnd.api+json")
	if _, err := w.CDP.WaitEvents(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.CDP.Expect(t, "ORDERED").With("id", "900719925474099301").With("n", 7.0).With("f", 1.5).Once()
	if _, ok := w.CDP.Events()[0].Ext["list"]; ok {
		t.Error("a list is sent")
	}
}

// TestExplainIsTheLiveSite: what try says is what happens.
func TestExplainIsTheLiveSite(t *testing.T) {
	rules := world.MustParse(t, `
goals:
  - { goal: PAGE_SEEN, visit: "/products/{id}" }
  - { goal: FORM_READ, submit: /form, success: 204, data: { a: $form.a } }
  - { goal: DRAFTED, visit: /draft, status: draft }
  - { goal: PRODUCTION, visit: /env, env: [production, test] }
  - { goal: ONCE, visit: /once, count: once per day for $query.q }
  - { goal: LATER, visit: /later, status: draft, count: once per session, after: [ONCE, DRAFTED], within: 30m }
`)
	for line, want := range map[string]string{
		"GET /_next/data/b1/products/42.json -> 200 type=application/json": "PAGE_SEEN",
		"GET /products/42 header.Rsc=1 -> 200 type=text/x-component":       "PAGE_SEEN",
		"GET /products/42 -> 200 type=text/x-component":                    "",
		"POST /form a=b -> 204":                                            "FORM_READ",
		"POST /form json.a=b -> 204":                                       "",
		"GET /draft":                                                       "DRAFTED (draft, not sent)",
		"GET /env":                                                         "PRODUCTION (only in production, test)",
		"GET /once?q=a":                                                    "ONCE (once per day for $query.q)",
		"GET /once":                                                        "",
		"GET /later":                                                       "LATER (draft, not sent; once per session, only after ONCE, DRAFTED within 30m)",
	} {
		e, err := goaltrack.ParseExample(line)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, v := range rules.Explain(e) {
			if v.Fired {
				got.WriteString(v.Goal)
				if v.Note != "" {
					got.WriteString(" (" + v.Note + ")")
				}
			}
		}
		if got.String() != want {
			t.Errorf("%s: %q, want %q", line, got.String(), want)
		}
	}
	replay := rules.NewReplay()
	for _, target := range []string{"/products/42", "/_next/data/b1/products/42.json"} {
		replay.Add(goaltrack.LogEntry{Method: "GET", Target: target, Status: 200})
	}
	if n := replay.Counts()[0].Count; n != 2 {
		t.Errorf("the log counts %d pages, want 2", n)
	}
}

// TestClosedIsSaid: whoever raises a goal after Close learns why it is refused.
func TestClosedIsSaid(t *testing.T) {
	w := world.New(t, "goals: [{ goal: RAISED, code: true }]", http.HandlerFunc(answerAs))
	if _, err := world.Close(w.Tracker); err != nil {
		t.Fatal(err)
	}
	err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", nil)
	if !errors.Is(err, goaltrack.ErrClosed) || !errors.Is(err, goaltrack.ErrRefused) {
		t.Errorf("Send after Close: %v", err)
	}
}
