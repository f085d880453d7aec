package main

import (
	"strings"
	"testing"
)

const funnelRules = `
version: 1
goals:
  - { goal: PRICING_VIEWED, visit: /pricing, count: once per session }
  - goal: TRIAL_STARTED
    submit: /trial
    after: [PRICING_VIEWED]
    within: 30m
    success: redirect to /welcome
  - { goal: DAILY, visit: /daily, count: once per day }
  - { goal: BY_MAIL, visit: /pricing/**, if: { utm.source: mail }, data: { campaign: $utm.campaign } }
  - { goal: OFFER, visit: /offer, from: 2099-01-01, until: 2099-01-31, timezone: Asia/Tokyo }
  - goal: ORDER_PAID
    visit: /paid
    count: once per session
    order: { id: $query.id, total: $app.total, currency: EUR }
    identify: { email: $app.email }
    identityProvider: email
`

// triedGoal is what programs see of a goal.
type triedGoal struct {
	Goal   string         `json:"goal"`
	Fired  bool           `json:"fired"`
	Reason string         `json:"reason"`
	Value  any            `json:"value"`
	Data   map[string]any `json:"data"`
	Events []any          `json:"events"`
}

// TestTrySession: what counts goes by the requests before, and without --session it is
// taken to.
func TestTrySession(t *testing.T) {
	file := write(t, "goals.yaml", funnelRules)
	const trial = "POST /trial a=b -> 303 /welcome"
	for _, tt := range []struct {
		name  string
		words []string
		want  string // the goals that fired, request by request
	}{
		{"no session", []string{"GET /pricing", "GET /pricing", trial}, "PRICING_VIEWED;PRICING_VIEWED;TRIAL_STARTED"},
		{"once", []string{"--session", "GET /pricing", "GET /pricing"}, "PRICING_VIEWED;"},
		{"a funnel", []string{"--session", trial, "GET /pricing", trial}, ";PRICING_VIEWED;TRIAL_STARTED"},
		{"in time", []string{"--session", "GET /pricing", "+15m", "GET /", "+15m", trial}, "PRICING_VIEWED;;TRIAL_STARTED"},
		{"too late", []string{"--session", "GET /pricing", "+15m", "GET /", "+16m", trial}, "PRICING_VIEWED;;"},
		{"another session", []string{"--session", "GET /pricing", "+20m", trial, "GET /pricing"}, "PRICING_VIEWED;;PRICING_VIEWED"},
		{"once per day", []string{"--session", "--at=2027-01-15 23:50", "GET /daily", "+5m", "GET /daily", "+5m", "GET /daily", "+1d", "GET /daily"}, "DAILY;;DAILY;DAILY"},
		{"where it came from", []string{"--session", "GET /pricing?utm_source=mail&utm_campaign=may", "GET /pricing/team"}, "PRICING_VIEWED BY_MAIL;"},
		{"not yet", []string{"GET /offer"}, ""},
		{"the first day", []string{"--at=2099-01-01", "GET /offer"}, "OFFER"},
		{"in its own zone", []string{"--at=2099-01-31 15:00", "GET /offer"}, ""},
		{"before that", []string{"--at=2099-01-31T14:59", "GET /offer"}, "OFFER"},
		{"with an offset", []string{"--at=2099-01-01T00:00:00+09:00", "GET /offer"}, "OFFER"},
		{"lost, so it may count again", []string{"--session", "GET /paid?id=1 app.total=3", "GET /paid?id=1 app.total=3 app.email=a@example.com", "GET /paid?id=1 app.total=3 app.email=a@example.com"}, ";ORDER_PAID;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := carry(t, append([]string{"try", "--json", "--fired", file}, tt.words...)...)
			if code != exitOK || stderr != "" {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			var got []string
			for line := range strings.Lines(stdout) {
				var names []string
				for _, v := range strictly[[]triedGoal](t, line) {
					names = append(names, v.Goal)
				}
				got = append(got, strings.Join(names, " "))
			}
			if strings.Join(got, ";") != tt.want {
				t.Errorf("fired: %q, want %q", strings.Join(got, ";"), tt.want)
			}
		})
	}
}

// TestTryOneGoal: what is not asked for is not shown.
func TestTryOneGoal(t *testing.T) {
	file := write(t, "goals.yaml", funnelRules)
	_, stdout, _ := carry(t, "try", "--goal=OFFER", file, "GET /offer")
	printed(t, stdout, "-       OFFER  line 12: the date is outside from: and until:, since from: 2099-01-01 is yet to come (--at=2027-01-15 tries another day)\n")
	_, stdout, _ = carry(t, "try", "--fired", file, "GET /offer", "GET /daily")
	printed(t, stdout, "GET /daily\nfired   DAILY  (once per day)\n        sends DAILY  page \"daily\"\n")
	_, stdout, _ = carry(t, "try", "--fired", file, "GET /nowhere")
	printed(t, stdout, "no goal counts\n")
	_, stdout, _ = carry(t, "try", "--session", "--goal=TRIAL_STARTED", file, "POST /trial a=b -> 303 /welcome")
	printed(t, stdout, "-       TRIAL_STARTED  line 7: counts only after PRICING_VIEWED within 30m, and PRICING_VIEWED has not happened in this session\n")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--goal=OFER", file, "GET /"}, `there is no goal "OFER"; did you mean OFFER?`},
		{[]string{"--at=tomorrow", file, "GET /"}, `--at: "tomorrow" is not a date`},
		{[]string{file, "+5m", "GET /"}, "+5m lets time pass in a visit: write --session"},
		{[]string{"--session", file, "+soon", "GET /"}, `"+soon" is not a time, such as +30m or +1d`},
		{[]string{file, "none.har"}, "none.har"},
		{[]string{file, "curl -s"}, "curl: there is no address"},
		{[]string{file, "--", "curl", "-s"}, "curl: there is no address"},
	} {
		if code, _, stderr := carry(t, append([]string{"try"}, tt.args...)...); code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: exit code %d, %s", tt.args, code, stderr)
		}
	}
}

const visitHAR = `{"log":{"entries":[
  {"startedDateTime":"2020-01-01T10:00:00Z","request":{"method":"GET","url":"https://shop.example/pricing","headers":[]},"response":{"status":200,"headers":[],"content":{"mimeType":"text/html"}}},
  {"startedDateTime":"2020-01-01T10:00:01Z","_fromCache":"memory","request":{"method":"GET","url":"https://shop.example/daily","headers":[]},"response":{"status":200,"headers":[],"content":{"mimeType":"text/html"}}},
  {"startedDateTime":"2020-01-01T10:10:00Z","request":{"method":"POST","url":"https://shop.example/trial","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","text":"a=b"}},
   "response":{"status":302,"headers":[{"name":"Location","value":"https://shop.example/welcome"}],"content":{}}}]}}`

// TestTryOfBrowser: a recording, a file, the standard input, an address and a curl command
// are requests. In a session, a recording keeps its times.
func TestTryOfBrowser(t *testing.T) {
	file := write(t, "goals.yaml", funnelRules)
	har := write(t, "visit.har", visitHAR)
	const all = "GET https://shop.example/pricing -> 200\nfired   PRICING_VIEWED\n        sends PRICING_VIEWED  page \"pricing\"\n\n" +
		"POST https://shop.example/trial -> 302 https://shop.example/welcome\nfired   TRIAL_STARTED\n        sends TRIAL_STARTED  page \"trial\"\n"
	code, stdout, stderr := carry(t, "try", "--session", "--fired", file, har)
	if code != exitOK || stdout != all {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	late := write(t, "late.har", strings.ReplaceAll(visitHAR, "10:10:00", "10:20:00"))
	if _, stdout, _ = carry(t, "try", "--session", "--fired", file, late); strings.Contains(stdout, "TRIAL_STARTED") {
		t.Errorf("twenty minutes later\n%s", stdout)
	}
	_, stdout, _ = carry(t, "try", "--goal=DAILY", file, har)
	if !strings.Contains(stdout, "-       DAILY  the browser took the answer from its own cache") {
		t.Error(stdout)
	}
	stdin(t, "# as a file\nhttps://shop.example/pricing\ncurl 'https://shop.example/trial' \\\n  -d a=b -> 303 /welcome\n")
	_, stdout, _ = carry(t, "try", "--session", "--fired", file, "-")
	if strings.Count(stdout, "fired") != 2 || !strings.Contains(stdout, "fired   TRIAL_STARTED") {
		t.Error(stdout)
	}
	_, stdout, _ = carry(t, "try", "--fired", file, "--", "curl", "-sL", "https://shop.example/trial", "-d", "a=b", "->", "303", "https://shop.example/welcome")
	printed(t, stdout, "fired   TRIAL_STARTED  (only after PRICING_VIEWED within 30m)\n        sends TRIAL_STARTED  page \"trial\"\n")
	stdin(t, "nonsense\n")
	if code, _, stderr = carry(t, "try", file, "-"); code != exitUsage || !strings.Contains(stderr, `-: "nonsense" does not begin with a method`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// TestTrySaysWhy: a reason has the line of the file and the value that failed.
func TestTrySaysWhy(t *testing.T) {
	file := write(t, "goals.yaml", `version: 1
goals:
  - goal: A
    visit: /a
    hosts: shop.example
    if:
      query.plan: [pro, team]
      query.seats: ">= 5"
    unless:
      query.test: "~ ^t"
  - goal: B
    submit: /b
    value: { from: $form.total, max: 100 }
    if: { form.email: present }
  - goal: C
    submit: /c
    success: redirect to /done
`)
	for _, tt := range []struct{ goal, request, want string }{
		{"A", "GET /a?plan=Pro", `line 7: if: query.plan is "Pro", the rule wants "pro" or "team" (capital letters matter)`},
		{"A", "GET /a", `line 7: if: query.plan is not there, the rule wants "pro" or "team"`},
		{"A", "GET /a?plan=", `line 7: if: query.plan is empty, the rule wants "pro" or "team"`},
		{"A", "GET /a?plan=pro&seats=1,5", `line 8: if: query.seats is "1,5", the rule wants >= 5 (that is not read as a number; decimal: says how numbers are written)`},
		{"A", "GET /a?plan=pro&seats=5&test=t1", `line 10: unless: query.test is "t1", the rule does not want what fits ~ ^t`},
		{"A", "GET https://www.shop.example/a?plan=pro", "line 5: the host www.shop.example is not among hosts:"},
		{"B", "POST /b total=5 -> 303 /x", "line 14: if: form.email is not there, the rule wants it present"},
		{"B", "POST /b total=500 email=a -> 303 /x", `line 13: value: is "500", which is more than max: 100`},
		{"C", "POST /c a=b -> 303 https://www.shop.example/done", "line 17: answered 303 to https://www.shop.example/done; that is on www.shop.example, and the request does not say its host: add host=www.shop.example"},
		{"C", "POST /c a=b host=www.shop.example -> 303 https://www.shop.example/done", ""},
		{"C", "POST https://www.shop.example/c a=b -> 303 https://www.shop.example/done", ""},
		{"C", "POST /c a=b -> 303 /other", "line 17: answered 303 to /other; success needs a redirect to /done"},
	} {
		_, stdout, _ := carry(t, "try", "--json", "--goal="+tt.goal, file, tt.request)
		got := strictly[[]triedGoal](t, stdout)
		if len(got) != 1 || got[0].Reason != tt.want || got[0].Fired != (tt.want == "") {
			t.Errorf("%s: %+v\nwant %s", tt.request, got, tt.want)
		}
	}
}

const cartRules = `
version: 1
defaults: { currency: EUR }
goals:
  - goal: TEA_ADDED
    submit: /cart
    sends: ADD
    fields: { type: TEA, item_id: $form.id, name: Tea, productId: $form.id, referenceId: $form.id, price: $form.price }
  - goal: SAMPLE_ADDED
    click: a.sample
    count: once per session
    sends: ADD
    fields: { type: TEA, item_id: $element.id, name: Tea, productId: $element.id, referenceId: $element.id, price: 1 }
  - goal: CART_CONFIRMED
    visit: /checkout
    sends: CONFIRM
    fields: { item_id: $query.item }
  - goal: CART_PAID
    visit: /paid
    sends: CHECKOUT
    fields: { reference_id: $query.order, status: PURCHASED }
  - goal: CART_EMPTIED
    visit: /empty
    sends: CLEAR_CART
  - goal: OFFER_TAKEN
    visit: /offer
    after: [SAMPLE_ADDED]
`

// TestTryCart: a session knows its cart, as a live site does, and what happens in a page is
// part of it.
func TestTryCart(t *testing.T) {
	file := write(t, "goals.yaml", cartRules)
	const (
		add    = "POST /cart id=a price=3 -> 303 /basket"
		sample = "CLICK a.sample on /tea id=s"
		paid   = "GET /paid?order=1"
	)
	for _, tt := range []struct {
		name  string
		words []string
		want  string
	}{
		{"known", []string{add, "GET /checkout?item=a", paid}, "TEA_ADDED;CART_CONFIRMED;CART_PAID"},
		{"unknown", []string{add, "GET /checkout?item=b", paid}, "TEA_ADDED;;"},
		{"one of two unknown", []string{add, "GET /checkout?item=a&item=b", paid}, "TEA_ADDED;;"},
		{"confirmed afterwards", []string{"GET /checkout?item=a", add, "GET /checkout?item=a", paid}, ";TEA_ADDED;CART_CONFIRMED;CART_PAID"},
		{"emptied", []string{add, "GET /empty", "GET /checkout?item=a"}, "TEA_ADDED;CART_EMPTIED;"},
		{"another session", []string{add, "+20m", "GET /checkout?item=a"}, "TEA_ADDED;"},
		{"the same session", []string{add, "+19m", "GET /checkout?item=a"}, "TEA_ADDED;CART_CONFIRMED"},
		{"not added, since no price could be read", []string{"POST /cart id=a price=dear -> 303 /basket", "GET /checkout?item=a"}, ";"},
		{"added by a click", []string{sample, "GET /checkout?item=s", paid}, "SAMPLE_ADDED;CART_CONFIRMED;CART_PAID"},
		{"once, then after it", []string{"GET /offer", sample, sample, "GET /offer"}, ";SAMPLE_ADDED;;OFFER_TAKEN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := carry(t, append([]string{"try", "--session", "--json", "--fired", file}, tt.words...)...)
			if code != exitOK || stderr != "" {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			var got []string
			for line := range strings.Lines(stdout) {
				var names []string
				for _, v := range strictly[[]triedGoal](t, line) {
					names = append(names, v.Goal)
				}
				got = append(got, strings.Join(names, " "))
			}
			if strings.Join(got, ";") != tt.want {
				t.Errorf("fired: %q, want %q", strings.Join(got, ";"), tt.want)
			}
		})
	}
	_, stdout, _ := carry(t, "try", "--session", file, add, "GET /checkout?item=a&item=b&item=c", paid)
	for _, want := range []string{
		"CART_CONFIRMED  line 16: confirms 3 of the cart, of which 1 added in this session (cart_unknown_item)\n",
		"CART_PAID       line 20: its cart was not confirmed in this session: the CONFIRM had an item that was not added (cart_unknown_item)\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it printed\n%s\nwithout\n%s", stdout, want)
		}
	}
}
