package rule

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

const pageGoals = `
goals:
  - goal: DEMO_CLICKED
    click: "#hero a.demo"
    on: /products/{id}
    data: { product: $path.id, plan: $element.plan, ref: $query.ref }
  - goal: CALLED
    click: { to: tel }
    if: { element.kind: sales }
    hosts: [shop.example]
    env: [live]
    from: 2020-01-01
    until: 2099-12-31
  - goal: FILM_ENDED
    any:
      - played: { element: video, part: end }
        on: /film
      - seen: credits
        on: /film/text
    count: once per session
  - goal: READ_WELL
    read: 75%
    on: /blog/**
  - goal: STAYED
    stay: 90s
    on: /blog/*
    status: draft
  - goal: BEGUN
    started: form
  - goal: PAUSED
    click: buy
    status: paused
  - goal: OVER
    click: buy
    until: 2020-01-01
  - goal: SDK_CLICKED
    event: CLICKED
    on: /shop/**
    value: { from: $event.price, max: 100 }
    data: { label: $event.label, mail: { from: $event.newsletter, as: bool } }
  - goal: SENT
    submit: /contact
    success: redirect to /thanks
`

// TestPageGoals: what the script in a page has to know is all there.
func TestPageGoals(t *testing.T) {
	t.Parallel()
	s := parsed(t, pageGoals)
	got := s.PageGoals()
	for i := range got {
		if got[i].Cause() == nil || got[i].Cause().Name() != got[i].Name {
			t.Errorf("%s has another cause", got[i].Name)
		}
		got[i].cause = nil
	}
	want := []PageGoal{
		{Name: "DEMO_CLICKED", Kind: PageClick, On: "/products/{id}", OnRegexp: `^\/products\/[^/;]+\/?$`, Selector: "#hero a.demo", Element: []string{"plan"}},
		{Name: "CALLED", Kind: PageClick, To: "tel", Element: []string{"kind"}},
		{Name: "FILM_ENDED", Kind: PagePlayed, On: "/film", OnRegexp: `^\/film\/?$`, Selector: "video", Percent: 100},
		{Name: "FILM_ENDED", Kind: PageSeen, On: "/film/text", OnRegexp: `^\/film\/text\/?$`, DataGoal: "credits"},
		{Name: "READ_WELL", Kind: PageRead, On: "/blog/**", OnRegexp: `^\/blog(?:\/[^/;]+)*\/?$`, Percent: 75},
		{Name: "STAYED", Kind: PageStay, On: "/blog/*", OnRegexp: `^\/blog\/[^/;]+\/?$`, Stay: 90 * time.Second},
		{Name: "BEGUN", Kind: PageStarted, Selector: "form"},
		{Name: "OVER", Kind: PageClick, DataGoal: "buy"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d goals, want %d", len(got), len(want))
	}
	for i := range want {
		same := got[i]
		same.Element = want[i].Element
		if !slices.Equal(got[i].Element, want[i].Element) || !equalPageGoals(same, want[i]) {
			t.Errorf("got\n%+v, want\n%+v", got[i], want[i])
		}
	}
}

func equalPageGoals(a, b PageGoal) bool {
	a.Element, b.Element = nil, nil
	return a.Name == b.Name && a.Kind == b.Kind && a.On == b.On && a.OnRegexp == b.OnRegexp && a.DataGoal == b.DataGoal &&
		a.Selector == b.Selector && a.To == b.To && a.Percent == b.Percent && a.Stay == b.Stay
}

// TestPageGoalMayCount: a page is told only of the goals that may count there and then.
func TestPageGoalMayCount(t *testing.T) {
	t.Parallel()
	s := parsed(t, pageGoals)
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		goal, host, path, env string
		at                    time.Time
		want                  bool
	}{
		{"DEMO_CLICKED", "any.example", "/products/7", "", at, true},
		{"DEMO_CLICKED", "any.example", "/Products/7/", "", at, true},
		{"DEMO_CLICKED", "any.example", "/products", "", at, false},
		{"DEMO_CLICKED", "", "", "", at, true},
		{"CALLED", "shop.example:8080", "/x", "live", at, true},
		{"CALLED", "", "/x", "live", at, true},
		{"CALLED", "other.example", "/x", "live", at, false},
		{"CALLED", "shop.example", "/x", "test", at, false},
		{"CALLED", "shop.example", "/x", "live", at.AddDate(80, 0, 0), false},
		{"CALLED", "shop.example", "/x", "live", at.AddDate(-9, 0, 0), false},
		{"STAYED", "shop.example", "/blog/a", "", at, true},
	} {
		list := s.PageGoals()
		i := slices.IndexFunc(list, func(p PageGoal) bool { return p.Name == tt.goal })
		if got := list[i].MayCount(tt.host, tt.path, tt.env, tt.at); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// TestReported judges what a page's script reports.
func TestReported(t *testing.T) {
	t.Parallel()
	s := parsed(t, pageGoals)
	for name, tt := range map[string]struct {
		goal    string
		told    Told
		host    string
		env     string
		want    Reason
		wantExt string
	}{
		"click": {
			"DEMO_CLICKED",
			Told{Path: "/products/Kettle", RawQuery: "ref=mail", Element: map[string]string{"plan": "pro", "other": "x"}},
			"", "", Fires, "plan=pro product=Kettle ref=mail goalFrom=page ",
		},
		"click without its data":  {"DEMO_CLICKED", Told{Path: "/products/7/"}, "", "", Fires, "product=7 goalFrom=page "},
		"click on another page":   {"DEMO_CLICKED", Told{Path: "/products"}, "", "", ReasonOtherPage, ""},
		"too long":                {"DEMO_CLICKED", Told{Path: "/products/7", Element: map[string]string{"plan": strings.Repeat("x", 1025)}}, "", "", ReasonValueTooLong, ""},
		"condition on an element": {"CALLED", Told{Path: "/", Element: map[string]string{"kind": "sales"}}, "shop.example", "live", Fires, "goalFrom=page "},
		"condition does not hold": {"CALLED", Told{Path: "/"}, "shop.example", "live", ReasonCondition, ""},
		"another host":            {"CALLED", Told{Path: "/"}, "other.example", "live", ReasonOtherHost, ""},
		"over":                    {"OVER", Told{Path: "/"}, "", "", ReasonNotNow, ""},
		"another environment":     {"CALLED", Told{Path: "/"}, "shop.example", "", ReasonOtherEnv, ""},
		"film":                    {"FILM_ENDED", Told{Path: "/film"}, "", "", Fires, "goalFrom=page "},
		"credits":                 {"FILM_ENDED", Told{Path: "/film/text"}, "", "", Fires, "goalFrom=page "},
		"neither":                 {"FILM_ENDED", Told{Path: "/text"}, "", "", ReasonOtherPage, ""},
		"anywhere":                {"BEGUN", Told{Path: "/no/matter"}, "", "", Fires, "goalFrom=page "},
		"a draft":                 {"STAYED", Told{Path: "/blog/a"}, "", "", Fires, "goalFrom=page "},
		"paused":                  {"PAUSED", Told{Path: "/"}, "", "", ReasonPaused, ""},
		"unknown":                 {"NOBODY", Told{Path: "/"}, "", "", ReasonUnknownGoal, ""},
		"no name":                 {"", Told{Path: "/"}, "", "", ReasonUnknownGoal, ""},
		"of a form":               {"SENT", Told{Path: "/contact"}, "", "", ReasonNoPageGoal, ""},
		"of an event":             {"SDK_CLICKED", Told{Path: "/shop"}, "", "", ReasonNoPageGoal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := begun(tt.host).Telling(tt.told)
			c, r := s.Reported(x, tt.goal)
			if r == Fires {
				r = c.JudgeRaised(x, tt.env)
			}
			ext := ""
			if r == Fires {
				ext, r = sentBy(c, x)
			}
			if r != tt.want || ext != tt.wantExt {
				t.Errorf("got %s, %q; want %s, %q", r, ext, tt.want, tt.wantExt)
			}
		})
	}
}

// TestRelayed judges events of Sitecore's scripts.
func TestRelayed(t *testing.T) {
	t.Parallel()
	s := parsed(t, pageGoals)
	if !s.HasEvents() || parsed(t, "goals:\n  - goal: A\n    click: b\n").HasEvents() {
		t.Error("HasEvents is wrong")
	}
	for name, tt := range map[string]struct {
		typ, path string
		event     map[string]any
		want      string
	}{
		"fits":                    {"CLICKED", "/shop/tea", map[string]any{"price": 12.5, "label": "Buy", "newsletter": true, "other": 1}, "label=Buy mail=true goalValue=12.5 goalFrom=page "},
		"no value":                {"CLICKED", "/shop", map[string]any{"label": 7.0}, "label=7 goalFrom=page "},
		"a list":                  {"CLICKED", "/shop", map[string]any{"label": []any{"a"}}, "goalFrom=page "},
		"over the maximum":        {"CLICKED", "/shop", map[string]any{"price": 101.0}, "value_too_long"},
		"another page":            {"CLICKED", "/other", nil, "other_page"},
		"another type":            {"VIEW", "/shop", nil, "nothing"},
		"the goal's own type":     {"SDK_CLICKED", "/shop", nil, "nothing"},
		"letters of another case": {"clicked", "/shop", nil, "nothing"},
	} {
		x := begun("").Telling(Told{Path: tt.path, Event: tt.event})
		got := "nothing"
		for _, c := range s.Relayed(x, tt.typ, nil) {
			r := c.JudgeRaised(x, "")
			if r == Fires {
				got, r = sentBy(c, x)
			}
			if r != Fires {
				got = r.String()
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestNotAfter: a goal does not count once another has happened in the session.
func TestNotAfter(t *testing.T) {
	t.Parallel()
	s := parsed(t, `
goals:
  - goal: BEGUN
    started: form
    on: /contact
  - goal: SENT
    submit: /contact
    success: redirect to /thanks
  - goal: GIVEN_UP
    visit: /**
    after: BEGUN
    not after: SENT
    unless: { path: /contact }
`)
	given, begun, sent := s.byID["GIVEN_UP"], s.byID["BEGUN"], s.byID["SENT"]
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	v := new(visit.Visit)
	counts := func() bool { return v.Came(&given.past, now) && !v.Barred(&given.past) }
	if counts() || !given.past.Counts() || !sent.past.Leads() || !s.Past().Used {
		t.Error("counts before anything happened, or asks for nothing")
	}
	if v.Advance([]*visit.Goal{&begun.past}, now); !counts() {
		t.Error("does not count after the form was begun")
	}
	if v.Advance([]*visit.Goal{&sent.past}, now); counts() {
		t.Error("counts although the form was sent")
	}
}

func parsed(t *testing.T, text string) *Set {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begun is the exchange of a script's request.
func begun(host string) *Exchange {
	r := httptest.NewRequest(http.MethodPost, "http://"+host+"/goals/e/c?q=1", nil)
	var x Exchange
	x.Begin(r, host, "/goals/e/c", "", "", "")
	return &x
}

// sentBy is the ext that a goal sends.
func sentBy(c *Cause, x *Exchange) (string, Reason) {
	e, r := c.Event(x, Base{})
	if r != Fires {
		return "", r
	}
	var text strings.Builder
	for _, a := range e.Ext {
		v, _ := textOf(a.Value)
		text.WriteString(a.Name + "=" + v + " ")
	}
	return text.String(), Fires
}
